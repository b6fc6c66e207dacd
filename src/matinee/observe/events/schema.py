"""The events that clients send, as JSON, and what is wrong with a bad one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Union, cast, get_args, get_type_hints

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from matinee.errors import InputError
from matinee.types import SECOND_US, AtUs, format_at, parse_at

At = str | int | float
"""ISO-8601 or seconds since the epoch."""


LONGEST_TEXT = 256
"""Characters of an id, a territory or a device."""
LONGEST_QUERY = 1_000
"""Characters of what a member searched for."""
LARGEST_PLACE = 2**31 - 1
"""Rows and columns are 32-bit numbers in the lake."""
_FINITE = sys.float_info.max

Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
Query = Annotated[str, Meta(min_length=1, max_length=LONGEST_QUERY)]
Amount = Annotated[float, Meta(ge=0.0, le=_FINITE)]
Rating = Annotated[float, Meta(ge=-_FINITE, le=_FINITE)]
Place = Annotated[int, Meta(ge=1, le=LARGEST_PLACE)]
"""What decoding itself checks; `check` does it for events that were made in another way."""


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"):
    event_id: Text
    member_id: Text
    at: At
    territory: Text | None = None
    device: Text | None = None


class _OnPage(_Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"):
    """An event about a title, with the decision that put it there if there was one. `row`, `col` from 1.

    `surface` says where it was found, if not on a page that was decided: search, similar, or a word of yours.
    """

    title_id: Text
    decision_id: Text | None = None
    row: Place | None = None
    col: Place | None = None
    surface: Text | None = None


class Play(_OnPage, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="play"):
    """A title was watched: `watch_s` seconds of it, up to `position_s` from its start."""

    watch_s: Amount | None = None
    position_s: Amount | None = None
    rating: Rating | None = None


class Impression(
    _OnPage, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="impression"
):
    """A tile came into view for `dwell_ms` milliseconds."""

    dwell_ms: Amount | None = None


class Signal(
    _OnPage, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="signal"
):
    """The member said something about a title."""

    signal: Literal["thumb_up", "thumb_down", "thumb_clear", "list_add", "list_remove"]


class Search(_Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="search"):
    """The member searched; `title_id` is the result that was opened, if any."""

    query: Query
    title_id: Text | None = None


class Membership(
    _Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="membership"
):
    """The account of the member changed."""

    status: Literal["started", "paused", "resumed", "ended"]


Event = Play | Impression | Signal | Search | Membership
SIGNALS = ("thumb_up", "thumb_down", "thumb_clear", "list_add", "list_remove")
STATUSES = ("started", "paused", "resumed", "ended")

EARLIEST_US, LATEST_US = (parse_at(f"{year}-01-01") for year in (1900, 9999))
"""Times that an event can have at all."""
_SHOWN = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_TEXTS = {
    "event_id": LONGEST_TEXT,
    "member_id": LONGEST_TEXT,
    "title_id": LONGEST_TEXT,
    "query": LONGEST_QUERY,
    "territory": LONGEST_TEXT,
    "device": LONGEST_TEXT,
    "decision_id": LONGEST_TEXT,
    "surface": LONGEST_TEXT,
}
"""Texts of an event, with the most characters."""
_NUMBERS = (
    ("watch_s", 0.0, _FINITE, "a number of seconds, 0 or more"),
    ("position_s", 0.0, _FINITE, "a number of seconds, 0 or more"),
    ("dwell_ms", 0.0, _FINITE, "a number of milliseconds, 0 or more"),
    ("rating", -_FINITE, _FINITE, "a number"),
    ("row", 1, LARGEST_PLACE, f"a whole number, 1 to {LARGEST_PLACE}"),
    ("col", 1, LARGEST_PLACE, f"a whole number, 1 to {LARGEST_PLACE}"),
)
"""Numbers of an event with their range and its words; NaN lies in none."""

_encode_lines = msgspec.json.Encoder().encode_lines
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that was refused, by its place in the request (from 0)."""

    index: int
    error: str


def check(event: Event, latest_us: int | None = None) -> AtUs:
    """Check the values that types cannot express; returns the time of the event.

    Raises
    ------
    InputError
        An empty or too long text, NaN or negative watch time, a bad place, or a time that is unreadable, out
        of range or in the future.

    Examples
    --------
    >>> check(Play(event_id="e1", member_id="m1", title_id="t1", at=5, watch_s=-1))
    Traceback (most recent call last):
    matinee.errors.InputError: play e1: watch_s is -1, expected a number of seconds, 0 or more.
    """
    if not _good(event):
        raise (
            _bad_text(event) or _bad_number(event) or InputError(f"{_where(event)}: a value is out of range.")
        )
    return _time(event, latest_us)


def times(events: Sequence[Event], latest_us: int | None = None) -> list[AtUs]:
    """Check the times of events that were just decoded, which has seen to all else; returns them.

    Raises
    ------
    InputError
        One is unreadable, out of range or in the future.

    Examples
    --------
    >>> times([Play(event_id="e1", member_id="m1", title_id="t1", at=5)])
    [5000000]
    """
    whole = [event.at for event in events if type(event.at) is int]
    if whole and len(whole) == len(events):
        last_us = LATEST_US if latest_us is None else min(latest_us, LATEST_US)
        if min(whole) * SECOND_US >= EARLIEST_US and max(whole) * SECOND_US <= last_us:
            return cast("list[AtUs]", [at * SECOND_US for at in whole])
    return [_time(event, latest_us) for event in events]


def decode(data: bytes | str) -> Event:
    """Read one event from JSON.

    Raises
    ------
    InputError
        Not JSON or not UTF-8, an unknown type, or a field that is missing or of another type.
    """
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise _out_of_range(data) or InputError(
            f"event: {error}. See the schema of POST /v1/events."
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"event: not valid UTF-8 ({error.reason}), expected UTF-8.") from None


