"""Bodies of requests: what is read, what is refused as a whole, and what is refused one by one."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from matinee.serve.bodies import BodyError, BodyLimits, TooLargeError, UnreadableTypeError, measure, parse

LIMITS = BodyLimits(n_bytes=50_000, events=50, depth=8)
NOW_US = 1_700_000_000_000_000


def play(number: int = 1, **changes: object) -> dict[str, object]:
    return {
        "type": "play",
        "event_id": f"e{number}",
        "member_id": "m1",
        "title_id": "t1",
        "at": 1_600_000_000,
    } | changes


def ids(body: bytes, **headers: str) -> list[str]:
    parsed = parse(body, latest_us=NOW_US, limits=LIMITS, **headers)
    assert parsed.rejected == []
    return [event.event_id for event, _ in parsed.events]


ARRAY = json.dumps([play(1), play(2)]).encode()
LINES = b"\n".join(json.dumps(play(n)).encode() for n in (1, 2))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ARRAY, {}),
        (ARRAY, {"content_type": "application/json; charset=utf-8"}),
        (ARRAY, {"content_type": "text/plain;charset=UTF-8"}),  # navigator.sendBeacon
        (b"\xef\xbb\xbf \n" + ARRAY, {}),
        (json.dumps([play(1), play(2)], indent=2).encode(), {}),
        (LINES, {}),
        (LINES + b"\n\n", {"content_type": "application/x-ndjson"}),
        (LINES.replace(b"\n", b"\r\n\r\n"), {"content_type": "application/x-ndjson"}),
        (gzip.compress(ARRAY), {"content_encoding": "gzip"}),
        (gzip.compress(LINES[:40]) + gzip.compress(LINES[40:]), {"content_encoding": "GZIP"}),
        (ARRAY, {"content_encoding": "identity"}),
    ],
)
def test_the_shapes_in_which_events_come(body: bytes, headers: dict[str, str]) -> None:
    assert ids(body, **headers) == ["e1", "e2"]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_event_is_a_body_too(indent: int | None) -> None:
    assert ids(json.dumps(play(), indent=indent).encode()) == ["e1"]
    assert ids(b"[]") == []


def test_times_are_microseconds() -> None:
    ((_, at_us),) = parse(json.dumps(play(at="2020-01-01T00:00:00+01:00")).encode()).events
    assert at_us == 1_577_833_200_000_000


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"7", "Expected `object`, got `int`"),
        (b"null", "Expected `object`"),
        (b"1e999", "Number out of range"),
        (b'{"type":"play"}', "missing required field `event_id`"),
        (b'{"event_id":"e"}', "missing required field `type`"),
        (json.dumps(play(type="dance")).encode(), "Invalid value 'dance'"),
        (json.dumps(play(at=1e300)).encode(), "expected ISO-8601"),
        (json.dumps(play(at=-1e300)).encode(), "expected ISO-8601"),
        (json.dumps(play(at=10**40)).encode(), "expected ISO-8601"),
        (json.dumps(play(at="0001-01-01T00:00:00+23:59")).encode(), "expected ISO-8601"),
        (json.dumps(play(at="nan")).encode(), "expected ISO-8601"),
        (json.dumps(play(at="inf")).encode(), "expected ISO-8601"),
        (json.dumps(play(row=10**20)).encode(), "row is 1"),
        (json.dumps(play(row=2**31)).encode(), "a whole number, 1 to 2147483647"),
        (json.dumps(play(watch_s="60")).encode(), "Expected `float | null`, got `str`"),
        (json.dumps(play(member_id="m" * 300)).encode(), "member_id has 300 characters, expected at most"),
        (json.dumps(play(device="")).encode(), "device is empty"),
        (json.dumps(play(title_id="")).encode(), "title_id is empty"),
        (json.dumps(play(event_id="?")).encode().replace(b"?", b"\xff\xfe"), "not valid UTF-8"),
    ],
)
@pytest.mark.parametrize("lines", [False, True])
def test_a_bad_event_is_refused_by_its_place_and_the_others_are_not(
    bad: bytes, words: str, lines: bool
) -> None:
    items = [json.dumps(play(1)).encode(), bad, json.dumps(play(2)).encode()]
    body = b"\n".join(items) if lines else b"[" + b", ".join(items) + b"]"
    parsed = parse(body, latest_us=NOW_US, limits=LIMITS)
    assert [event.event_id for event, _ in parsed.events] == ["e1", "e2"]
    (refused,) = parsed.rejected
    assert refused.index == 1
    assert words in refused.error
    assert len(refused.error) < 400


def test_of_a_key_given_twice_the_last_counts() -> None:
    body = json.dumps(play()).encode()[:-1] + b', "title_id": "t9"}'
    ((event, _),) = parse(body).events
    assert getattr(event, "title_id", None) == "t9"


def test_a_line_that_is_no_json_holds_up_no_other() -> None:
    parsed = parse(LINES + b"\nNaN\n{torn", content_type="application/x-ndjson")
    assert (len(parsed.events), [one.index for one in parsed.rejected]) == (2, [2, 3])


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"", {}, 400, "Expected a JSON array of events"),
        (b"[NaN]", {}, 400, "Expected a JSON array"),
        (b'[{"watch_s": Infinity}]', {}, 400, "malformed"),
        (b"[1, 2", {}, 400, "Expected a JSON array"),
        (b'"text"', {}, 400, "Expected a JSON array"),
        (b"\xff\xfe\x00", {}, 400, "Expected a JSON array"),
        (ARRAY, {"content_type": "application/xml"}, 415, "Content-Type is"),
        (ARRAY, {"content_type": "application/json; charset=latin-1"}, 415, "charset"),
        (ARRAY, {"content_encoding": "br"}, 415, "Content-Encoding is"),
        (ARRAY, {"content_encoding": "gzip"}, 400, "not gzip"),
        (gzip.compress(ARRAY)[:-4], {"content_encoding": "gzip"}, 400, "cut off"),
        (gzip.compress(ARRAY) + b"rest", {"content_encoding": "gzip"}, 400, "not gzip"),
        (b" " * 50_001, {}, 413, "50001 bytes, expected at most 50000"),
        (gzip.compress(b" " * 10_000_000), {"content_encoding": "gzip"}, 413, "larger when unpacked"),
        (json.dumps([play(n) for n in range(51)]).encode(), {}, 413, "51 events, expected at most 50"),
        (b"\n".join([b"{}"] * 51), {}, 413, "51 events"),
        (b"[" + b"1," * 20_000 + b"1]", {}, 413, "20001 events"),
        (b"[" * 20_000, {}, 413, "20000 levels deep, expected at most 8"),
        (b"[" * 1_000 + b"]" * 1_000, {}, 413, "1000 levels deep"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, {}, 413, "9 levels deep"),
        (b'{"a":1}\n' + b'{"a":' * 9 + b"1" + b"}" * 9, {}, 413, "9 levels deep"),
        (b'[{"\\"[{":"\\\\", "b":' + b"[" * 30 + b"]" * 30 + b"}]", {}, 413, "32 levels deep"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_with_its_status(
    body: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    with pytest.raises(BodyError, match="body: ") as caught:
        parse(body, limits=LIMITS, **headers)
    assert caught.value.status == status
    assert words in str(caught.value)


def test_the_errors_tell_limits_from_types() -> None:
    assert (BodyError.status, TooLargeError.status, UnreadableTypeError.status) == (400, 413, 415)


def test_as_many_as_may_come_do(tmp_path: object) -> None:
    body = json.dumps([play(n, device='[{,]}\\"') for n in range(50)]).encode()
    assert len(ids(body)) == 50


def test_a_packed_body_is_unpacked_no_further_than_the_limit() -> None:
    bomb = zlib.compress(b"\0" * 200_000_000, 9, 31)
    with pytest.raises(TooLargeError):
        parse(bomb, content_encoding="gzip", limits=BodyLimits(n_bytes=1_000_000))


@pytest.mark.parametrize(
    ("text", "depth", "items"),
    [(b"", 0, 0), (b"[]", 1, 1), (b"[1,[2,3],{}]", 2, 3), (b'["[[,,", "\\"[[,"]', 1, 2), (b"]]]", -1, 1)],
)
def test_depth_and_items_are_measured_by_punctuation(text: bytes, depth: int, items: int) -> None:
    assert measure(text) == (depth, items)
