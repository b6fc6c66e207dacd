"""The body of a request as events: unpacked, measured before it is decoded, each event judged on its own."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
import numpy as np

from matinee.errors import InputError
from matinee.observe.events.schema import Event, Rejected, check, decode, times
from matinee.types import AtUs

JSON_TYPES = (
    "application/json",
    "text/plain",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "",
)
"""Types of a body that is told by looking: browsers send text/plain when a page is closed (sendBeacon), and
curl calls everything a form."""
LINE_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
PACKINGS = ("", "identity", "gzip", "x-gzip")
BOM = b"\xef\xbb\xbf"
MB = 1024 * 1024

_EVENTS: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(list[Event])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_STRUCTURE = bytes(set(range(256)) - set(b"[]{},"))
_STEP = np.zeros(256, np.int32)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


class BodyError(InputError):
    """The body cannot be read at all.

    Attributes
    ----------
    status : int
        400 malformed, 413 too large, 415 of a type or packing that is not read.
    """

    status = HTTPStatus.BAD_REQUEST


class TooLargeError(BodyError):
    """The body is beyond a limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnreadableTypeError(BodyError):
    """The body is of a type or packing that is not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may be at most.

    Attributes
    ----------
    n_bytes : int
        As sent, and after unpacking.
    events : int
    depth : int
        Nesting of JSON.
    """

    n_bytes: int = 4 * MB
    events: int = 1_000
    depth: int = 32


