"""The editors' plan as rows, on its way from a table into the `Catalogue`."""

from __future__ import annotations

import duckdb

from matinee.observe.catalogue.catalogue import Pin
from matinee.types import ALWAYS_US, NEVER_US


def pin_rows(con: duckdb.DuckDBPyConnection) -> list[Pin]:
    """Pins of the view `pins`, by row and column."""
    rows = con.execute(
        'SELECT "row", col, title_id, row_kind, territory, coalesce(start_us, ?::BIGINT), '
        'coalesce(end_us, ?::BIGINT) FROM pins ORDER BY "row", col NULLS FIRST, title_id',
        [ALWAYS_US, NEVER_US],
    ).fetchall()
    return [Pin(*row) for row in rows]
