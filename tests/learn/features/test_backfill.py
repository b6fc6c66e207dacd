from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import DAY, FACT_ROWS, HOUR, PLAYS, START, TITLES, load, load_titles
from oracle import expected, same

from matinee.errors import InputError, NotFoundError
from matinee.learn.features import aggregates as a
from matinee.learn.features.backfill import backfill, backfill_home
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.predicates import where
from matinee.learn.features.sources import Attribute, Source, lake_facts, lake_source, sql_source
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import

T = START + 100 * DAY + 5


def play(seq: int, at_us: int, **more: Any) -> dict[str, Any]:
    return {"member_id": "m1", "at_us": at_us, "seen_us": at_us, "seq": seq, **more}


def view(*features: Feature) -> FeatureView:
    return FeatureView("v", "member", features)


def feature(aggregate: a.Aggregate, window: str, **more: Any) -> Feature:
    return Feature(f"f{abs(hash((repr(aggregate), window)))}", PLAYS, aggregate, window, **more)


def ask(rows: list[dict[str, Any]], aggregate: a.Aggregate, window: str, at_us: int = T, **more: Any) -> Any:
    """Value of one feature for one label."""
    with duckdb.connect() as con:
        load(con, PLAYS, rows)
        load_titles(con)
        declared = feature(aggregate, window, **more)
        labels = {"label_id": ["l"], "entity_id": ["m1"], "at_us": [at_us]}
        return backfill(con, view(declared), labels).rows()[0][declared.name]


def test_an_event_at_the_time_of_the_label_is_not_seen_and_one_before_is() -> None:
    assert ask([play(0, T - 1), play(1, T), play(2, T + 1)], a.Count(), "all") == 1


def test_an_event_counts_from_its_arrival_on() -> None:
    late = {**play(0, T - HOUR), "seen_us": T}
    assert ask([late], a.Count(), "1d") == 1
    assert ask([{**late, "seen_us": T + 1}], a.Count(), "1d") == 0
    assert ask([{**late, "seen_us": None}], a.Count(), "1d") == 1


def test_short_windows_start_to_the_microsecond_and_long_ones_at_midnight() -> None:
    edge = [play(n, T - 2 * DAY + n - 1) for n in range(3)]
    assert ask(edge, a.Count(), "48h") == 2
    midnight = T - T % DAY - 3 * DAY
    assert ask([play(0, midnight - 1), play(1, midnight)], a.Count(), "3d") == 1


def test_each_aggregate_on_a_day_that_can_be_checked_by_hand() -> None:
    rows = [
        play(0, T - 4 * HOUR, title_id="t0", watch_s=10.0, device="tv", pieces=1),
        play(1, T - 3 * HOUR, title_id="t1", watch_s=30.0, device="phone", pieces=2),
        play(2, T - 2 * HOUR, title_id="t0", watch_s=None, device="tv", pieces=None),
    ]
    on_tv = where("device", "==", "tv")
    answers: list[tuple[a.Aggregate, Any]] = [
        (a.Count(), 3),
        (a.Count("watch_s"), 2),
        (a.Sum("watch_s"), 40.0),
        (a.Sum("pieces"), 3),
        (a.Mean("watch_s"), 20.0),
        (a.Min("watch_s"), 10.0),
        (a.Max("pieces"), 2),
        (a.LastK("title_id", 2), ["t0", "t1"]),
        (a.LastK("watch_s", 5), [30.0, 10.0]),
        (a.Distinct("title_id"), 2),
        (a.Ratio(part=on_tv), 2 / 3),
        (a.Ratio(value="watch_s", part=on_tv), 0.25),
        (a.Ratio(value="watch_s", over="pieces"), 40 / 3),
        (a.TimeSince(), 7200.0),
        (a.DecayedSum("1h"), 1 / 16 + 1 / 8 + 1 / 4),
        (a.DecayedSum("2h", "watch_s"), 10 / 4 + 30 / 2**1.5),
    ]
    for aggregate, answer in answers:
        assert same(ask(rows, aggregate, "1d"), answer), aggregate
    assert ask(rows, a.Sum("watch_s"), "1d", where=on_tv) == 10.0
    assert ask(rows, a.Count(), "1d", by=Attribute("device")) == {"phone": 1, "tv": 2}
    by_genre = Attribute("genres", TITLES)
    assert ask(rows, a.Count(), "1d", by=by_genre) == {"Crime": 3, "Drama": 2}
    assert ask(rows, a.LastK("device", 1), "1d", by=by_genre) == {"Crime": ["tv"], "Drama": ["tv"]}