@dataclass(slots=True)
class Parsed:
    """Events that are good, with their `at_us`, and those that are not, by their place in the body."""

    events: list[tuple[Event, AtUs]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    n_bytes: int = 0


def parse(
    body: bytes,
    *,
    content_type: str = "",
    content_encoding: str = "",
    latest_us: int | None = None,
    limits: BodyLimits | None = None,
) -> Parsed:
    """Read the events of a request.

    Parameters
    ----------
    content_type, content_encoding : str
        Headers of the request; empty where they are missing.
    latest_us : int or None
        Latest time of an event (`Clock.latest_us`).

    Raises
    ------
    BodyError
        The body as a whole cannot be read; its `status` is that of the reply.

    Notes
    -----
    A body of good events is decoded in one call. Only when something is wrong with it are its events read one
    by one. Size, number of events and depth are known before anything is decoded.

    Examples
    --------
    >>> body = b'[{"type": "search", "event_id": "e", "member_id": "m", "at": 5, "query": "space"}, 7]'
    >>> parsed = parse(body)
    >>> len(parsed.events), parsed.rejected[0].index
    (1, 1)
    """
    within = limits or BodyLimits()
    kind = _media_type(content_type)
    data = unpack(body, content_encoding, within.n_bytes)
    if data.startswith(BOM):
        data = data[len(BOM) :]
    parsed = Parsed(n_bytes=len(data))
    if kind in LINE_TYPES or _looks_like_lines(data):
        _read_lines(data, within, latest_us, parsed)
    elif data.lstrip()[:1] == b"{":
        _check_shape(data, within, items=False)
        _read_items([data], latest_us, parsed)
    else:
        _read_array(data, within, latest_us, parsed)
    return parsed


def unpack(body: bytes, content_encoding: str, n_bytes: int) -> bytes:
    """The body without its packing, never more than `n_bytes` of it.

    Raises
    ------
    BodyError
        Not gzip although it says so, cut off, an unknown packing, or more than `n_bytes` when unpacked.
    """
    packing = content_encoding.strip().lower()
    if packing not in PACKINGS:
        raise UnreadableTypeError(
            f'body: Content-Encoding is "{content_encoding[:40]}", expected gzip or none. '
            "Send it packed with gzip, or plain."
        )
    if len(body) > n_bytes:
        raise _too_large(f"it has {len(body)} bytes", n_bytes)
    if not packing.endswith("gzip"):
        return body
    parts: list[bytes] = []
    left, rest = n_bytes + 1, body
    while rest:
        stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            parts.append(stream.decompress(rest, left))
        except zlib.error as error:
            raise BodyError(f"body: not gzip ({error}), expected what Content-Encoding says.") from None
        left -= len(parts[-1])
        if left <= 0:
            raise _too_large("it is larger when unpacked", n_bytes)
        if not stream.eof:
            raise BodyError("body: its gzip data is cut off, expected all of it. Send it again.")
        rest = stream.unused_data
    return b"".join(parts)


def _media_type(content_type: str) -> str:
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    charset = rest.lower().replace('"', "").replace(" ", "").partition("charset=")[2].partition(";")[0]
    if kind not in JSON_TYPES and kind not in LINE_TYPES and not kind.endswith("+json"):
        raise UnreadableTypeError(
            f'body: Content-Type is "{content_type[:80]}", expected application/json or application/x-ndjson.'
        )
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnreadableTypeError(f'body: its charset is "{charset[:40]}", expected utf-8. Send UTF-8.')
    return kind


def _looks_like_lines(data: bytes) -> bool:
    """Whether the first line is a whole object and others follow (an object may also span several lines)."""
    start = data.lstrip()
    if start[:1] != b"{" or b"\n" not in start.rstrip():
        return False
    return start.partition(b"\n")[0].rstrip().endswith(b"}")


def _read_array(data: bytes, limits: BodyLimits, latest_us: int | None, into: Parsed) -> None:
    _check_shape(data, limits, items=data.count(b"{") > limits.events)
    try:
        events = _EVENTS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    else:
        try:
            into.events = list(zip(events, times(events, latest_us), strict=True))
        except InputError:
            _check_each(events, latest_us, into)
        return
    _check_shape(data, limits, items=True)
    try:
        items = _ITEMS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if _read_torn_text(data, latest_us, into):
            return
        raise BodyError(
            f"body: {error}. Expected a JSON array of events, one event, or one event per line "
            "(application/x-ndjson)."
        ) from None
    _read_items([bytes(item) for item in items], latest_us, into)


def _read_torn_text(data: bytes, latest_us: int | None, into: Parsed) -> bool:
    """Read an array in which texts end inside a character, as browsers write one that was cut there.

    Whether it is one: such events are rejected, and the others are not lost with them.
    """
    try:
        items = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    if not isinstance(items, list):
        return False
    for index, item in enumerate(items):
        try:
            event = decode(msgspec.json.encode(item))
            into.events.append((event, check(event, latest_us)))
        except UnicodeEncodeError:
            into.rejected.append(Rejected(index, "event: a text ends inside a character, expected UTF-8."))
        except InputError as error:
            into.rejected.append(Rejected(index, str(error)))
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _read_lines(data: bytes, limits: BodyLimits, latest_us: int | None, into: Parsed) -> None:
    n_lines = data.count(b"\n") + 1
    if n_lines > limits.events:  # empty lines are not events
        n_lines = sum(1 for line in data.split(b"\n") if line.strip())
    if n_lines > limits.events:
        raise _too_many(n_lines, limits.events)
    lines = [line for line in data.split(b"\n") if line.strip()]
    for line in lines:
        _check_shape(line, limits, items=False)
    _read_items(lines, latest_us, into)


def _read_items(items: list[bytes], latest_us: int | None, into: Parsed) -> None:
    """Read events one by one; a bad one is reported by its place."""
    for index, item in enumerate(items):
        try:
            event = decode(item)
            into.events.append((event, check(event, latest_us)))
        except InputError as error:
            into.rejected.append(Rejected(index, str(error)))


def _check_each(events: list[Event], latest_us: int | None, into: Parsed) -> None:
    for index, event in enumerate(events):
        try:
            into.events.append((event, check(event, latest_us)))
        except InputError as error:
            into.rejected.append(Rejected(index, str(error)))


def _check_shape(data: bytes, limits: BodyLimits, *, items: bool) -> None:
    """Refuse what is too deep or has too many items, without decoding it.

    First by counting: there cannot be more levels than brackets, nor more items than commas and one, nor more
    events than braces. Only what that does not settle is measured.
    """
    brackets = data.count(b"[") + data.count(b"{")
    if brackets <= limits.depth and (not items or data.count(b",") < limits.events):
        return
    depth, n_items = measure(data)
    if depth > limits.depth:
        raise TooLargeError(
            f"body: JSON is {depth} levels deep, expected at most {limits.depth}. Send flat events."
        )
    if items and n_items > limits.events:
        raise _too_many(n_items, limits.events)


def measure(data: bytes) -> tuple[int, int]:
    """Depth of some JSON, and the number of items of its outermost list or object, by its punctuation alone.

    Of what is not JSON both are numbers without a meaning.

    Examples
    --------
    >>> measure(b'[{"a": [1, 2]}, "]]]]", 3]')
    (3, 3)
    """
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    marks = b"".join(plain.split(b'"')[::2]).translate(None, _STRUCTURE)
    codes = np.frombuffer(marks, np.uint8)
    if not len(codes):
        return 0, 0
    level = np.cumsum(_STEP[codes], dtype=np.int32)
    return int(level.max()), int(np.count_nonzero((codes == ord(",")) & (level == 1))) + 1


def _too_large(found: str, n_bytes: int) -> TooLargeError:
    return TooLargeError(
        f"body: {found}, expected at most {n_bytes} bytes. Send fewer events, or raise [serve] max_body_mb."
    )


def _too_many(found: int, events: int) -> TooLargeError:
    return TooLargeError(
        f"body: {found} events, expected at most {events}. Send fewer at a time, or raise [serve] max_batch."
    )
