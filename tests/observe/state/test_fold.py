from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from events import events, expected, line, lines

from matinee.observe.events.schema import Play, Signal, stored
from matinee.observe.state import fold as fold_file
from matinee.observe.state.fold import apply, event_key, without
from matinee.observe.state.record import MemberRecord, Played, Said

EMPTY = MemberRecord()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few events overflow them."""
    import events as made

    for name, most in (("PLAYS_KEPT", 5), ("IMPRESSIONS_KEPT", 3), ("SEARCHES_KEPT", 2)):
        monkeypatch.setattr(fold_file, name, most)
        monkeypatch.setattr(made.r, name, most)


def play(event_id: str, at_us: int, seq: int = 1, title_id: str = "t1", **more: Any) -> bytes:
    return line(
        {"type": "play", "event_id": event_id, "title_id": title_id, "at_us": at_us, "seq": seq, **more}
    )


def without_acted(record: MemberRecord) -> MemberRecord:
    return msgspec.structs.replace(record, acted=0)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_order_repetition_and_portions_give_the_plain_answer(data: st.DataObject) -> None:
    found = data.draw(events())
    sent = data.draw(st.permutations(found))
    if found:
        sent += data.draw(st.lists(st.sampled_from(found), max_size=20))
        again = data.draw(st.lists(st.sampled_from(found), max_size=10))
        plays = [event for event in again if event["type"] in ("play", "impression", "search")]
        sent += [event | {"seq": event["seq"] + 500} for event in plays]  # the copy of another process
        sent = data.draw(st.permutations(sent))
    record = EMPTY
    while sent:
        n = data.draw(st.integers(1, len(sent)))
        record, sent = apply(record, lines(sent[:n])), sent[n:]
        if data.draw(st.booleans()):
            record = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=MemberRecord)
    assert without_acted(record) == expected(found)
    assert record.acted == apply(EMPTY, lines(found)).acted


def test_a_line_of_the_log_becomes_a_play() -> None:
    event = Play(event_id="e1", member_id="m1", at=5, title_id="t1", watch_s=9, position_s=8, territory="NL")
    record = apply(EMPTY, stored(event, 5_000_000, 7_000_000, 3))
    assert record.plays == [Played(5_000_000, 3, event_key("e1"), "t1", 9.0, 8.0, None, "NL")]


def test_a_rating_counts_as_a_share_of_its_scale() -> None:
    record = apply(EMPTY, play("e1", 1, rating=4.0, rating_scale=5.0) + play("e2", 2, rating=4.0))
    assert [event.share for event in record.plays] == [0.8, None]


def test_a_play_that_is_later_than_all_room_leaves_its_title() -> None:
    record = apply(EMPTY, b"".join(play(f"e{n}", 10 + n, title_id=f"t{n}") for n in range(5)))
    record = apply(record, play("late", 1, title_id="old"))
    assert [event.title_id for event in record.plays] == ["t0", "t1", "t2", "t3", "t4"]
    assert record.older == ["old"]


def test_the_last_word_on_a_title_counts() -> None:
    up = stored(Signal(event_id="a", member_id="m", at=5, title_id="t", signal="thumb_up"), 5, 9, 9)
    down = stored(Signal(event_id="b", member_id="m", at=6, title_id="t", signal="thumb_down"), 6, 8, 8)
    add = stored(Signal(event_id="c", member_id="m", at=1, title_id="t", signal="list_add"), 1, 7, 7)
    record = apply(EMPTY, down + up + add)
    assert record.thumbs == {"t": Said(6, 8, "thumb_down")}
    assert record.listing == {"t": Said(1, 7, "list_add")}


def test_acted_changes_with_plays_and_signals_and_with_nothing_else() -> None:
    seen = [apply(EMPTY, play("e0", 1)).acted]
    record = apply(EMPTY, play("e0", 1))
    for n in range(1, 12):
        record = apply(record, play(f"e{n}", n, title_id=f"t{n}"))
        seen.append(record.acted)
    signal = {"type": "signal", "event_id": "s", "title_id": "t1", "at_us": 9, "seq": 1, "signal": "list_add"}
    record = apply(record, line(signal))
    seen.append(record.acted)
    assert len(set(seen)) == len(seen)
    assert all(0 <= number < 2**63 for number in seen)
    shown = {"type": "impression", "event_id": "i", "title_id": "t9", "at_us": 99, "seq": 1}
    again = apply(record, line(shown) + line(signal) + play("e11", 11, seq=7, title_id="t11"))
    assert again.acted == record.acted


def test_what_is_given_stays_as_it_is() -> None:
    before = apply(EMPTY, play("e1", 5) + play("e2", 5, seq=2))
    copy = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=MemberRecord)
    apply(before, play("e2", 5, seq=0) + play("e3", 1) + play("e4", 9))
    assert before == copy
    assert MemberRecord() == EMPTY


def test_what_is_no_event_is_passed_over() -> None:
    other = b'{"type":"decision","event_id":"d1","at_us":1,"seq":1}\n'
    torn = b'{"type":"play","event_id":"e9","at_us":\n[1]\n\n'
    assert without_acted(apply(EMPTY, other + torn + play("e1", 1))) == without_acted(
        apply(EMPTY, play("e1", 1))
    )


def test_lines_less_those_of_others() -> None:
    assert without(play("e1", 1) + play("e2", 2), play("e2", 2)) == play("e1", 1)
    assert without(play("e1", 1), b"") == play("e1", 1)


def test_many_plays_of_one_moment_are_cut_by_their_keys() -> None:
    record = apply(EMPTY, b"".join(play(f"e{n}", 1, seq=n) for n in range(200)))
    assert {event.key for event in record.plays} == set(sorted(event_key(f"e{n}") for n in range(200))[-5:])
