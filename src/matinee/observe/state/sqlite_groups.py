"""Groups of events that a `SqliteStore` has taken in and not yet sorted by member.

A row for each member of a group would write a page of 4 KB for almost every event, since members have no
order in time. So a group is one row that is appended, with a map of its members' lines; groups never change,
and every process that reads holds the few there are in memory. From time to time they are sorted together
into buckets of members (`sqlite_folding`): the two upper levels of a log-structured merge tree (O'Neil et al.
1996, doi:10.1007/s002360050048).
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Mapping
from zlib import crc32

import msgspec

from matinee.observe.state.sqlite_marks import mark, marked, put_mark
from matinee.observe.state.sqlite_steps import put_rows

MOST_GROUPS, MOST_BYTES = 32, 8 * 1024 * 1024
"""Groups, and bytes of them, from which they are sorted into buckets; every process holds so much."""
BUCKETS = 2_048
"""A constant of the file's format."""
HOT_LINES = 32
"""Lines of one member among the groups from which the bucket is folded soon, for the sake of who reads."""
FLUSHED, EVENTS, TAKEN = "flushed", "waiting_events", "taken_events"
"""Marks: the last group that is in buckets; events that wait, in groups or buckets; all there ever were."""
_ENCODE = msgspec.msgpack.Encoder().encode
_GROUP = msgspec.msgpack.Decoder(dict[str, bytes])
_STATE = (
    f"SELECT coalesce((SELECT value FROM marks WHERE name = '{FLUSHED}'), 0), "
    "coalesce((SELECT max(n) FROM groups), 0)"
)


class Groups:
    """What one process has in memory of the groups.

    Notes
    -----
    `lines` is asked with the state of the file that the asker has read the rest in: the two fit together, or
    the asker reads again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flushed = self._last = 0
        self._held: dict[int, dict[str, bytes]] = {}

    def lines(self, member_id: str, flushed: int, last: int) -> list[bytes] | None:
        """Lines of a member in the groups behind `flushed`, up to `last` at least; None: not known here."""
        with self._lock:
            if self._flushed != flushed or self._last < last:
                return None
            return [found for group in self._held.values() if (found := group.get(member_id)) is not None]

    def has(self, member_id: str) -> bool:
        """Whether events of a member are in a group, as far as was read."""
        with self._lock:
            return any(member_id in group for group in self._held.values())

    def note(self, n: int, group: dict[str, bytes]) -> None:
        """A group that this process has committed, so that it need not be read again."""
        with self._lock:
            if n == self._last + 1 and n > self._flushed:
                self._held[n] = group
                self._last = n

    def follow(self, con: sqlite3.Connection) -> bool:
        """Read what was committed since, inside a transaction; False: another thread has read a later one."""
        with self._lock:
            flushed, last = con.execute(_STATE).fetchone()
            if flushed < self._flushed:
                return False
            if flushed > self._flushed:
                self._flushed = flushed
                self._held = {n: group for n, group in self._held.items() if n > flushed}
            if last > self._last:
                behind = max(self._last, flushed)
                for n, data in con.execute("SELECT n, lines FROM groups WHERE n > ? ORDER BY n", (behind,)):
                    self._held[n] = _GROUP.decode(data)
                self._last = last
            return True


def bucket_of(member_id: str) -> int:
    """Where a member's events are sorted to."""
    return crc32(member_id.encode()) % BUCKETS


def add(con: sqlite3.Connection, group: Mapping[str, bytes]) -> int:
    """Append a group, inside a transaction; its number."""
    n = con.execute("INSERT INTO groups (lines) VALUES (?)", (_ENCODE(group),)).lastrowid
    assert n is not None
    mark(con, EVENTS, sum(of.count(b"\n") for of in group.values()))
    return n


def full(con: sqlite3.Connection) -> bool:
    """Whether the groups are to be sorted."""
    count, size = con.execute("SELECT count(*), total(length(lines)) FROM groups").fetchone()
    return bool(count >= MOST_GROUPS or size >= MOST_BYTES)


def flush(con: sqlite3.Connection) -> list[int]:
    """Sort all groups into buckets, inside a transaction; the buckets of members of whom much waits."""
    rows = con.execute("SELECT n, lines FROM groups ORDER BY n").fetchall()
    if not rows:
        return []
    by_member: defaultdict[str, list[bytes]] = defaultdict(list)
    for _, data in rows:
        for member_id, lines in _GROUP.decode(data).items():
            by_member[member_id].append(lines)
    buckets: defaultdict[int, dict[str, bytes]] = defaultdict(dict)
    hot: set[int] = set()
    for member_id, parts in by_member.items():
        lines = parts[0] if len(parts) == 1 else b"".join(parts)
        bucket = bucket_of(member_id)
        buckets[bucket][member_id] = lines
        if lines.count(b"\n") >= HOT_LINES:
            hot.add(bucket)
    last = rows[-1][0]
    con.execute("DELETE FROM groups")  # before the rest, which takes over the pages
    rows_of = [(bucket, last, names(of), _ENCODE(of)) for bucket, of in sorted(buckets.items())]
    put_rows(con, "waiting", rows_of)
    put_mark(con, FLUSHED, last)
    return sorted(hot)


def names(of: Mapping[str, bytes]) -> bytes:
    """The members of a row of a bucket, in which one can be looked for without reading their lines."""
    return _ENCODE(list(of))


def waiting_events(con: sqlite3.Connection) -> int:
    """Events in groups and buckets."""
    return marked(con, EVENTS)
