"""The events that clients send, as JSON, and what is wrong with a bad one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import msgspec

from matinee.errors import InputError
from matinee.types import AtUs, format_at, parse_at

At = str | int | float
"""ISO-8601 or seconds since the epoch."""


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    event_id: str
    member_id: str
    at: At
    territory: str | None = None
    device: str | None = None


class _OnPage(_Event, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """An event about a title, with the decision that put it there if there was one. `row`, `col` from 1."""

    title_id: str
    decision_id: str | None = None
    row: int | None = None
    col: int | None = None


class Play(_OnPage, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="play"):
    """A title was watched: `watch_s` seconds of it, up to `position_s` from its start."""

    watch_s: float | None = None
    position_s: float | None = None
    rating: float | None = None


class Impression(_OnPage, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="impression"):
    """A tile came into view for `dwell_ms` milliseconds."""

    dwell_ms: float | None = None


class Signal(_OnPage, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="signal"):
    """The member said something about a title."""

    signal: Literal["thumb_up", "thumb_down", "list_add", "list_remove"]


class Search(_Event, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="search"):
    """The member searched; `title_id` is the result that was opened, if any."""

    query: str
    title_id: str | None = None


class Membership(_Event, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="membership"):
    """The account of the member changed."""

    status: Literal["started", "paused", "resumed", "ended"]


Event = Play | Impression | Signal | Search | Membership
SIGNALS = ("thumb_up", "thumb_down", "list_add", "list_remove")
STATUSES = ("started", "paused", "resumed", "ended")

_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])


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
        An empty id, NaN or negative watch time, a bad place, or a time that is unreadable or in the future.

    Examples
    --------
    >>> check(Play(event_id="e1", member_id="m1", title_id="t1", at=5, watch_s=-1))
    Traceback (most recent call last):
    matinee.errors.InputError: play e1: watch_s is -1, expected a number of seconds, 0 or more.
    """
    kind = type(event).__name__.lower()
    where = f"{kind} {event.event_id}"
    for name in ("event_id", "member_id", "title_id", "query"):
        if getattr(event, name, None) == "":
            raise InputError(f"{where}: {name} is empty, expected text that is not empty.")
    for name in ("watch_s", "position_s", "dwell_ms"):
        value = getattr(event, name, None)
        if value is not None and not (math.isfinite(value) and value >= 0):
            unit = "milliseconds" if name.endswith("_ms") else "seconds"
            raise InputError(f"{where}: {name} is {value}, expected a number of {unit}, 0 or more.")
    rating = getattr(event, "rating", None)
    if rating is not None and not math.isfinite(rating):
        raise InputError(f"{where}: rating is {rating}, expected a number.")
    for name in ("row", "col"):
        value = getattr(event, name, None)
        if value is not None and value < 1:
            raise InputError(f"{where}: {name} is {value}, expected a whole number, 1 or more.")
    try:
        at_us = parse_at(event.at)
    except (InputError, ValueError, OverflowError) as error:
        raise InputError(
            f'{where}: at is "{event.at}", expected ISO-8601 (2024-12-31T20:15:00Z) or epoch seconds.'
        ) from error
    if latest_us is not None and at_us > latest_us:
        raise InputError(
            f'{where}: at is "{event.at}", expected a time not later than {format_at(latest_us)} '
            "(now plus 24 hours). Check the clock of the device."
        )
    return at_us


def decode(data: bytes | str) -> Event:
    """Read one event from JSON.

    Raises
    ------
    InputError
        Not JSON, an unknown type, or a field that is missing or of another type.
    """
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise InputError(f"event: {error}. See the schema of POST /v1/events.") from None


def decode_many(
    body: bytes | str, latest_us: int | None = None
) -> tuple[list[tuple[Event, AtUs]], list[Rejected]]:
    """Read a JSON list of events; a bad one is reported by its index and does not hold up the others.

    Raises
    ------
    InputError
        The body is not a JSON list.
    """
    try:
        items = _RAW_LIST.decode(body)
    except msgspec.DecodeError as error:
        raise InputError(f"events: {error}. Send a JSON list of events.") from None
    good: list[tuple[Event, AtUs]] = []
    bad: list[Rejected] = []
    for index, item in enumerate(items):
        try:
            event = decode(bytes(item))
            good.append((event, check(event, latest_us)))
        except InputError as error:
            bad.append(Rejected(index, str(error)))
    return good, bad


def stored(event: Event, at_us: int, seen_us: int, seq: int) -> bytes:
    """One line of a log segment: the event with its times as microseconds."""
    fields = msgspec.to_builtins(event)
    del fields["at"]
    return msgspec.json.encode(fields | {"at_us": at_us, "seen_us": seen_us, "seq": seq}) + b"\n"
