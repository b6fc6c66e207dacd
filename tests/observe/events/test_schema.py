from __future__ import annotations

import json

import msgspec
import pytest

from matinee.errors import InputError
from matinee.observe.events.schema import Membership, Play, Search, Signal, check, decode, decode_many, stored

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
        ({"row": 0}, "row is 0, expected a whole number, 1 or more"),
        ({"at": "31/12/2024"}, 'at is "31/12/2024", expected ISO-8601'),
        ({"at": "2030-01-01"}, "expected a time not later than 1998-04-24T00:00:00Z"),
        ({"member_id": ""}, "member_id is empty"),
        ({"type": "dance"}, "Invalid value 'dance'"),
        ({"member_id": 7}, "Expected `str`, got `int`"),
    ],
)
def test_bad_values_are_named(change: dict[str, object], words: str) -> None:
    body = json.dumps([PLAY | change, PLAY])
    good, bad = decode_many(body, latest_us=893_376_000_000_000)
    assert len(good) == 1
    assert bad[0].index == 0
    assert words in bad[0].error


def test_nan_is_refused() -> None:
    play = Play(event_id="e", member_id="m", title_id="t", at=5, watch_s=float("nan"))
    with pytest.raises(InputError, match="watch_s is nan"):
        check(play)


def test_a_body_that_is_no_list_is_refused() -> None:
    with pytest.raises(InputError, match="Send a JSON list of events"):
        decode_many(b"{}")


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
