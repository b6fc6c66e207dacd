"""The clearance rule: what it says, and that arrays and SQL say the same."""

from __future__ import annotations

import random
from typing import Any

import pytest

from matinee.observe.catalogue.clearance import COLUMNS, REASONS, Clearances, cleared_sql, why_not_sql
from matinee.observe.lake.connection import connect
from matinee.observe.lake.tables import FACTS
from matinee.types import NEVER_US

GOOD: dict[str, Any] = {"approved_by": "ada", "approved_us": 10}
CASES = {
    "": [GOOD, GOOD | {"start_us": 50, "end_us": 51}, GOOD | {"territories": ["BE", "NL"]}],
    "withdrawn": [GOOD | {"withdrawn_us": 70}, {"withdrawn_us": 1}],
    "not approved": [{}, {"approved_us": 10}, {"approved_by": "", "approved_us": 10}, {"approved_by": "ada"},
                     {"approved_by": "ada", "approved_us": 51}],
    "before its time": [GOOD | {"start_us": 51}],
    "after its time": [GOOD | {"end_us": 50}, GOOD | {"start_us": 1, "end_us": 2}],
    "not in this territory": [GOOD | {"territories": ["BE"]}],
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_the_rule(reason: str) -> None:
    found = Clearances.from_rows(CASES[reason]).why_not(50, "NL")
    assert [REASONS[code] for code in found] == [reason] * len(CASES[reason])


def test_an_unknown_territory_permits_only_what_is_cleared_everywhere() -> None:
    both = Clearances.from_rows([GOOD, GOOD | {"territories": ["NL"]}])
    assert both.cleared(50, None).tolist() == [True, False]
    assert both.cleared(50, "").tolist() == [True, False]


def test_an_image_is_cleared_somewhere_unless_something_else_forbids_it() -> None:
    given = {"approved_by": "ada", "approved_us": 5, "end_us": 9}
    rows = [given | {"territories": ["NL"]}, given, given | {"withdrawn_us": 6}, {"territories": ["NL"]}]
    one = Clearances.from_rows(rows)
    assert [one.cleared_somewhere(at).tolist() for at in (4, 5, 9)] == [
        [False] * 4, [True, True, False, False], [False] * 4
    ]  # fmt: skip


def test_the_next_change_is_the_first_begin_or_end_after_a_moment() -> None:
    some = Clearances.from_rows([GOOD | {"start_us": 30, "end_us": 60}, {}])
    assert [some.next_change_us(at) for at in (0, 10, 30, 60)] == [10, 30, 60, NEVER_US]
    assert Clearances.from_rows([]).next_change_us(0) == NEVER_US


def test_sql_and_arrays_agree_on_every_row() -> None:
    draw = random.Random(4)
    values: dict[str, list[Any]] = {
        "approved_by": [None, "", "ada", "ada"],
        "territories": [None, [], ["NL"], ["BE", "NL"], ["N'L"]],
    }
    rows = [{c: draw.choice(values.get(c, [None, 4, 5, 6])) for c in COLUMNS} for _ in range(3_000)]
    with connect(threads=1) as con:
        types = ", ".join(f"{c} {FACTS['artwork'][c]}" for c in COLUMNS)
        con.execute(f"CREATE TABLE a (i INTEGER, {types})")
        con.executemany(
            f"INSERT INTO a VALUES (?, {', '.join('?' * len(COLUMNS))})",
            [[i, *(row[c] for c in COLUMNS)] for i, row in enumerate(rows[:400])],
        )
        found = Clearances.from_rows(rows[:400])
        for at in (3, 5, 6):
            for territory, literal in (("NL", "'NL'"), ("N'L", "'N''L'"), (None, "NULL")):
                both = f"coalesce({why_not_sql(str(at), literal, 'a')}, ''), {cleared_sql(str(at), literal)}"
                said = con.execute(f"SELECT {both} FROM a ORDER BY i").fetchall()
                assert [one[0] for one in said] == [REASONS[code] for code in found.why_not(at, territory)]
                assert [one[1] for one in said] == found.cleared(at, territory).tolist()
