from __future__ import annotations

import json
import re

import msgspec
import pytest

from matinee.errors import InputError
from matinee.observe.events.schema import Membership, Play, Search, Signal, check, decode, stored

PLAY = {"type": "play", "event_id": "e1", "member_id": "m1", "title_id": "t1", "at": "1998-04-23T00:00:00Z"}


def test_each_type_is_read_by_its_tag() -> None:
    common = {"event_id": "e", "member_id": "m", "at": 5}
    signal = decode(json.dumps(common | {"type": "signal", "title_id": "t", "signal": "thumb_up"}))
    search = decode(json.dumps(common | {"type": "search", "query": "space"}))
    left = decode(json.dumps(common | {"type": "membership", "status": "ended"}))
    assert isinstance(signal, Signal)
    assert signal.signal == "thumb_up"
    assert isinstance(search, Search)
    assert search.title_id is None
    assert isinstance(left, Membership)
    play = decode(json.dumps(PLAY | {"watch_s": 60, "row": 2, "col": 1, "decision_id": "d"}))
    assert isinstance(play, Play)
    assert check(play) == 893_289_600_000_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"watch_s": -1}, "watch_s is -1.0, expected a number of seconds, 0 or more"),
        ({"row": 0}, "row is 0, expected a whole number, 1 to 2147483647"),
        ({"at": "31/12/2024"}, 'at is "31/12/2024", expected ISO-8601'),
        ({"at": "2030-01-01"}, "expected a time not later than 1998-04-24T00:00:00Z"),
        ({"member_id": ""}, "member_id is empty"),
        ({"type": "dance"}, "Invalid value 'dance'"),
        ({"member_id": 7}, "Expected `str`, got `int`"),
    ],
)
def test_bad_values_are_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        check(decode(json.dumps(PLAY | change)), latest_us=893_376_000_000_000)


def test_nan_is_refused() -> None:
    play = Play(event_id="e", member_id="m", title_id="t", at=5, watch_s=float("nan"))
    with pytest.raises(InputError, match="watch_s is nan"):
        check(play)


@pytest.mark.parametrize(
    ("at", "at_us"),
    [
        ("1998-04-23T00:00:00Z", 893_289_600_000_000),
        ("1998-04-23T02:00:00.5+02:00", 893_289_600_500_000),
        ("1998-04-23", 893_289_600_000_000),
        (" 893289600 ", 893_289_600_000_000),
        (893_289_600.25, 893_289_600_250_000),
    ],
)
def test_times_are_read_in_every_spelling(at: str | float, at_us: int) -> None:
    assert check(decode(json.dumps(PLAY | {"at": at}))) == at_us


def test_an_event_of_each_kind_has_its_texts_and_numbers_checked() -> None:
    common = {"event_id": "e", "member_id": "m", "at": 5}
    bad = [
        {"type": "play", "title_id": "t", "position_s": -1},
        {"type": "play", "title_id": "t", "decision_id": ""},
        {"type": "impression", "title_id": "t", "dwell_ms": -1},
        {"type": "impression", "title_id": "t", "col": 0},
        {"type": "signal", "title_id": "", "signal": "thumb_up"},
        {"type": "search", "query": "x" * 1_001},
        {"type": "search", "query": "x", "title_id": ""},
        {"type": "membership", "status": "ended", "territory": ""},
    ]
    for fields in bad:
        with pytest.raises(InputError, match="expected"):
            check(decode(json.dumps(common | fields)))


def test_storing_an_event_leaves_it_as_it_was() -> None:
    event = decode(json.dumps(PLAY))
    stored(event, 1, 2, 3)
    assert event.at == PLAY["at"]


def test_the_stored_line_keeps_every_field_and_has_times_in_microseconds() -> None:
    line = msgspec.json.decode(stored(decode(json.dumps(PLAY | {"watch_s": 60})), 1, 2, 3))
    assert line == {
        "type": "play",
        "event_id": "e1",
        "member_id": "m1",
        "title_id": "t1",
        "watch_s": 60.0,
        "at_us": 1,
        "seen_us": 2,
        "seq": 3,
    }
