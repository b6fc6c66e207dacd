"""What if: a member's record with plays and words that were imagined, or taken away."""

from __future__ import annotations

from matinee.console.preview.changes import BEGUN_SHARE, UNKNOWN_RUNTIME_S, Change, changed
from matinee.console.preview.imagined import Facts
from matinee.observe.members import Member
from matinee.observe.state.fold import Line, fold
from matinee.observe.state.record import PLAYS_KEPT, MemberRecord


def line(n: int, title_id: str, **more: object) -> Line:
    return Line("play", f"e{n}", at_us=n, seq=n, title_id=title_id, watch_s=100.0, **more)  # type: ignore[arg-type]


def record(changes: list[Change], *lines: Line, at_us: int = 1_000) -> MemberRecord:
    return changed(lines, changes, at_us=at_us, runtime_s={"t9": 6000.0})


def test_without_changes_it_is_the_record_of_the_server() -> None:
    lines = [line(1, "t1"), line(2, "t2"), Line("signal", "s1", 3, 3, "t1", signal="thumb_up")]
    assert record([], *lines) == fold(MemberRecord(), lines)


def test_a_play_is_the_last_one_whole_and_where_the_member_was() -> None:
    found = record([Change("play", "t9"), Change("begin", "t8")], line(1, "t1", territory="AT"))
    last, begun = found.plays[-2:]
    assert (last.title_id, last.watch_s, last.territory) == ("t9", 6000.0, "AT")
    assert (begun.title_id, begun.watch_s) == ("t8", BEGUN_SHARE * UNKNOWN_RUNTIME_S)
    assert last.at_us < begun.at_us < 1_000


def test_a_change_may_have_its_own_time() -> None:
    found = record([Change("play", "t9", at_us=2)], line(1, "t1"), line(3, "t3"))
    assert [play.title_id for play in found.plays] == ["t1", "t9", "t3"]


def test_what_was_never_played_is_gone_from_the_record_and_its_number() -> None:
    found = record([Change("unplay", "t1")], line(1, "t1"), line(2, "t2"), line(3, "t1"))
    assert found == fold(MemberRecord(), [line(2, "t2")])


def test_an_older_play_comes_up_where_one_is_taken_from_a_full_record() -> None:
    lines = [line(n, f"t{n}") for n in range(PLAYS_KEPT + 5)]
    assert record([], *lines).older == ["t0", "t1", "t2", "t3", "t4"]
    found = record([Change("unplay", f"t{PLAYS_KEPT}")], *lines)
    assert found.older == ["t0", "t1", "t2", "t3"]
    assert len(found.plays) == PLAYS_KEPT


def test_thumbs_and_the_list_are_last_words() -> None:
    before = [Line("signal", "s1", 3, 3, "t1", signal="thumb_down")]
    before.append(Line("signal", "s2", 4, 4, "t2", signal="list_add"))
    found = record([Change("up", "t1"), Change("unlist", "t2"), Change("list", "t3")], *before)
    assert found.thumbs["t1"].signal == "thumb_up"
    assert {t: said.signal for t, said in found.listing.items()} == {"t2": "list_remove", "t3": "list_add"}
    assert record([Change("clear", "t1")], *before).thumbs["t1"].signal == "thumb_clear"


def test_facts_replace_what_is_stored() -> None:
    stored = Member("m1", territory="AT", maturity_max=12, kids=True)
    assert Facts().of("m1", stored) is stored
    assert Facts("DE", 18, False).of("m1", stored) == Member("m1", territory="DE", maturity_max=18)
    assert Facts(maturity=6).of("m2", None) == Member("m2", maturity_max=6)
    assert Facts().of("m2", None) is None
