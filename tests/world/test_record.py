from __future__ import annotations

import numpy as np

from matinee.world.record import Record


def test_tables_keep_order_types_and_branches_apart() -> None:
    record = Record()
    record.add("invoices", invoice=[1, 2], account=[1, 2], at_us=5, amount_minor=[799, 1299])
    other = record.branch()
    other.add("invoices", invoice=[3], account=[1], at_us=6, amount_minor=[799])
    record.add("invoices", invoice=np.zeros(0), account=np.zeros(0), at_us=6, amount_minor=np.zeros(0))
    assert record.table("invoices")["invoice"].tolist() == [1, 2]
    assert other.table("invoices")["at_us"].tolist() == [5, 5, 6]
    assert record.table("invoices")["account"].dtype == np.int32
    assert record.table("charges")["approved"].tolist() == []
