"""Take events into a member's record: in any order, any number of times, in any portions, with one result."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from hashlib import blake2b
from operator import attrgetter
from typing import TypeVar

import msgspec

from matinee.observe.state.record import (
    IMPRESSIONS_KEPT,
    PLAYS_KEPT,
    SEARCHES_KEPT,
    MemberRecord,
    Played,
    Said,
    Searched,
    Shown,
)

Kept = TypeVar("Kept", Played, Shown, Searched)
ACTED = (1 << 63) - 1
"""`MemberRecord.acted` lies below this, so that it is an int64 everywhere."""


class Line(msgspec.Struct, gc=False):
    """What a record keeps of one line of the log; `type` as in `lake.tables.LOGGED`."""

    type: str
    event_id: str
    at_us: int
    seq: int
    title_id: str | None = None
    watch_s: float | None = None
    position_s: float | None = None
    rating: float | None = None
    rating_scale: float | None = None
    territory: str | None = None
    signal: str = ""
    query: str = ""
    status: str = ""


_LINES = msgspec.json.Decoder(Line)
_AT, _KEY = attrgetter("at_us"), attrgetter("key")
_ORDER = attrgetter("at_us", "seq", "key")


def event_key(event_id: str) -> int:
    """64-bit hash of an event's id, by which a record knows it.

    Examples
    --------
    >>> event_key("e1") == event_key("e1") != event_key("e2")
    True
    """
    return int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest(), "big")


def read_lines(lines: bytes) -> list[Line]:
    """Lines of the log; one that is no event (cut off, or without the usual fields) is left out."""
    try:
        return _LINES.decode_lines(lines)
    except msgspec.DecodeError:
        return [line for part in lines.splitlines() for line in _readable(part)]


def apply(record: MemberRecord, lines: bytes) -> MemberRecord:
    """The record after these lines of the log; the given one stays as it is.

    Parameters
    ----------
    record : MemberRecord
        What is known before; `MemberRecord()` of somebody unknown.
    lines : bytes
        NDJSON as `events.schema.stored` writes it, of this member only. Types that are not in a record
        (decisions, rewards) are passed over.

    Notes
    -----
    What comes out depends on the set of events only, not on their order, on repeats or on where they are
    cut into portions (a join of semilattices; Shapiro et al. 2011, "Conflict-free replicated data types"):

    - An event in a bounded part is known by its time and its key; of copies the one with the smallest `seq`
      is kept. The part holds the latest by time, and of equal times at its edge those with the largest keys:
      unlike `seq`, a key is the same in each copy.
    - A play that falls out of its part, or comes too late for it, leaves its title in `older`.
    - A thumb, a place on the list and the status are the last word by (at_us, seq).
    - `acted` is the sum of the keys of `plays`, of hashes of the titles in `older`, and of hashes of the last
      words, below 2**63: each can be added and taken away as the record changes.
    """
    return fold(record, read_lines(lines))


def fold(record: MemberRecord, lines: Iterable[Line]) -> MemberRecord:
    """`apply`, of lines that were read already."""
    plays: list[Played] = []
    shown: list[Shown] = []
    searches: list[Searched] = []
    thumbs, listing, status, acted = record.thumbs, record.listing, record.status, record.acted
    for line in lines:
        kind, title = line.type, line.title_id
        if kind == "play" and title is not None:
            plays.append(_played(line, title))
        elif kind == "impression" and title is not None:
            shown.append(Shown(line.at_us, line.seq, event_key(line.event_id), title))
        elif kind == "signal" and title is not None:
            said = Said(line.at_us, line.seq, line.signal)
            if line.signal.startswith("thumb_"):
                thumbs, change = _spoken(thumbs, title, said)
            else:
                listing, change = _spoken(listing, title, said)
            acted += change
        elif kind == "search":
            key = event_key(line.event_id)
            searches.append(Searched(line.at_us, line.seq, key, line.query, title or None))
        elif kind == "membership":
            said = Said(line.at_us, line.seq, line.status)
            status = said if status is None else _later(status, said)
    kept, older = record.plays, record.older
    if plays:
        kept, fresh, dropped = _latest(kept, plays, PLAYS_KEPT)
        acted += sum(play.key for play in fresh) - sum(play.key for play in dropped)
        titles = {play.title_id for play in dropped}.difference(older)
        if titles:
            acted += sum(_word(title) for title in titles)
            older = sorted(titles.union(older))
    return MemberRecord(
        kept,
        older,
        thumbs,
        listing,
        _latest(record.impressions, shown, IMPRESSIONS_KEPT)[0] if shown else record.impressions,
        _latest(record.searches, searches, SEARCHES_KEPT)[0] if searches else record.searches,
        status,
        acted & ACTED,
    )


def without(lines: bytes, others: bytes) -> bytes:
    """Lines of the log, less those with the id of one of the others."""
    ids = {line.event_id for line in read_lines(others)}
    if not ids:
        return lines
    return b"".join(
        part
        for part in lines.splitlines(keepends=True)
        for line in _readable(part)
        if line.event_id not in ids
    )


def _latest(
    kept: list[Kept], incoming: Iterable[Kept], limit: int
) -> tuple[list[Kept], list[Kept], list[Kept]]:
    """The part with what came in; what was not known of it; and what fell out, whether new or old."""
    out = list(kept)
    fresh: list[Kept] = []
    dropped: list[Kept] = []
    for event in incoming:
        if not out or event.at_us > out[-1].at_us:
            out.append(event)
            fresh.append(event)
        else:
            known = _known(out, event)
            if known is None:
                fresh.append(event)
                insort(out, event, key=_ORDER)
            elif event.seq < out[known].seq:
                del out[known]
                insort(out, event, key=_ORDER)
        if len(out) >= 2 * limit:
            dropped += _cut(out, limit)
    return out, fresh, dropped + _cut(out, limit)


def _known(part: list[Kept], event: Kept) -> int | None:
    """Where a copy of the event stands."""
    for place in range(bisect_left(part, event.at_us, key=_AT), len(part)):
        if part[place].at_us != event.at_us:
            break
        if part[place].key == event.key:
            return place
    return None


def _cut(part: list[Kept], limit: int) -> list[Kept]:
    """Take out what is too much: the earliest, and of equal times at the edge those with small keys."""
    over = len(part) - limit
    if over <= 0:
        return []
    edge_us = part[over - 1].at_us
    if part[over].at_us > edge_us:
        out = part[:over]
        del part[:over]
        return out
    low, high = bisect_left(part, edge_us, key=_AT), bisect_right(part, edge_us, key=_AT)
    by_key = sorted(part[low:high], key=_KEY)[: over - low]
    gone = {event.key for event in by_key}
    out = part[:low] + by_key
    part[:high] = [event for event in part[low:high] if event.key not in gone]
    return out


def _spoken(words: dict[str, Said], title: str, said: Said) -> tuple[dict[str, Said], int]:
    """Last words with this one, and by how much `acted` changes."""
    before = words.get(title)
    last = said if before is None else _later(before, said)
    if last is before:
        return words, 0
    change = _word(title, last) - (0 if before is None else _word(title, before))
    return words | {title: last}, change


def _later(one: Said, other: Said) -> Said:
    first, second = (one.at_us, one.seq, one.signal), (other.at_us, other.seq, other.signal)
    return other if second > first else one


def _word(title: str, said: Said | None = None) -> int:
    """Hash of a title that was played once, or of the last word on it."""
    text = title if said is None else f"{title}\x1f{said.signal}\x1f{said.at_us}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8, person=b"acted").digest(), "big")


def _played(line: Line, title: str) -> Played:
    rating, scale = line.rating, line.rating_scale
    return Played(
        line.at_us,
        line.seq,
        event_key(line.event_id),
        title,
        line.watch_s,
        line.position_s,
        rating / scale if rating is not None and scale else None,
        line.territory,
    )


def _readable(part: bytes) -> list[Line]:
    try:
        return [_LINES.decode(part)]
    except msgspec.DecodeError:
        return []
