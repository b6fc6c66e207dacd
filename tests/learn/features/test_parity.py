"""DuckDB, the online evaluator and a plain loop agree on random declarations and random events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from made import (
    FACT_ROWS,
    LABEL_ROWS,
    PLAY_ROWS,
    PLAYS,
    SIGNAL_ROWS,
    SIGNALS,
    VIEWS,
    load,
    load_titles,
)
from oracle import expected, same

from matinee.learn.features.backfill import backfill
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.online import OnlineEvaluator

Rows = list[dict[str, Any]]
CON = duckdb.connect()
load_titles(CON)
SETTINGS = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def by_plain_loop(view: FeatureView, events: dict[str, Rows], labels: list[tuple[str, int]]) -> Rows:
    return [expected(view, events, FACT_ROWS, who, at_us) for who, at_us in labels]


def by_duckdb(
    view: FeatureView, events: dict[str, Rows], labels: list[tuple[str, int]], **limits: int
) -> Rows:
    load(CON, PLAYS, events["plays"])
    load(CON, SIGNALS, events["signals"])
    columns = {
        "label_id": list(range(len(labels))),
        "entity_id": [who for who, _ in labels],
        "at_us": [at_us for _, at_us in labels],
    }
    done = backfill(CON, view, columns, **limits)
    rows = done.rows()
    CON.execute(f"DROP TABLE {done.table}")
    assert [(r.pop("label_id"), r.pop("entity_id"), r.pop("at_us")) for r in rows] == [
        (n, who, at_us) for n, (who, at_us) in enumerate(labels)
    ]
    return rows


def by_evaluator(
    view: FeatureView, events: dict[str, Rows], labels: list[tuple[str, int]], *, stored: bool
) -> Rows:
    """Events are given in the order of their arrival, labels asked in between."""
    online = OnlineEvaluator(view, FACT_ROWS)
    arrivals = [(e["seen_us"], 0, n, table, e) for table, rows in events.items() for n, e in enumerate(rows)]
    asked = [(at_us, 1, n, who, None) for n, (who, at_us) in enumerate(labels)]
    out: dict[int, dict[str, Any]] = {}
    for at_us, _, n, name, event in sorted(arrivals + asked, key=lambda x: x[:3]):
        if event is None:
            out[n] = online.evaluate(name, at_us)
            continue
        online.update(name, event)
        if stored:
            who = event["member_id"]
            blob = online.dump(who)
            online.drop(who)
            online.load(who, blob)
            assert online.dump(who) == blob
    return [out[n] for n in range(len(labels))]


def assert_same(one: Rows, other: Rows) -> None:
    for n, (a, b) in enumerate(zip(one, other, strict=True)):
        assert a.keys() == b.keys()
        for name in a:
            assert same(a[name], b[name]), (n, name, a[name], b[name])


@SETTINGS
@given(VIEWS, PLAY_ROWS, SIGNAL_ROWS, LABEL_ROWS, st.booleans())
def test_three_ways_agree(
    view: FeatureView, plays: Rows, signals: Rows, labels: list[tuple[str, int]], stored: bool
) -> None:
    events = {"plays": plays, "signals": signals}
    truth = by_plain_loop(view, events, labels)
    assert_same(truth, by_duckdb(view, events, labels))
    assert_same(truth, by_evaluator(view, events, labels, stored=stored))


@settings(SETTINGS, max_examples=10)
@given(VIEWS, PLAY_ROWS, SIGNAL_ROWS, LABEL_ROWS)
def test_tiles_of_heavy_entities_agree(
    view: FeatureView, plays: Rows, signals: Rows, labels: list[tuple[str, int]]
) -> None:
    events = {"plays": plays, "signals": signals}
    found = by_duckdb(view, events, labels, many_labels=1, heavy_pairs=3)
    assert_same(by_plain_loop(view, events, labels), found)
