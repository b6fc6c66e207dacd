"""Ids of events that a `SqliteStore` has taken in lately, as hashes: appended, then sorted and merged.

A table with the hashes as its key would write a page of 4 KB for almost every event, since equal times have
no equal places in it. So ids are kept as in a log-structured merge tree (O'Neil et al. 1996,
doi:10.1007/s002360050048): each group of events appends one row to `recent`; from time to time these rows
become a sorted segment, and sixteen segments a larger one. A Bloom filter (Bloom 1970,
doi:10.1145/362686.362692) of each segment, which every process has in memory, says which segments have to be
looked at: mostly none.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from matinee.observe.state.sqlite_file import transaction
from matinee.observe.state.sqlite_steps import put_rows, values_of
from matinee.observe.state.window import ID_BYTES

SEAL_IDS = 65_536
"""Recent ids that become a segment of tier 0."""
MERGED = 16
"""Segments of a tier that become one of the next."""
TOP_TIER = 2
CHUNK_BITS = 10
"""A segment of tier 0 has 2**10 chunks by the first bits of the hash, of about 64 ids each."""
FILTER_BITS = 16
"""Bits of a filter for each id; with four probes 1 id in 400 is looked up for nothing."""
PROBES = 4
SLICE_CHUNKS = 128
"""Chunks of each of 16 segments that are merged in one transaction: 131,000 ids, some 20 ms."""
SLICE_ROWS = 4_096
"""Rows of ids out of the window that are deleted in one transaction."""
_PLACE = 32
_CHUNK = "SELECT ids FROM segment_ids WHERE place = ?"

Filter = NDArray[np.uint8]


class Window:
    """What one process has in memory of the window: recent ids, and a filter of each segment.

    It follows the file: every method is called inside a transaction and first reads what other processes, and
    this one, have committed since. After a transaction that failed call `reset`.

    Parameters
    ----------
    window_us : int
        How long an id is told, at least.

    Notes
    -----
    Memory: about 100 bytes for each of at most 65,536 recent ids, and 2 bytes for each older one. Disk: 18
    bytes for each id.
    """

    def __init__(self, window_us: int) -> None:
        self.window_us = window_us
        self._lock = threading.Lock()
        self._version: int | None = None
        self._recent: set[bytes] = set()
        self._last = 0
        self._filters: dict[int, tuple[int, Filter]] = {}

    def reset(self) -> None:
        """Read everything again the next time."""
        with self._lock:  # else a thread that reads now could be left with its version and without filters
            self._version, self._last = None, 0
            self._recent, self._filters = set(), {}

    def find(self, con: sqlite3.Connection, ids: Sequence[bytes]) -> set[bytes]:
        """Which of these hashes are in the window."""
        with self._lock:
            self._follow(con)
            found = self._recent.intersection(ids)
            filters = list(self._filters.items())
        rest = [one for one in ids if one not in found] if found else ids
        if rest and filters:
            pairs = np.frombuffer(b"".join(rest), "<u8").reshape(-1, 2)
            asked = [
                (rest[n], (number << _PLACE) + _chunk(rest[n], tier))
                for number, (tier, bits) in filters
                for n in _passing(bits, pairs)
            ]
            chunks = values_of(con, _CHUNK, [(place,) for _, place in asked])
            found.update(
                one for (one, _), chunk in zip(asked, chunks, strict=True) if chunk and _is_in(one, chunk)
            )
        return found

    def add(self, con: sqlite3.Connection, ids: Sequence[bytes], now_us: int) -> int | None:
        """Add hashes that `find` has just not found, in the same transaction; the number of their row.

        None: they are in a segment already.
        """
        row = con.execute("INSERT INTO recent (ids) VALUES (?)", (b"".join(ids),)).lastrowid
        if len(self._recent) + len(ids) >= SEAL_IDS:
            rows = con.execute("SELECT ids FROM recent ORDER BY n").fetchall()
            data = b"".join(row[0] for row in rows)
            for start in range(0, len(data), 2 * SEAL_IDS * ID_BYTES):
                seal(con, data[start : start + 2 * SEAL_IDS * ID_BYTES], now_us)
            con.execute("DELETE FROM recent")
            return None
        return row

    def note(self, row: int, ids: Iterable[bytes]) -> None:
        """Hashes of a row of `add` that is committed, so that they need not be read again."""
        with self._lock:
            if self._version is not None and row == self._last + 1:
                self._recent.update(ids)
                self._last = row

    def _follow(self, con: sqlite3.Connection) -> None:
        version = _version(con)
        if version != self._version:
            self._version, self._recent, self._last = version, set(), 0
            rows = con.execute("SELECT number, tier FROM segments WHERE filter IS NOT NULL").fetchall()
            self._filters = {
                number: self._filters.get(number) or (tier, _filter(con, number)) for number, tier in rows
            }
        for n, ids in con.execute("SELECT n, ids FROM recent WHERE n > ? ORDER BY n", (self._last,)):
            self._recent.update(ids[i : i + ID_BYTES] for i in range(0, len(ids), ID_BYTES))
            self._last = n


def seal(con: sqlite3.Connection, ids: bytes, until_us: int) -> None:
    """Make a segment of tier 0, inside a transaction."""
    pairs = np.frombuffer(ids, "<u8").reshape(-1, 2)
    bits = np.zeros(SEAL_IDS * FILTER_BITS // 8, np.uint8)
    _mark(bits, pairs)
    (number,) = con.execute(
        "INSERT INTO segments (tier, until_us, ids, filter) VALUES (0, ?, ?, ?) RETURNING number",
        (until_us, len(pairs), bits.tobytes()),
    ).fetchall()[0]
    _write_chunks(con, number, 0, ids)
    _changed(con)


def tidy(con: sqlite3.Connection, now_us: int, window_us: int) -> bool:
    """Do a little of what is to do: drop what is out of the window, merge; whether there is more.

    Called outside a transaction; begins some of its own, each some milliseconds long.
    """
    with _plain(con), transaction(con):
        con.execute("UPDATE segments SET until_us = ?1 WHERE until_us > ?1", (now_us,))  # clock set back
        old = con.execute(
            "UPDATE segments SET filter = NULL, tier = -1 WHERE filter IS NOT NULL AND merged_into IS NULL "
            "AND until_us < ?",
            (now_us - window_us,),
        ).rowcount
        if old:
            _changed(con)
        dead = con.execute("SELECT number FROM segments WHERE tier = -1 LIMIT 1").fetchone()
        if dead is not None:
            _drop_slice(con, dead[0])
            return True
        target = con.execute(
            "SELECT number, tier, done FROM segments WHERE filter IS NULL LIMIT 1"
        ).fetchone() or _begin_merge(con)
        if target is None:
            return False
        number, tier, done = target
        if done < _chunks(tier - 1):
            _merge_slice(con, number, tier, done)
            return True
    bits = _filter_of(con, number, tier)
    with _plain(con), transaction(con):
        con.execute(
            "UPDATE segments SET filter = ? WHERE number = ? AND tier = ?", (bits.tobytes(), number, tier)
        )
        con.execute(
            "UPDATE segments SET filter = NULL, tier = -1, merged_into = NULL WHERE merged_into = ?",
            (number,),
        )
        _changed(con)
    return True


def count(con: sqlite3.Connection) -> int:
    """Ids that can be told."""
    (sealed,) = con.execute("SELECT coalesce(sum(ids), 0) FROM segments WHERE filter IS NOT NULL").fetchone()
    (recent,) = con.execute("SELECT coalesce(sum(length(ids)), 0) FROM recent").fetchone()
    return int(sealed) + int(recent) // ID_BYTES


def _begin_merge(con: sqlite3.Connection) -> tuple[int, int, int] | None:
    """Choose the oldest segments of a tier that has enough of them."""
    for tier in range(TOP_TIER):
        rows = con.execute(
            "SELECT number, until_us, ids FROM segments WHERE tier = ? ORDER BY number LIMIT ?",
            (tier, MERGED),
        ).fetchall()
        if len(rows) == MERGED:
            (number,) = con.execute(
                "INSERT INTO segments (tier, until_us, ids) VALUES (?, ?, ?) RETURNING number",
                (tier + 1, max(row[1] for row in rows), sum(row[2] for row in rows)),
            ).fetchall()[0]
            con.executemany(
                "UPDATE segments SET merged_into = ? WHERE number = ?", [(number, row[0]) for row in rows]
            )
            return number, tier + 1, 0
    return None


def _merge_slice(con: sqlite3.Connection, number: int, tier: int, done: int) -> None:
    """Copy some chunks of all that is merged; a chunk of theirs becomes sixteen."""
    parts = []
    for (one,) in con.execute("SELECT number FROM segments WHERE merged_into = ?", (number,)).fetchall():
        low = (one << _PLACE) + done
        parts += con.execute(
            "SELECT ids FROM segment_ids WHERE place >= ? AND place < ?", (low, low + SLICE_CHUNKS)
        ).fetchall()
    _write_chunks(con, number, tier, b"".join(row[0] for row in parts))
    con.execute("UPDATE segments SET done = ? WHERE number = ?", (done + SLICE_CHUNKS, number))


def _drop_slice(con: sqlite3.Connection, number: int) -> None:
    gone = con.execute(
        "DELETE FROM segment_ids WHERE place IN "
        "(SELECT place FROM segment_ids WHERE place >= ? AND place < ? LIMIT ?)",
        (number << _PLACE, (number + 1) << _PLACE, SLICE_ROWS),
    ).rowcount
    if gone < SLICE_ROWS:
        con.execute("DELETE FROM segments WHERE number = ?", (number,))


def _chunks(tier: int) -> int:
    return 1 << _bits(tier)


def _bits(tier: int) -> int:
    return CHUNK_BITS + 4 * tier


def _write_chunks(con: sqlite3.Connection, number: int, tier: int, ids: bytes) -> None:
    """Write ids by the first bits of their hashes."""
    pairs = np.frombuffer(ids, ">u8").reshape(-1, 2)
    first = pairs[:, 0].astype(np.uint64)
    order = np.argsort(first)
    data = pairs[order].tobytes()
    chunk = first[order] >> np.uint64(64 - _bits(tier))
    starts = np.flatnonzero(np.append(True, chunk[1:] != chunk[:-1])[: len(chunk)])
    ends = np.append(starts[1:], len(chunk))
    rows = zip(chunk[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)
    put_rows(
        con,
        "segment_ids",
        [((number << _PLACE) + c, data[low * ID_BYTES : high * ID_BYTES]) for c, low, high in rows],
    )


def _chunk(one: bytes, tier: int) -> int:
    """Which chunk of a segment may hold a hash."""
    return int.from_bytes(one[:8], "big") >> (64 - _bits(tier))


def _is_in(one: bytes, chunk: bytes) -> bool:
    place = chunk.find(one)
    while place % ID_BYTES and place >= 0:  # found across two ids
        place = chunk.find(one, place + 1)
    return place >= 0


def _probe(bits: Filter, pairs: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    return (pairs[:, 0] + np.uint64(n) * pairs[:, 1]) & np.uint64(8 * len(bits) - 1)


def _passing(bits: Filter, pairs: NDArray[np.uint64]) -> list[int]:
    """Places of the hashes that may be in the segment; each probe leaves a fifth of what is not."""
    places = np.arange(len(pairs))
    for n in range(PROBES):
        at = _probe(bits, pairs[places], n)
        hit = (bits[at >> np.uint64(3)] >> (at & np.uint64(7)).astype(np.uint8)) & 1
        places = places[hit.astype(bool)]
        if not len(places):
            break
    return [int(place) for place in places]


def _mark(bits: Filter, pairs: NDArray[np.uint64]) -> None:
    for n in range(PROBES):
        at = _probe(bits, pairs, n)
        np.bitwise_or.at(bits, at >> np.uint64(3), np.uint8(1) << (at & np.uint64(7)).astype(np.uint8))


def _filter(con: sqlite3.Connection, number: int) -> Filter:
    (data,) = con.execute("SELECT filter FROM segments WHERE number = ?", (number,)).fetchone()
    return np.frombuffer(data, np.uint8)


def _filter_of(con: sqlite3.Connection, number: int, tier: int) -> Filter:
    """Filter of a segment that is written and not looked at yet."""
    bits = np.zeros(SEAL_IDS * MERGED**tier * FILTER_BITS // 8, np.uint8)
    cursor = con.execute(
        "SELECT ids FROM segment_ids WHERE place >= ? AND place < ?",
        (number << _PLACE, (number + 1) << _PLACE),
    )
    while rows := cursor.fetchmany(SLICE_ROWS):
        _mark(bits, np.frombuffer(b"".join(row[0] for row in rows), "<u8").reshape(-1, 2))
    return bits


def _version(con: sqlite3.Connection) -> int:
    row = con.execute("SELECT value FROM marks WHERE name = 'segments'").fetchone()
    return 0 if row is None else int(row[0])


def _changed(con: sqlite3.Connection) -> None:
    con.execute("INSERT INTO marks VALUES ('segments', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1")


@contextmanager
def _plain(con: sqlite3.Connection) -> Iterator[None]:
    """Without overwriting what is deleted: hashes of ids of events tell nobody anything."""
    con.execute("PRAGMA secure_delete = OFF").fetchall()
    try:
        yield
    finally:
        con.execute("PRAGMA secure_delete = ON").fetchall()
