from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from made import CONDITIONS, PLAY, SQL_TYPES

from matinee.learn.features.predicates import Predicate, all_of, any_of, is_null, not_, where

COLUMNS = {"device": "text", "watch_s": "float", "pieces": "int", "kids": "bool"}
CON = duckdb.connect()


def test_unknown_is_neither_true_nor_false() -> None:
    high = where("rating", ">", 3)
    assert high.holds({"rating": 4}) is True
    assert high.holds({"rating": 3}) is False
    assert high.holds({}) is None
    assert not_(high).holds({}) is None
    assert all_of(high, where("a", "==", 1)).holds({"a": 2}) is False
    assert all_of(high, where("a", "==", 1)).holds({"a": 1}) is None
    assert any_of(high, where("a", "==", 1)).holds({"a": 1}) is True
    assert any_of(high, is_null("rating")).holds({}) is True


def test_texts_cannot_leave_their_quotes() -> None:
    assert where("a", "==", "x' OR 1=1 --").sql("v.") == "v.a = 'x'' OR 1=1 --'"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(CONDITIONS, st.lists(PLAY, min_size=1, max_size=5))
def test_python_and_sql_agree(condition: Predicate, events: list[dict[str, object]]) -> None:
    names = ", ".join(f"CAST(? AS {SQL_TYPES[type_]}) AS c_{name}" for name, type_ in COLUMNS.items())
    for event in events:
        found = CON.execute(
            f"SELECT {condition.sql('v.c_')} FROM (SELECT {names}) AS v", [event[name] for name in COLUMNS]
        ).fetchall()
        assert found == [(condition.holds(event),)]