def stored(event: Event, at_us: int, seen_us: int, seq: int) -> bytes:
    """One line of a log segment: the event with its times as microseconds.

    Examples
    --------
    >>> search = Search(event_id="e1", member_id="m1", query="space", at=5)
    >>> stored(search, 5_000_000, 7_000_000, 9).decode().rstrip()[-42:]
    '"at_us":5000000,"seen_us":7000000,"seq":9}'
    """
    return stored_lines([(event, at_us)], seen_us, seq)[0]


def stored_lines(events: Iterable[tuple[Event, int]], seen_us: int, seq: int) -> list[bytes]:
    """Lines of a log segment for events with their `at_us`, numbered from `seq`; see `stored`."""
    pairs = list(events)
    plain = [replace(event, at=msgspec.UNSET) for event, _ in pairs]  # a field that is UNSET is left out
    bodies = _encode_lines(plain).split(b"}\n")  # within JSON a new line is written \n
    seen = b',"seen_us":%d,"seq":' % seen_us
    return [
        b'%b,"at_us":%d%b%d}\n' % (body, at_us, seen, number)
        for number, (body, (_, at_us)) in enumerate(zip(bodies, pairs, strict=False), seq)
    ]


def _time(event: Event, latest_us: int | None) -> AtUs:
    """Time of an event; errors as in `check`."""
    try:
        at_us = _read_at(event.at)
    except (InputError, ValueError, OverflowError) as error:
        raise _bad_time(event) from error
    if latest_us is not None and at_us > latest_us:
        raise InputError(
            f'{_where(event)}: at is "{_short(event.at)}", expected a time not later than '
            f"{format_at(latest_us)} (now plus 24 hours). Check the clock of the device."
        )
    if not EARLIEST_US <= at_us <= LATEST_US:
        raise _bad_time(event)
    return at_us


def _read_at(at: At) -> AtUs:
    """`types.parse_at`, with the spelling that most clients use tried first."""
    if type(at) is str and at[4:5] == "-":
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is not None:
            return AtUs((moment - _EPOCH) // _MICROSECOND)
    return parse_at(at)


def _where(event: Event) -> str:
    return f"{type(event).__name__.lower()} {_short(event.event_id)}"


def _short(value: object) -> str:
    """A value in a message: at most about 60 characters of what a client sent."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _good(event: Event) -> bool:
    """Whether texts and numbers are in their range; written out, since every event passes here."""
    texts = _good_id(event.event_id) and _good_id(event.member_id)
    if not (texts and _good_text(event.territory) and _good_text(event.device)):
        return False
    if isinstance(event, Play):
        return (
            ((value := event.watch_s) is None or 0 <= value <= _FINITE)
            and ((value := event.position_s) is None or 0 <= value <= _FINITE)
            and ((value := event.rating) is None or -_FINITE <= value <= _FINITE)
            and _good_slot(event)
        )
    if isinstance(event, Impression):
        return ((value := event.dwell_ms) is None or 0 <= value <= _FINITE) and _good_slot(event)
    if isinstance(event, Signal):
        return _good_slot(event)
    if isinstance(event, Search):
        return 0 < len(event.query) <= LONGEST_QUERY and _good_text(event.title_id)
    return True


def _good_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TEXT


def _good_text(text: str | None) -> bool:
    return text is None or 0 < len(text) <= LONGEST_TEXT


def _good_slot(event: _OnPage) -> bool:
    return (
        0 < len(event.title_id) <= LONGEST_TEXT
        and ((place := event.row) is None or 1 <= place <= LARGEST_PLACE)
        and ((place := event.col) is None or 1 <= place <= LARGEST_PLACE)
        and _good_text(event.decision_id)
        and _good_text(event.surface)
    )


def _bad_text(event: Event) -> InputError | None:
    """Which text is empty or too long."""
    for name, longest in _TEXTS.items():
        text = getattr(event, name, None)
        if text == "":
            return InputError(f"{_where(event)}: {name} is empty, expected text that is not empty.")
        if text is not None and len(text) > longest:
            return InputError(
                f"{_where(event)}: {name} has {len(text)} characters, expected at most {longest}."
            )
    return None


def _bad_number(event: Event) -> InputError | None:
    """Which number is out of range."""
    for name, low, high, expected in _NUMBERS:
        value = getattr(event, name, None)
        if value is not None and not low <= value <= high:
            return InputError(f"{_where(event)}: {name} is {_short(value)}, expected {expected}.")
    return None


def _bad_time(event: Event) -> InputError:
    return InputError(
        f'{_where(event)}: at is "{_short(event.at)}", '
        "expected ISO-8601 (2024-12-31T20:15:00Z) or epoch seconds."
    )


def _out_of_range(data: bytes | str) -> InputError | None:
    """What is wrong with a text or a number of an event that could not be decoded, if that is all."""
    try:
        event = _LOOSE.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return _bad_text(event) or _bad_number(event)


def _unbounded(kind: type[Any]) -> type[Any]:
    """The same kind of event without bounds of its texts and numbers."""
    plain = get_type_hints(kind)  # leaves out what `Annotated` adds
    fields = [
        (one.name, plain[one.name]) if one.required else (one.name, plain[one.name], one.default)
        for one in msgspec.structs.fields(kind)
    ]
    tag = kind.__struct_config__.tag
    return msgspec.defstruct(kind.__name__, fields, tag_field="type", tag=tag, kw_only=True)


_LOOSE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Union[tuple(_unbounded(kind) for kind in get_args(Event))]  # noqa: UP007
)
