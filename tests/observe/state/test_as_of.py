"""A member's record as of a past moment equals what the store said then."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.events.schema import Event, Impression, Play, Search, Signal, stored
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.state.as_of import MembersAsOf, record_as_of
from matinee.observe.state.fold import apply
from matinee.observe.state.record import MemberRecord

LATER = 1 << 60


def lines() -> list[bytes]:
    """Events of m1, one a second, each arriving two seconds later; m2 has one."""
    made: list[Event] = [
        Play(event_id="e1", member_id="m1", title_id="t1", at=1, watch_s=10.0, position_s=10.0),
        Impression(event_id="e2", member_id="m1", title_id="t2", at=2),
        Signal(event_id="e3", member_id="m1", title_id="t2", at=3, signal="list_add"),
        Search(event_id="e4", member_id="m1", query="sea", at=4),
        Play(event_id="e5", member_id="m1", title_id="t3", at=5, rating=4.0),
        Play(event_id="e6", member_id="m2", title_id="t1", at=5),
        Signal(event_id="e7", member_id="m1", title_id="t2", at=6, signal="list_remove"),
    ]
    return [stored(e, int(e.at) * 10, int(e.at) * 10 + 20, n) for n, e in enumerate(made)]


def test_it_equals_the_fold_of_what_had_arrived_wherever_the_events_are(tmp_path: Path) -> None:
    home, made = Home.create(tmp_path), lines()
    mine = [line for line in made if b'"m1"' in line]
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(made[:4]) + made[0] + b'{"torn')
    (home.log / "2-b-0001.open.ndjson").write_bytes(b"".join(made[4:]))
    for _ in range(2):
        assert record_as_of(home, "m1", LATER, LATER) == apply(MemberRecord(), b"".join(mine))
        assert record_as_of(home, "m1", LATER, 60) == apply(MemberRecord(), b"".join(mine[:4]))
        assert record_as_of(home, "m1", 30, LATER) == apply(MemberRecord(), b"".join(mine[:3]))
        assert record_as_of(home, "m3", LATER, LATER) == MemberRecord()
        compact(home)


def test_imported_facts_about_the_member_are_those_of_then(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    reader = MembersAsOf(home, LATER, LATER)
    assert reader.member("m1") is None
    (tmp_path / "members.csv").write_text("member_id,territory,kids\nm1,NL,true\nm2,,\n", encoding="utf-8")
    run_import(home, "members", tmp_path / "members.csv")
    found = reader.member("m1")
    assert found is not None
    assert (found.territory, found.kids) == ("NL", True)
    assert reader.member("m3") is None
    assert reader.record("m1") == MemberRecord()
