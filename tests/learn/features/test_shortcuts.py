"""Shortcuts for last values and different values: taken where they are worth it, and exact wherever taken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings

sys.path.insert(0, str(Path(__file__).parent))

from made import LABEL_ROWS, PLAY_ROWS, SIGNAL_ROWS, START, VIEWS
from test_parity import SETTINGS, assert_same, by_duckdb, by_plain_loop

from matinee.learn.features import shortcuts
from matinee.learn.features.aggregates import Count, Distinct, LastK
from matinee.learn.features.backfill import backfill
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.dialects import DuckDb
from matinee.learn.features.plan import jobs
from matinee.learn.features.shortcuts import quick_dialect
from matinee.learn.features.sources import Source, sql_source

COLUMNS = {"member_id": "text", "title_id": "text", "pieces": "int"}
EVENTS = Source("events", COLUMNS)


def view(source: Source = EVENTS) -> FeatureView:
    said = (LastK("title_id", 3), Distinct("title_id"), Distinct("pieces"), Count())
    features = tuple(Feature(f"f{n}", source, aggregate, "all") for n, aggregate in enumerate(said))
    return FeatureView("v", "member", features)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """1,000 events of ten members, one time each; 20 titles."""
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE events AS SELECT 'm' || i % 10 AS member_id, 't' || i % 20 AS title_id, "
            f"i % 7 AS pieces, {START} + i AS at_us, at_us AS seen_us, i AS seq FROM range(1000) AS t(i)"
        )
        yield con


def chosen(con: duckdb.DuckDBPyConnection, source: Source = EVENTS) -> DuckDb:
    (job,) = jobs(view(source))
    return quick_dialect(con, job)


def asked(con: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """Values of the members m0 … m9 after all events, by feature."""
    labels = {
        "label_id": list(range(10)),
        "entity_id": [f"m{n}" for n in range(10)],
        "at_us": [START + 2000] * 10,
    }
    rows = backfill(con, view(), labels).rows()
    return {name: [row[name] for row in rows] for name in view().names}


def test_both_are_taken_where_times_differ_and_values_repeat(con: duckdb.DuckDBPyConnection) -> None:
    assert chosen(con).by_time
    assert chosen(con).hashed == {"title_id"}
    found = asked(con)
    assert found["f0"][0] == ["t10", "t0", "t10"]
    assert found["f1"] == [2] * 10
    assert found["f2"] == [7] * 10


def test_last_values_are_in_full_order_where_equal_times_are_frequent(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE events SET at_us = at_us - at_us % 1000")
    assert not chosen(con).by_time
    assert asked(con)["f0"][0] == ["t10", "t0", "t10"]


def test_a_rare_equal_time_is_found_and_put_in_order(con: duckdb.DuckDBPyConnection) -> None:
    last = "(SELECT max(at_us) FROM events WHERE member_id = 'm3')"
    for seq, title in ((5000, "first"), (5002, "third"), (5001, "second")):
        con.execute(f"INSERT INTO events SELECT 'm3', '{title}', 1, {last}, {last}, {seq}")
    assert chosen(con).by_time
    found = asked(con)
    assert found["f0"][3] == ["third", "second", "first"]
    assert found["f0"][4] == ["t14", "t4", "t14"]
    assert found["f3"] == [100, 100, 100, 103, 100, 100, 100, 100, 100, 100]


def test_an_equal_time_just_behind_the_last_values_is_found(con: duckdb.DuckDBPyConnection) -> None:
    third = "(SELECT at_us FROM events WHERE member_id = 'm3' ORDER BY at_us DESC OFFSET 2 LIMIT 1)"
    con.execute(f"INSERT INTO events SELECT 'm3', 'later', 1, {third}, {third}, 5000")
    assert asked(con)["f0"][3] == ["t13", "t3", "later"]


def test_values_that_mostly_differ_are_not_hashed(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE events SET title_id = 't' || seq")
    assert chosen(con).hashed == frozenset()
    assert asked(con)["f1"] == [100] * 10


def test_values_that_share_a_hash_are_counted_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE MACRO hash(x) AS CAST(length(x) AS UBIGINT)")  # in place of DuckDB's own
    assert chosen(con).hashed == frozenset()
    assert asked(con)["f1"] == [2] * 10


def test_missing_values_are_none_of_the_different_ones(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE events SET title_id = NULL, pieces = NULL WHERE seq % 20 < 10")
    assert chosen(con).hashed == {"title_id"}
    found = asked(con)
    assert found["f0"][0] == ["t10", "t10", "t10"]
    assert found["f1"] == [1] * 10
    assert found["f2"] == [7] * 10


def test_free_sql_is_read_once(con: duckdb.DuckDBPyConnection) -> None:
    plain = chosen(con, sql_source("made", "SELECT * FROM events", COLUMNS))
    assert (plain.by_time, plain.hashed) == (False, frozenset())


@settings(SETTINGS, max_examples=15)
@given(VIEWS, PLAY_ROWS, SIGNAL_ROWS, LABEL_ROWS)
def test_random_views_agree_when_both_are_always_taken(
    view: FeatureView,
    plays: list[dict[str, Any]],
    signals: list[dict[str, Any]],
    labels: list[tuple[str, int]],
) -> None:
    events = {"plays": plays, "signals": signals}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shortcuts, "MAX_TIED", 1.0)
        patched.setattr(shortcuts, "MAX_DIFFERENT", 1.0)
        found = by_duckdb(view, events, labels)
    assert_same(by_plain_loop(view, events, labels), found)