def test_equal_times_keep_their_order_of_arrival() -> None:
    rows = [play(seq, T - HOUR, title_id=f"t{seq}") for seq in (2, 0, 1)]
    assert ask(rows, a.LastK("title_id", 2), "1d") == ["t2", "t1"]


def test_before_the_first_event_the_values_are_empty() -> None:
    empty = {
        a.Count(): 0,
        a.Sum("watch_s"): 0.0,
        a.Mean("watch_s"): None,
        a.Min("pieces"): None,
        a.Distinct("device"): 0,
        a.TimeSince(): None,
        a.DecayedSum("1d"): 0.0,
        a.Ratio(part=where("kids", "==", True)): None,
    }
    for aggregate, nothing in empty.items():
        assert ask([play(0, T)], aggregate, "all") == nothing
    assert ask([play(0, T)], a.LastK("device", 3), "all") == []
    assert ask([play(0, T)], a.Count(), "all", by=Attribute("device")) == {}


def test_as_many_rows_come_back_as_went_in_in_their_order() -> None:
    with duckdb.connect() as con:
        load(con, PLAYS, [play(n, T - n * HOUR) for n in range(1, 9)])
        labels = {
            "label_id": np.array(["z", "b", "a", "c"]),
            "entity_id": np.array(["m1", "m1", "nobody", "m1"]),
            "at_us": np.array([T, T, T, T - 3 * HOUR]),
        }
        done = backfill(con, view(Feature("n", PLAYS, a.Count(), "all")), labels)
        assert done.n_rows == 4
        assert [(r["label_id"], r["n"]) for r in done.rows()] == [("z", 8), ("b", 8), ("a", 0), ("c", 5)]
        assert done.arrays()["n"].tolist() == [8, 8, 0, 5]
        left = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert left == {"plays", done.table}


def test_labels_may_be_a_table_or_a_file(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        load(con, PLAYS, [play(1, T - HOUR)])
        con.execute(f"CREATE VIEW asked AS SELECT 7 AS label_id, 'm1' AS entity_id, {T} AS at_us")
        con.execute(f"COPY asked TO '{tmp_path}/asked.parquet'; COPY asked TO '{tmp_path}/asked.csv'")
        declared = view(Feature("n", PLAYS, a.Count(), "1d"))
        for labels in ("asked", tmp_path / "asked.parquet", tmp_path / "asked.csv"):
            done = backfill(con, declared, labels)
            assert done.rows() == [{"label_id": 7, "entity_id": "m1", "at_us": T, "n": 1}]
        done.write(tmp_path / "out.parquet")
        assert con.execute(f"SELECT n FROM '{tmp_path}/out.parquet'").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"label_id": [1], "entity_id": ["m"]}, 'unknown column "at_us"'),
        ({"label_id": [1, 1], "entity_id": ["m", "m"], "at_us": [1, 2]}, "label_id 1 stands 2 times"),
        ("nowhere", "cannot be read"),
        (Path("nowhere.parquet"), "cannot be read"),
    ],
)
def test_wrong_labels_are_named(labels: Any, said: str) -> None:
    with duckdb.connect() as con:
        load(con, PLAYS, [])
        with pytest.raises(InputError, match=said):
            backfill(con, view(Feature("n", PLAYS, a.Count(), "1d")), labels)


def test_missing_values_in_labels_are_named() -> None:
    with duckdb.connect() as con:
        load(con, PLAYS, [])
        con.execute(
            "CREATE VIEW asked AS "
            "SELECT * FROM (VALUES (1, 'm', 5), (2, NULL, 6)) AS t(label_id, entity_id, at_us)"
        )
        with pytest.raises(InputError, match="labels, row 2: entity_id is missing"):
            backfill(con, view(Feature("n", PLAYS, a.Count(), "1d")), "asked")


LABELS = {"label_id": [1], "entity_id": ["m1"], "at_us": [T]}


