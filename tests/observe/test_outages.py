from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.learn.interactions import Interactions
from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.observe.outages import Outage, Outages, declare, outages, withdraw
from matinee.platform.pipeline.ingredients import OUTAGES
from matinee.platform.pipeline.lake_state import table_digests
from matinee.types import DAY_US, NEVER_US, Ids

TUESDAY, WEDNESDAY = 100 * DAY_US, 101 * DAY_US
NOW = 110 * DAY_US


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Ten days of ten members; on Tuesday nothing but the title "still" could be played."""
    lines = ["member_id,title_id,at,territory"]
    for day in range(95, 105):
        for m in range(10):
            title = "still" if day * DAY_US == TUESDAY else f"t{m}"
            lines.append(f"m{m},{title},{day * 86_400 + m},{'NL' if m < 5 else 'BE'}")
    path = tmp_path / "plays.csv"
    path.write_text("\n".join(lines))
    made = Home.create(tmp_path / "home")
    run_import(made, "events", path)
    return made


def read(home: Home, at_us: int = NOW) -> Interactions:
    return interactions_from_home(home, until_us=at_us, catalogue=load_catalogue(home, at_us))


def watched(found: Interactions) -> set[str]:
    return {str(found.title_ids[t]) for t in found.histories.title}


def test_training_does_not_learn_from_a_declared_outage_and_answering_knows_whole_histories(
    home: Home,
) -> None:
    assert "still" in watched(read(home.for_learning()))
    declare(home, TUESDAY, WEDNESDAY - 1, note="catalogue service down", from_us=NOW)
    learned, answered = read(home.for_learning()), read(home)
    assert "still" not in watched(learned)
    assert learned.n_events == 90
    assert "still" in watched(answered)
    assert answered.n_events == 100


def test_an_outage_of_one_territory_covers_only_events_from_there(home: Home) -> None:
    declare(home, TUESDAY, WEDNESDAY - 1, note="NL only", territory="NL", from_us=NOW)
    assert read(home.for_learning()).n_events == 95
    at_us = np.array([TUESDAY, TUESDAY, TUESDAY, WEDNESDAY])
    territory: Ids = np.array(["NL", "BE", None, "NL"], dtype=object)
    assert outages(home).cover(at_us, territory).tolist() == [True, False, False, False]
    assert outages(home).cover(at_us).tolist() == [False] * 4


def test_the_stored_territory_of_a_member_counts_where_an_event_has_none(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    (tmp_path / "p.csv").write_text(f"member_id,title_id,at\nm1,t1,{100 * 86_400}\nm2,t1,{100 * 86_400}\n")
    (tmp_path / "m.csv").write_text("member_id,territory\nm1,NL\nm2,BE\n")
    run_import(home, "events", tmp_path / "p.csv")
    run_import(home, "members", tmp_path / "m.csv")
    declare(home, TUESDAY, WEDNESDAY, note="x", territory="NL", from_us=NOW)
    assert list(read(home.for_learning()).member_ids) == ["m2"]


def test_a_reading_as_of_an_earlier_moment_does_not_know_a_later_declaration(home: Home) -> None:
    declare(home, TUESDAY, WEDNESDAY - 1, note="x", from_us=NOW)
    assert len(outages(home, NOW - 1)) == 0
    assert len(outages(home, NOW)) == 1
    assert read(home.for_learning(), NOW - 1).n_events == 100


def test_declaring_again_changes_it_and_withdrawing_takes_it_back(home: Home) -> None:
    first = declare(home, TUESDAY, None, note="it goes on", from_us=TUESDAY + 1)
    assert outages(home).known[0].end_us == NEVER_US
    second = declare(home, TUESDAY, WEDNESDAY, note="over", from_us=WEDNESDAY)
    assert second.outage_id == first.outage_id
    assert outages(home).known == (second,)
    assert [one.note for one in outages(home, TUESDAY + 1)] == ["it goes on"]
    withdraw(home, second.outage_id, from_us=WEDNESDAY)  # at the same moment: the later write counts
    assert len(outages(home)) == 0
    assert len(read(home.for_learning()).histories.title) == 100
    with pytest.raises(NotFoundError, match="None is declared"):
        withdraw(home, second.outage_id, from_us=NOW)


def test_the_cache_of_steps_sees_a_new_outage(home: Home) -> None:
    before = table_digests(home, [OUTAGES], NOW)
    declare(home, TUESDAY, WEDNESDAY, note="x", from_us=NOW)
    assert table_digests(home, [OUTAGES], NOW) != before


def test_a_limited_home_still_knows_the_outages(home: Home) -> None:
    declare(home, TUESDAY, WEDNESDAY - 1, note="x", from_us=NOW)
    tables = ("plays", "titles", "members", "availability", "pins", "impressions", "signals")
    limited = home.limited_to(tables)
    assert read(limited.for_learning()).n_events == 90


def test_decisions_made_in_an_outage_are_no_examples(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    decision = {"type": "decision", "initiative": "any", "unit_id": "a1", "action": "a", "propensity": 1.0}
    lines = [
        decision
        | {"event_id": f"d{day}", "decision_id": f"d{day}", "at_us": day * DAY_US, "seen_us": day * DAY_US,
           "seq": day}
        for day in (99, 100, 101)
    ]  # fmt: skip
    (home.log / "1-a-0001.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    declare(home, TUESDAY, TUESDAY, note="x", from_us=NOW)
    for found, expected in ((home, 3), (home.for_learning(), 2)):
        with connect(threads=1) as con:
            open_events(con, found, "decisions")
            assert con.execute("SELECT count(*) FROM decisions").fetchall() == [(expected,)]


def test_the_condition_of_sql_agrees_with_cover() -> None:
    known = Outages(
        (
            Outage(outage_id="a", start_us=10, end_us=20, note="x"),
            Outage(outage_id="b", start_us=30, end_us=NEVER_US, note="x", territory="N'L"),
        )
    )
    at_us = np.array([9, 10, 20, 21, 30, 30, 99])
    territory: Ids = np.array([None, None, "BE", "N'L", "N'L", None, "N'L"], dtype=object)
    with connect(threads=1) as con:
        con.execute("CREATE TABLE e (i INT, at_us BIGINT, territory VARCHAR)")
        rows = [[i, int(at), where] for i, (at, where) in enumerate(zip(at_us, territory, strict=True))]
        con.executemany("INSERT INTO e VALUES (?, ?, ?)", rows)
        found = [row[0] for row in con.execute(f"SELECT {known.sql()} FROM e ORDER BY i").fetchall()]
        assert found == known.cover(at_us, territory).tolist()
        assert con.execute(f"SELECT count(*) FROM e WHERE {Outages().sql()}").fetchall() == [(0,)]


def test_outages_that_share_a_moment_with_a_stretch_are_found() -> None:
    known = Outages((Outage(outage_id="a", start_us=10, end_us=20, note="x"),))
    assert [bool(known.touch(*span)) for span in ((0, 9), (0, 10), (19, 30), (20, 30))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_what_is_no_outage_is_refused_and_nothing_is_written(home: Home) -> None:
    with pytest.raises(InputError, match="until is 1970-04-11T00:00:00Z, expected a time not before"):
        declare(home, WEDNESDAY, TUESDAY, note="x", from_us=NOW)
    with pytest.raises(InputError, match="expected a time not after now"):
        declare(home, NOW + 1, None, note="x", from_us=NOW)
    with pytest.raises(InputError, match="note is empty"):
        declare(home, TUESDAY, None, note=" ", from_us=NOW)
    with pytest.raises(InputError, match="territory is empty"):
        declare(home, TUESDAY, None, note="x", territory="", from_us=NOW)
    assert len(outages(home)) == 0
