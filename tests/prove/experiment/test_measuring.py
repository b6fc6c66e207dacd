"""Metrics of units: counted by hand on a tiny log, and again by numpy on random ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest
from tests.prove.experiment.homes import (
    EXPERIMENT,
    START_US,
    add_rows,
    at,
    decision,
    new_home,
    play,
    random_home,
)

from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.prove.experiment.exposures import Exposed, add_segments, find_exposed
from matinee.prove.experiment.measuring import measure, moments, unit_values
from matinee.prove.experiment.metrics.catalogue import known_metrics, parse
from matinee.prove.experiment.metrics.definition import TABLES, Metric
from matinee.types import DAY_US

TITLES = [
    {"title_id": "t1", "name": "One", "kind": "film", "runtime_s": 1_000.0},
    {"title_id": "t2", "name": "Two", "kind": "film", "runtime_s": 100.0},
]


@contextmanager
def opened(home: Home, until_us: int, experiment: Experiment = EXPERIMENT) -> Iterator[tuple[Any, Exposed]]:
    with spilling() as con:
        open_events(con, home, *TABLES, moment=Moment(until_us, until_us))
        open_facts(con, home, "members", "titles")
        yield con, find_exposed(con, experiment, START_US)


def values(
    con: duckdb.DuckDBPyConnection, metric: Metric, *, column: str = "y_0", by_account: bool = False
) -> dict[str, float]:
    measure(con, [metric], initiative="shop", covariate_days=28, since_us=START_US, by_account=by_account)
    rows = con.execute(f"SELECT unit, {column} FROM measured JOIN exposed USING (n) ORDER BY unit").fetchall()
    return dict(rows)


@pytest.fixture
def tiny(tmp_path: Path) -> Home:
    """a: exposed on day 1, b: on day 2, c: on day 3 and served again; d in both arms."""
    home = new_home(tmp_path)
    add_rows(home, "titles", TITLES)
    add_rows(
        home,
        "decisions",
        [
            decision("a", "control", 1.0, device="tv", latency_ms=10.0),
            decision("a", "control", 5.0, device="phone", latency_ms=30.0, fallback=True),
            decision("b", "bold", 2.0, device="phone", slots=None),
            decision("c", "control", 3.0, sticky_of="d-c-old"),
            decision("c", "control", 3.5, context={"shadow": True}),
            decision("d", "control", 1.0),
            decision("d", "bold", 2.0),
            decision("e", "bold", 4.0, context={"experiment": "another"}),
            decision("f", "bold", 4.0, initiative="other"),
        ],
    )
    add_rows(
        home,
        "plays",
        [
            play("a", 0.5, 900.0),  # before the first exposure
            play("a", -40.0),  # before the days of the covariate
            play("a", 1.5, 900.0),  # a quality play
            play("a", 1.6, 100.0),
            play("a", 6.5, 120.0, title_id="t2"),  # a quality play of a short title
            play("a", 9.0, 100.0),  # after day 7 of it
            play("b", 1.0, 800.0),
            play("b", 12.0, 800.0, seen_us=at(13.0)),
            play("d", 3.0),
            play("x", 3.0),  # never exposed
        ],
    )
    add_rows(
        home,
        "signals",
        [{"member_id": "a", "title_id": "t1", "at_us": at(4.0), "signal": "thumb_down"}],
    )
    add_rows(home, "impressions", [{"member_id": "a", "title_id": "t1", "at_us": at(2.0)}])
    return home


def test_exposure_is_the_first_decision_in_an_arm(tiny: Home) -> None:
    with opened(tiny, at(14)) as (con, exposed):
        rows = con.execute("SELECT unit, arm, first_us, device FROM exposed ORDER BY unit").fetchall()
    assert rows == [
        ("a", 0, at(1.0), "tv"),
        ("b", 1, at(2.0), "phone"),
        ("c", 0, at(3.0), None),
        ("f", 1, at(4.0), None),
    ]
    assert exposed.units == (2, 2)
    assert exposed.days == {1: (1, 0), 2: (0, 1), 3: (1, 0), 4: (0, 1)}
    assert (exposed.crossed, exposed.n_crossed) == (("d",), 1)
    assert exposed.crossed_share == pytest.approx(0.2)


def test_only_what_had_happened_and_arrived_is_seen(tiny: Home) -> None:
    with opened(tiny, at(2.5)) as (_, exposed):
        assert exposed.units == (1, 1)
    metric = known_metrics()["plays"]
    with opened(tiny, at(12.5)) as (con, _):
        assert values(con, metric)["b"] == 0  # the play of day 12 arrives on day 13
    with opened(tiny, at(14)) as (con, _):
        assert values(con, metric)["b"] == 1


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("plays", {"a": 4, "b": 1, "c": 0, "f": 0}),
        ("quality_plays", {"a": 2, "b": 1, "c": 0, "f": 0}),
        ("watch_hours", {"a": 1220 / 3600, "b": 800 / 3600, "c": 0, "f": 0}),
        ("active_days", {"a": 3, "b": 1, "c": 0, "f": 0}),
        ("distinct_titles", {"a": 2, "b": 1, "c": 0, "f": 0}),
        ("watchers", {"a": 1, "b": 1, "c": 0, "f": 0}),
        ("thumbs_down_rate", {"a": 1, "b": 0, "c": 0, "f": 0}),
        ("fallback_rate", {"a": 1, "b": 0, "c": 0, "f": 0}),
        ("empty_pages", {"a": 0, "b": 1, "c": 0, "f": 0}),
        ("latency_p95", {"a": 30.0, "b": None, "c": None, "f": None}),
        ("first_play_delay_p90", {"a": 12.0, "b": 168.0, "c": 168.0, "f": 168.0}),
    ],
)
def test_values_counted_by_hand(tiny: Home, name: str, wanted: dict[str, float]) -> None:
    with opened(tiny, at(14)) as (con, _):
        assert values(con, known_metrics()[name]) == pytest.approx(wanted)


def test_denominators_and_covariates_counted_by_hand(tiny: Home) -> None:
    metrics = known_metrics()
    with opened(tiny, at(14)) as (con, _):
        assert values(con, metrics["fallback_rate"], column="d_0") == {"a": 2, "b": 1, "c": 1, "f": 0}
        assert values(con, metrics["thumbs_down_rate"], column="d_0")["a"] == 4
        assert values(con, metrics["plays"], column="x_0") == {"a": 1, "b": 1, "c": 0, "f": 0}
        assert values(con, metrics["thumbs_down_rate"], column="c_0")["a"] == 1
        assert values(con, metrics["watchers"], column="x_0")["b"] == 1


def test_a_window_leaves_out_later_events_and_units_whose_window_is_open(tiny: Home) -> None:
    metric = msgspec.structs.replace(known_metrics()["plays"], window_days=7)
    with opened(tiny, at(9.5)) as (con, _):
        assert values(con, metric)["a"] == 3
        arms = moments(con, {0: metric}, n_arms=2, at_us=at(9.5), covariate=True)[""][0]
    assert (arms[0].n, arms[0].y, arms[1].n) == (1, 3.0, 1)  # a and b; c was exposed 6.5 days ago


def test_retention_counts_units_that_are_seen_again(tiny: Home) -> None:
    metric = msgspec.structs.replace(known_metrics()["retained_7d"], days=(1, 7))
    with opened(tiny, at(16)) as (con, _):
        assert values(con, metric, column="y_0_1") == {"a": 1, "b": 0, "c": 0, "f": 0}
        assert values(con, metric, column="y_0_7") == {"a": 1, "b": 1, "c": 0, "f": 0}
        early = moments(con, {0: metric}, n_arms=2, at_us=at(16), covariate=False, day=1)[""][0]
        late = moments(con, {0: metric}, n_arms=2, at_us=at(16), covariate=False)[""][0]
    assert (early[0].n, early[0].y, early[1].n) == (2, 1.0, 2)
    assert (late[0].n, late[0].y, late[1].n, late[1].y) == (1, 1.0, 1, 1.0)


def test_a_condition_on_any_column_even_one_named_like_a_word_of_sql(tiny: Home) -> None:
    add_rows(tiny, "plays", [play("c", 4.0, row=1, col=2), play("c", 4.1, row=2)])
    first_row = 'where = [{ column = "row", op = "==", value = 1 }]'
    text = f'[top]\ntitle = "Top"\nkind = "mean"\nof = {{ table = "plays", {first_row} }}'
    with opened(tiny, at(14)) as (con, _):
        assert values(con, parse(text, "own.toml")["top"]) == {"a": 0, "b": 0, "c": 1, "f": 0}


def test_late_events_are_counted(tiny: Home) -> None:
    with opened(tiny, at(14)) as (con, _):
        late = measure(
            con, [known_metrics()["plays"]], initiative="shop", covariate_days=0, since_us=START_US,
            late_after_us=at(12.5),
        )  # fmt: skip
        none = measure(
            con, [known_metrics()["plays"]], initiative="shop", covariate_days=0, since_us=START_US,
            late_after_us=at(13.0),
        )  # fmt: skip
    assert (late, none) == (1, 0)


def test_accounts_are_units_with_all_their_members(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    add_rows(home, "titles", TITLES)
    add_rows(
        home,
        "members",
        [{"member_id": m, "account_id": a} for m, a in (("m1", "x"), ("m2", "x"), ("m3", "y"), ("m4", None))],
    )
    offer = decision("unused", "bold", 2.0, unit_id="y", member_id=None, decision_id="offer", fallback=True)
    add_rows(
        home,
        "decisions",
        [decision("m1", "control", 1.0), decision("m2", "control", 3.0), offer, decision("m4", "bold", 1.0)],
    )
    add_rows(
        home, "plays", [play("m1", 2.0), play("m2", 2.0), play("m3", 1.0), play("m3", 3.0), play("m4", 3.0)]
    )
    experiment = msgspec.structs.replace(EXPERIMENT, unit="account")
    with opened(home, at(14), experiment) as (con, exposed):
        assert exposed.units == (1, 2)
        assert values(con, known_metrics()["plays"], by_account=True) == {"m4": 1, "x": 2, "y": 1}
        fallbacks = values(con, known_metrics()["fallback_rate"], by_account=True)
        assert fallbacks == {"m4": 0, "x": 0, "y": 1}


def test_segments_of_units(tiny: Home) -> None:
    add_rows(
        tiny,
        "members",
        [{"member_id": "a", "territory": "NL", "kids": True}, {"member_id": "b", "territory": "FR"}],
    )
    with opened(tiny, at(14)) as (con, _):
        add_segments(con, ("device", "territory", "kids", "tenure"))
        rows = con.execute(
            "SELECT unit, s.* EXCLUDE (n) FROM segments AS s JOIN exposed USING (n) ORDER BY 1"
        )
        assert rows.fetchall() == [
            ("a", "tv", "NL", "kids", "4 weeks to a year"),
            ("b", "phone", "FR", "others", "first 4 weeks"),
            ("c", "unknown", "unknown", "unknown", "unknown"),
            ("f", "unknown", "unknown", "unknown", "unknown"),
        ]
        measure(con, [known_metrics()["plays"]], initiative="shop", covariate_days=0, since_us=START_US)
        by = moments(con, {0: known_metrics()["plays"]}, n_arms=2, at_us=at(14), covariate=False, by="device")
    assert {name: [arm.n for arm in found[0]] for name, found in by.items()} == {
        "phone": [0, 1], "tv": [1, 0], "unknown": [1, 1],
    }  # fmt: skip


def test_strange_arms_are_named(tiny: Home) -> None:
    add_rows(tiny, "decisions", [decision("g", "bolder", 2.0)])
    with opened(tiny, at(14)) as (_, exposed):
        assert exposed.strangers == ("bolder",)


def rows_of(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    return {name: np.ma.getdata(column) for name, column in con.execute(sql).fetchnumpy().items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_moments_equal_numpy_on_a_random_log(tmp_path: Path, seed: int) -> None:
    home = random_home(tmp_path, n=500, days=10, seed=seed)
    metrics = {i: known_metrics()[name] for i, name in enumerate(("watch_hours", "quality_play_rate"))}
    with opened(home, at(10)) as (con, _):
        measure(con, list(metrics.values()), initiative="shop", covariate_days=28, since_us=START_US)
        found = moments(con, metrics, n_arms=2, at_us=at(10), covariate=True)[""]
        plays = rows_of(con, "SELECT member_id, at_us, watch_s FROM plays")
        made = rows_of(con, "SELECT member_id, at_us, context FROM decisions")
    place = {member: i for i, member in enumerate(made["member_id"])}
    who = np.array([place[member] for member in plays["member_id"]])
    since = plays["at_us"] - made["at_us"][who]
    arm = np.array(['"bold"' in context for context in made["context"]]).astype(int)
    after, before = since >= 0, (since < 0) & (since >= -28 * DAY_US)
    good, watched = plays["watch_s"] >= 0.7 * 3_000, plays["watch_s"] / 3600

    def total(weights: Any) -> Any:
        return np.bincount(who, weights=weights, minlength=len(arm))

    table = {
        0: (total(after * watched), np.ones(len(arm)), total(before * watched), np.ones(len(arm))),
        1: (total(after & good), total(after), total(before & good), total(before)),
    }  # fmt: skip
    for i, columns in table.items():
        for k in (0, 1):
            inside = np.array([column[arm == k] for column in columns])
            products = np.cov(inside, ddof=0) * inside.shape[1]
            assert found[i][k].n == inside.shape[1]
            np.testing.assert_allclose(found[i][k].sums, inside.sum(axis=1), rtol=1e-9)
            np.testing.assert_allclose(found[i][k].products, products, rtol=1e-9, atol=1e-6)


def test_values_of_units_for_quantiles(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=200, days=10)
    metric = known_metrics()["latency_p95"]
    with opened(home, at(10)) as (con, exposed):
        measure(con, [metric], initiative="shop", covariate_days=0, since_us=START_US)
        found = unit_values(con, metric, 0, n_arms=2, at_us=at(10))
        (mean,) = con.execute("SELECT avg(latency_ms) FROM decisions").fetchall()[0]
    assert tuple(len(one) for one in found) == exposed.units
    assert np.concatenate(found).mean() == pytest.approx(mean)
    assert all((np.diff(one) >= 0).all() for one in found)


def test_a_choice_that_stands_on_the_decision_of_another_initiative_exposes_too(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    images = {"artwork_experiment": "brighter", "artwork_arm": "bright"}
    add_rows(
        home,
        "decisions",
        [
            decision("a", "bold", 1.0, context=images),  # a page of one experiment with images of another
            decision("b", "control", 2.0, context={**images, "artwork_arm": "control"}),
            decision("c", "control", 3.0),
            decision("d", "control", 4.0, context={**images, "artwork_arm": "dark"}),
        ],
    )
    brighter = msgspec.structs.replace(
        EXPERIMENT, name="brighter", initiative="artwork", arms=(Arm("control", 0.5), Arm("bright", 0.5))
    )
    with opened(home, at(9.0), brighter) as (con, exposed):
        assert exposed.units == (1, 1)
        assert exposed.strangers == ("dark",)
        assert con.execute("SELECT unit, arm FROM exposed ORDER BY unit").fetchall() == [("a", 1), ("b", 0)]
    with opened(home, at(9.0)) as (_, exposed):
        assert exposed.units == (3, 1)