def test_tables_that_are_not_as_declared_are_named() -> None:
    declared = view(Feature("n", PLAYS, a.Sum("pieces"), "1d", by=Attribute("genres", TITLES)))
    with duckdb.connect() as con:
        with pytest.raises(NotFoundError, match="Source plays: it cannot be read"):
            backfill(con, declared, LABELS)
        load(con, PLAYS, [])
        with pytest.raises(NotFoundError, match="Facts titles: it cannot be read"):
            backfill(con, declared, LABELS)
        con.execute("CREATE TABLE titles AS SELECT 't' AS title_id, ['x'] AS genres FROM range(2)")
        with pytest.raises(InputError, match="title_id 't' has several rows"):
            backfill(con, declared, LABELS)
        con.execute("ALTER TABLE plays ALTER pieces TYPE VARCHAR")
        with pytest.raises(InputError, match="column pieces is VARCHAR, expected int as declared"):
            backfill(con, declared, LABELS)
        con.execute("ALTER TABLE plays DROP pieces")
        with pytest.raises(InputError, match='table plays: unknown column "pieces"'):
            backfill(con, declared, LABELS)


def test_free_sql_is_a_source_of_batch_features() -> None:
    custom = sql_source(
        "long", "SELECT * FROM plays WHERE watch_s > 15", {"member_id": "text", "watch_s": "float"}
    )
    with duckdb.connect() as con:
        load(con, PLAYS, [play(n, T - HOUR, watch_s=10.0 * n) for n in range(4)])
        done = backfill(con, view(Feature("n", custom, a.Count(), "1d")), LABELS)
        assert done.rows()[0]["n"] == 2


def test_entities_need_not_be_members() -> None:
    charges = Source("charges", {"account_id": "text", "amount_minor": "int"}, entity="account_id")
    declared = FeatureView("pay", "account", (Feature("paid", charges, a.Sum("amount_minor"), "all"),))
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE charges AS SELECT 'm1' AS account_id, 499 AS amount_minor, {T - 1} AS at_us, "
            f"{T - 1} AS seen_us, 1 AS seq"
        )
        assert backfill(con, declared, LABELS).rows()[0]["paid"] == 499


