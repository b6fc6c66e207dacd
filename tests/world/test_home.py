from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from matinee.errors import InputError
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events, open_facts
from matinee.observe.lake.tables import EVENTS
from matinee.observe.log import LogWriter
from matinee.types import DAY_US
from matinee.world.service import Run, WorldConfig, simulate, write_home


@pytest.fixture(scope="module")
def home(history: Run, tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home.create(tmp_path_factory.mktemp("simulated"))
    write_home(made, history)
    return made


@pytest.fixture
def con(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(threads=1) as opened:
        open_events(opened, home, *EVENTS)
        open_facts(opened, home, "titles", "members", "availability")
        yield opened


def one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    return con.execute(sql).fetchall()[0]


def test_every_row_arrives_with_its_ids(con: duckdb.DuckDBPyConnection, history: Run) -> None:
    for table in ("plays", "impressions", "signals", "searches"):
        (n,) = one(con, f"SELECT count(*) FROM {table}")
        assert n == len(history.record.table(table)["member"]) > 0
        (orphans,) = one(con, f"SELECT count(*) FROM {table} ANTI JOIN members USING (member_id)")
        assert orphans == 0
    for table in ("plays", "impressions", "signals"):
        assert one(con, f"SELECT count(*) FROM {table} ANTI JOIN titles USING (title_id)") == (0,)
    statuses = dict(con.execute("SELECT status, count(*) FROM membership GROUP BY ALL").fetchall())
    assert set(statuses) == {"started", "paused", "resumed", "ended"}
    assert one(con, "SELECT count(*) FROM titles WHERE kind = 'episode' AND series_id IS NULL") == (0,)


def test_events_agree_with_the_facts(con: duckdb.DuckDBPyConnection, history: Run) -> None:
    too_old = (
        "SELECT count(*) FROM impressions JOIN titles USING (title_id) JOIN members USING (member_id) "
        "WHERE maturity > maturity_max"
    )
    assert one(con, too_old) == (0,)
    closed = (
        "SELECT count(*) FROM impressions i JOIN members m USING (member_id) "
        "JOIN availability a ON a.title_id = i.title_id AND a.territory = m.territory WHERE "
        "i.at_us < coalesce(a.start_us, 0) OR i.at_us >= coalesce(a.end_us, 9e18::BIGINT)"
    )
    assert one(con, closed) == (0,)
    (long,) = one(con, "SELECT max(watch_s / runtime_s) FROM plays JOIN titles USING (title_id)")
    assert long <= 1.001
    (late, before) = one(con, "SELECT max(seen_us - at_us), min(seen_us - at_us) FROM plays")
    assert before >= 0
    assert DAY_US / 24 < late <= DAY_US
    (first, last) = one(con, "SELECT min(at_us), max(at_us) FROM plays")
    assert first >= history.world.config.start_us
    assert last < history.world.day_us(150)


def test_decisions_of_both_kinds_have_propensities(con: duckdb.DuckDBPyConnection, history: Run) -> None:
    pages = "SELECT count(*) FROM decisions WHERE initiative = 'pages' AND unit_id = member_id"
    assert one(con, pages) == (len(history.record.table("pages")["page"]),)
    (slots,) = one(con, "SELECT slots FROM decisions WHERE initiative = 'pages' ORDER BY at_us LIMIT 1")
    tiles = json.loads(slots)
    assert tiles[0]["row"] == tiles[0]["col"] == 1
    assert all(0 < tile["propensity"] <= 1 and 0 < tile["artwork_propensity"] < 1 for tile in tiles)
    clicks = "SELECT count(*) FROM plays SEMI JOIN decisions USING (decision_id)"
    assert one(con, clicks) == one(con, "SELECT count(*) FROM plays WHERE decision_id IS NOT NULL")
    offers = con.execute(
        "SELECT action, propensity, actions, context FROM decisions WHERE initiative = 'offers'"
    ).fetchall()
    assert len(offers) == len(history.record.table("notices")["notice"])
    assert {row[0] for row in offers} == {"none", "discount", "extension", "reminder"}
    assert all(0.1 <= row[1] < 0.8 and json.loads(row[2])[0] == "none" for row in offers)
    assert json.loads(offers[0][3])["price_minor"] in (799, 1299, 1799)


def test_inverse_propensities_average_to_the_number_of_offers(con: duckdb.DuckDBPyConnection) -> None:
    mean, error = one(
        con,
        "SELECT avg(1 / propensity), stddev(1 / propensity) / sqrt(count(*)) FROM decisions "
        "WHERE initiative = 'offers'",
    )
    assert abs(mean - 4) < 4 * error


def test_rewards_belong_to_decisions_and_come_later(con: duckdb.DuckDBPyConnection, history: Run) -> None:
    joined = "FROM rewards r JOIN decisions d USING (decision_id)"
    n = len(history.record.table("outcomes")["notice"])
    assert one(con, f"SELECT count(*) {joined}") == (3 * n,)
    assert one(con, f"SELECT count(*) {joined} WHERE r.at_us <= d.at_us OR r.unit_id <> d.unit_id") == (0,)
    stayed = "SELECT count(*), min(value), max(value) FROM rewards WHERE reward = 'stayed'"
    assert one(con, stayed) == (n, 0.0, 1.0)


def test_the_figures_of_an_offer_can_be_computed_from_the_events(con: duckdb.DuckDBPyConnection) -> None:
    """What the context says about quality plays is what a query over the same 28 days says."""
    found = con.execute(
        "WITH o AS (SELECT unit_id AS account_id, at_us, "
        "CAST(context->>'quality_plays_28d' AS BIGINT) AS said "
        "FROM decisions WHERE initiative = 'offers') "
        "SELECT said, (SELECT count(*) FROM plays p JOIN members m USING (member_id) "
        "JOIN titles t USING (title_id) "
        "WHERE m.account_id = o.account_id AND p.watch_s >= 0.6999 * runtime_s "
        f"AND p.at_us < o.at_us AND p.at_us >= o.at_us - 28 * {DAY_US}::BIGINT) AS counted FROM o"
    ).fetchall()
    assert len(found) > 100
    assert sum(said == counted for said, counted in found) / len(found) > 0.98


def test_names_of_the_logs_are_chosen_and_nothing_true_is_written(tmp_path: Path) -> None:
    run = simulate(WorldConfig(n_members=40, n_titles=30, n_days=70, page_log="screens", offer_log="letters"))
    home = Home.create(tmp_path)
    write_home(home, run)
    with connect(threads=1) as con:
        open_events(con, home, "decisions")
        assert {r[0] for r in con.execute("SELECT DISTINCT initiative FROM decisions").fetchall()} == {
            "screens",
            "letters",
        }
        text = " ".join(r[0] for r in con.execute("SELECT context FROM decisions").fetchall())
    for word in ("p_leave", "taste", "sensitivity", "hazard", "frailty"):
        assert word not in text


def test_a_home_with_events_is_refused_and_unchanged(home: Home, tmp_path: Path) -> None:
    run = simulate(WorldConfig(n_members=10, n_titles=20, n_days=5))
    before = (home.lake / "manifest.json").read_bytes()
    with pytest.raises(InputError, match=r"has [\d,]+ events, expected a home without any"):
        write_home(home, run)
    assert (home.lake / "manifest.json").read_bytes() == before
    other = Home.create(tmp_path)
    writer = LogWriter(other.log, Clock.wall())
    writer.append([(Play(event_id="e", member_id="m", title_id="t", at=5), 5_000_000)])
    writer.close()
    with pytest.raises(InputError, match="has events in its log"):
        write_home(other, run)


def test_the_same_run_writes_the_same_rows(history: Run, home: Home, tmp_path: Path) -> None:
    again = Home.create(tmp_path)
    write_home(again, history)
    with connect(threads=1) as con:
        digests = []
        for each in (home, again):
            open_events(con, each, *EVENTS)
            digests.append([one(con, f"SELECT bit_xor(hash({t})) FROM {t}")[0] for t in EVENTS])
    assert digests[0] == digests[1]
