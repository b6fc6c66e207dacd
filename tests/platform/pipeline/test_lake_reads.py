"""A step reads the tables it declares, and runs again when what they say as of its time has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.pipeline.modules import states

from matinee.errors import ConfigError
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play, Search
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.observe.log import LogWriter
from matinee.platform.pipeline.lake_state import table_digests
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.runner import Outcome, run
from matinee.platform.pipeline.step import step
from matinee.platform.pipeline.workspace import Workspace

SECOND = 1_000_000


def n_plays(home: Home, at_us: int) -> int:
    with connect() as con:
        open_events(con, home, "plays", moment=Moment(at_us, at_us))
        return int(con.execute("SELECT count(*) FROM plays").fetchall()[0][0])


def n_plays_ever(home: Home) -> int:
    with connect() as con:
        open_events(con, home, "plays")
        return int(con.execute("SELECT count(*) FROM plays").fetchall()[0][0])


def double(n_plays: int) -> int:
    return 2 * n_plays


def uses_titles(home: Home) -> int:
    return _titles(home)


def _titles(home: Home) -> int:
    with connect() as con:
        return int(open_facts(con, home, "titles")["titles"])


def builds_the_name(home: Home) -> int:
    with connect() as con:
        return int(open_facts(con, home, "TITLES".lower())["TITLES".lower()])


def play(number: int, at: int) -> tuple[Play, int]:
    return Play(event_id=f"e{number}", member_id="m1", title_id="t1", at=at, watch_s=60), at * SECOND


def search(number: int, at: int) -> tuple[Search, int]:
    return Search(event_id=f"s{number}", member_id="m1", at=at, query="q"), at * SECOND


def ran(home: Home, *, at: int = 100) -> Outcome:
    pipeline = Pipeline("n", (step(n_plays, reads=("plays",)), double))
    given = {"home": home, "at_us": at * SECOND}
    return run(pipeline, given, workspace=Workspace(home.work), now=lambda: 0)


def test_a_step_runs_again_only_for_events_that_it_could_see(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = LogWriter(home.log, Clock.fixed(50))
    log.append([play(1, 10)])
    assert ran(home).result == 2
    assert set(states(ran(home).record).values()) == {"cached"}
    log.append([search(1, 20)])
    assert set(states(ran(home).record).values()) == {"cached"}, "another table"
    log.clock = Clock.fixed(150)
    log.append([play(2, 20)])
    assert set(states(ran(home).record).values()) == {"cached"}, "arrived after the run's time"
    log.clock = Clock.fixed(60)
    log.append([play(3, 30)])
    assert states(ran(home).record) == {"n_plays": "ran", "double": "ran"}
    assert ran(home).result == 4
    assert ran(home, at=200).result == 6
    log.close()


def test_compaction_moves_events_and_stops_at_the_step_that_reads(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = LogWriter(home.log, Clock.fixed(50))
    log.append([play(1, 10)])
    log.close()
    ran(home)
    compact(home)
    assert states(ran(home).record) == {"n_plays": "ran", "double": "cached"}
    log.append([play(2, 200_000)])
    log.close()
    compact(home)
    assert set(states(ran(home).record).values()) == {"cached"}, "a file with later events only"


def test_without_at_us_every_event_counts(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = LogWriter(home.log, Clock.fixed(50))
    log.append([play(1, 10)])
    one = table_digests(home, ["plays", "titles"], None)
    assert table_digests(home, ["plays", "titles"], None) == one
    log.append([play(2, 49)])
    two = table_digests(home, ["plays", "titles"], None)
    assert one["plays"] != two["plays"]
    assert one["titles"] == two["titles"]
    assert table_digests(home, ["plays"], 20 * SECOND) != table_digests(home, ["plays"], 60 * SECOND)
    log.close()


def test_a_table_that_is_computed_and_never_logged_has_a_digest(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = LogWriter(home.log, Clock.fixed(50))
    log.append([play(1, 10)])
    one = table_digests(home, ["outcomes", "plays"], None)
    log.append([play(2, 49)])
    log.close()
    assert table_digests(home, ["outcomes"], None) == {"outcomes": one["outcomes"]}


def test_the_record_names_the_tables_that_went_in(tmp_path: Path) -> None:
    (reading, _) = ran(Home.create(tmp_path)).record.steps
    assert {*reading.givens} == {"home.plays", "at_us"}


def test_an_undeclared_read_is_refused_before_anything_runs(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    pipeline = Pipeline("u", (step(uses_titles, reads=("plays",)),))
    with pytest.raises(
        ConfigError,
        match=r"pipeline u, step uses_titles \(.*test_lake_reads\.py:\d+\): .*_titles reads titles, which "
        r'the step does not declare\. Write step\(uses_titles, reads=\("plays", "titles"\)\)',
    ):
        run(pipeline, {"home": home}, workspace=Workspace(home.work), now=lambda: 0)
    assert not (home.work / "runs").exists()


def test_an_undeclared_read_that_cannot_be_seen_is_refused_when_the_table_is_opened(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    pipeline = Pipeline("u", (step(builds_the_name, reads=("plays",)),))
    with pytest.raises(
        ConfigError,
        match=r'u, step builds_the_name .*: lake: table "titles" is read and not declared, expected one of: '
        r'plays\. Declare it: step\(\.\.\., reads=\("plays", "titles"\)\)',
    ):
        run(pipeline, {"home": home}, workspace=Workspace(home.work), now=lambda: 0)


def test_a_step_may_read_without_a_time(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    pipeline = Pipeline("e", (step(n_plays_ever, reads=("plays",)),))
    assert run(pipeline, {"home": home}, workspace=Workspace(home.work), now=lambda: 0).result == 0