def heavy(n_events: int) -> list[dict[str, Any]]:
    """Half a year of one member, a burst in the middle, every tenth event late by up to two days."""
    rng = np.random.default_rng(1)
    spread = START + rng.integers(0, 180 * DAY, n_events // 2)
    burst = START + 90 * DAY + rng.integers(0, HOUR, n_events - n_events // 2)
    at_us = np.sort(np.concatenate([spread, burst]))
    delay = np.where(rng.random(n_events) < 0.1, rng.integers(0, 2 * DAY, n_events), 0)
    return [
        play(
            seq,
            int(t),
            title_id=f"t{seq % 4}",
            pieces=seq % 11,
            watch_s=float(seq % 7),
            device=None,
            kids=None,
            tags=None,
        )
        | {"seen_us": int(t + d)}
        for seq, (t, d) in enumerate(zip(at_us, delay, strict=True))
    ]


EVERY = view(
    Feature("n", PLAYS, a.Count(), "1h"),
    Feature("s", PLAYS, a.Sum("pieces"), "48h"),
    Feature("m", PLAYS, a.Mean("watch_s"), "30d"),
    Feature("x", PLAYS, a.Max("pieces"), "90d"),
    Feature("l", PLAYS, a.LastK("title_id", 5), "all"),
    Feature("d", PLAYS, a.Distinct("pieces"), "7d"),
    Feature("t", PLAYS, a.TimeSince(), "all", where("pieces", "==", 3)),
    Feature("w", PLAYS, a.DecayedSum("7d"), "all"),
    Feature("g", PLAYS, a.Count(), "30d", by=Attribute("genres", TITLES)),
)


def test_tiles_give_what_pairs_give() -> None:
    rows = heavy(600)
    labels = {
        "label_id": list(range(60)),
        "entity_id": ["m1"] * 60,
        "at_us": [START + n * 3 * DAY + 7 for n in range(60)],
    }
    with duckdb.connect() as con:
        load(con, PLAYS, rows)
        load_titles(con)
        tiled = backfill(con, EVERY, labels, heavy_pairs=100)
        assert tiled.heavy == 2
        for row in tiled.rows():
            truth = expected(EVERY, {"plays": rows}, FACT_ROWS, "m1", row["at_us"])
            assert all(same(truth[name], row[name]) for name in truth)


def test_equal_labels_of_a_heavy_entity_are_counted_once_each() -> None:
    labels = {"label_id": [1, 2, 3], "entity_id": ["m1"] * 3, "at_us": [T, T, T - DAY]}
    with duckdb.connect() as con:
        load(con, PLAYS, [play(n, T - n * HOUR) for n in range(1, 40)])
        declared = view(Feature("n", PLAYS, a.Count(), "all"))
        done = backfill(con, declared, labels, many_labels=1, heavy_pairs=1)
        assert done.heavy == 1
        assert [row["n"] for row in done.rows()] == [39, 39, 15]


def rows_of_work(con: duckdb.DuckDBPyConnection, n: int) -> int:
    """Rows that all operators put out in a backfill of n events and n / 20 labels."""
    con.execute(
        "CREATE OR REPLACE TABLE plays AS SELECT "
        f"'m1' AS member_id, {START} + i * {180 * DAY // n} AS at_us, "
        "at_us + CASE WHEN i % 50 = 0 THEN 600000000 ELSE 0 END AS seen_us, i AS seq, i % 11 AS pieces, "
        f"i % 7 / 2 AS watch_s FROM range({n}) AS t(i)"
    )
    m = n // 20
    con.execute(
        f"CREATE OR REPLACE TABLE asked AS SELECT i AS label_id, 'm1' AS entity_id, "
        f"{START} + i * {180 * DAY // m} + 3 AS at_us FROM range({m}) AS t(i)"
    )
    done = backfill(Counting(con), EVERY.only("n", "s", "m", "x"), "asked", heavy_pairs=1_000)  # type: ignore[arg-type]
    assert done.heavy == 1
    return Counting.rows


class Counting:
    """A connection that counts the rows which operators put out."""

    rows = 0

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        Counting.rows = 0
        self.con = con
        con.execute("PRAGMA enable_profiling = 'no_output'")

    def execute(self, sql: str) -> Any:
        done = self.con.execute(sql)
        if sql.startswith("CREATE"):
            profile = json.loads(self.con.get_profiling_information(format="json"))
            Counting.rows += sum(cardinality(node) for node in profile.get("operator", []))
        return done


def cardinality(node: dict[str, Any]) -> int:
    return int(node.get("intermediate_rows", 0)) + sum(
        cardinality(child) for child in node.get("children", [])
    )


def test_the_cost_of_a_heavy_entity_grows_about_linearly() -> None:
    with duckdb.connect() as con:
        one, four = (rows_of_work(con, n) for n in (4_000, 16_000))
    assert four < 6 * one, (one, four)


def test_what_does_not_fit_into_memory_spills(tmp_path: Path) -> None:
    with duckdb.connect(
        config={"memory_limit": "120MB", "temp_directory": str(tmp_path), "threads": 1}
    ) as con:
        con.execute(
            f"CREATE VIEW plays AS SELECT 'm' || (i % 20000) AS member_id, {START} + i * 1000000 AS at_us, "
            "at_us AS seen_us, i AS seq, 'title' || (i % 5000) AS title_id FROM range(600000) AS t(i)"
        )
        con.execute(
            f"CREATE VIEW asked AS SELECT i AS label_id, 'm' || i AS entity_id, "
            f"{START + 30 * DAY} AS at_us "
            "FROM range(20000) AS t(i)"
        )
        declared = view(Feature("l", PLAYS, a.LastK("title_id", 50), "all"))
        done = backfill(con, declared, "asked", batch_labels=4_000)
        assert con.execute(f"SELECT sum(len(l)), count(*) FROM {done.table}").fetchall() == [
            (600_000, 20_000)
        ]


def test_a_home_is_read_with_its_titles(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    (tmp_path / "titles.csv").write_text("title_id,name,genres\nt1,One,Drama|Crime\nt2,Two,Drama\n")
    (tmp_path / "plays.csv").write_text(
        "member_id,title_id,at,watch_s\nm1,t1,100,60\nm1,t2,200,30\nm2,t1,300,5\n"
    )
    run_import(home, "titles", tmp_path / "titles.csv")
    run_import(home, "events", tmp_path / "plays.csv")
    plays = lake_source("plays")
    declared = view(
        Feature("watch_7d", plays, a.Sum("watch_s"), "7d"),
        Feature("genres", plays, a.Count(), "all", by=Attribute("genres", lake_facts("titles"))),
    )
    labels = {"label_id": [1, 2], "entity_id": ["m1", "m2"], "at_us": [250_000_000, 250_000_000]}
    assert backfill_home(home, declared, labels, tmp_path / "out.parquet") == 2
    with duckdb.connect() as con:
        found = con.execute(f"SELECT watch_7d, genres FROM '{tmp_path}/out.parquet'").fetchall()
    assert found == [(90.0, {"Crime": 1, "Drama": 2}), (0.0, {})]
