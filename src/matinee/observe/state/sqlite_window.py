"""Ids of events that a `SqliteStore` has taken in lately: two or more tables of 128-bit hashes by age."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

Pair = tuple[int, int]
"""The two halves of a 128-bit hash of an event's id, as signed 64-bit integers."""
CHUNK = 500
"""Ids in one query."""
FORGET_ROWS = 50_000
"""Ids that `forget` deletes at a time."""
_HALVES = struct.Struct(">qq").unpack


def pairs_of(event_ids: Iterable[str]) -> list[Pair]:
    """Hashes of ids.

    Examples
    --------
    >>> pairs_of(["e1"]) == pairs_of(["e1"]) != pairs_of(["e2"])
    True
    """
    return [_HALVES(blake2b(i.encode(), digest_size=16).digest()) for i in event_ids]


def current(con: sqlite3.Connection) -> int:
    """Number of the generation that new ids go to."""
    return int(con.execute("SELECT max(number) FROM generations").fetchone()[0])


def rotate(con: sqlite3.Connection, now_us: int, window_us: int) -> int:
    """Begin a generation when the present one is as old as the window; returns the one to write to.

    An id is told for as long as its generation is the present one or the one before: at least the window, at
    most twice as long. A clock that was set back makes it longer.
    """
    number, since_us = con.execute(
        "SELECT number, since_us FROM generations ORDER BY number DESC LIMIT 1"
    ).fetchone()
    if since_us is None or now_us < since_us:
        con.execute("UPDATE generations SET since_us = ? WHERE number = ?", (now_us, number))
    elif now_us - since_us >= window_us:
        number += 1
        con.execute(f"CREATE TABLE seen_{number} (id INTEGER PRIMARY KEY, rest INTEGER NOT NULL)")
        con.execute("INSERT INTO generations VALUES (?, ?, 0)", (number, now_us))
    return int(number)


def find(con: sqlite3.Connection, number: int, pairs: Sequence[Pair]) -> set[Pair]:
    """Which of these are in the generation or the one before."""
    there = [number] if number == 1 else [number, number - 1]
    marks = ", ".join(f"?{n}" for n in range(1, CHUNK + 1))
    sql = " UNION ALL ".join(f"SELECT id, rest FROM seen_{g} WHERE id IN ({marks})" for g in there)
    found: set[Pair] = set()
    for start in range(0, len(pairs), CHUNK):
        ids = [pair[0] for pair in pairs[start : start + CHUNK]]
        ids += ids[-1:] * (CHUNK - len(ids))
        found.update(con.execute(sql, ids))
    if found and not found <= set(pairs):  # equal first halves of different ids: practically never
        found.update(con.execute("SELECT id, rest FROM seen_other WHERE generation >= ?", (number - 1,)))
    return found.intersection(pairs)


def add(con: sqlite3.Connection, number: int, pairs: Sequence[Pair]) -> None:
    """Add ids that `find` did not find."""
    cursor = con.executemany(f"INSERT OR IGNORE INTO seen_{number} VALUES (?, ?)", sorted(pairs))
    if cursor.rowcount < len(pairs):
        there = find(con, number, pairs)
        con.executemany(
            "INSERT INTO seen_other VALUES (?, ?, ?)",
            [(number, *pair) for pair in pairs if pair not in there],
        )
    con.execute("UPDATE generations SET ids = ids + ? WHERE number = ?", (len(pairs), number))


def forget(con: sqlite3.Connection) -> bool:
    """Delete some of the ids that are out of the window; whether there are more."""
    number = current(con)
    old = con.execute("SELECT min(number) FROM generations WHERE number < ?", (number - 1,)).fetchone()[0]
    if old is None:
        return False
    gone = con.execute(
        f"DELETE FROM seen_{old} WHERE id IN (SELECT id FROM seen_{old} LIMIT {FORGET_ROWS})"
    ).rowcount
    if gone < FORGET_ROWS:
        con.execute(f"DROP TABLE seen_{old}")
        con.execute("DELETE FROM seen_other WHERE generation = ?", (old,))
        con.execute("DELETE FROM generations WHERE number = ?", (old,))
    return True


def ids(con: sqlite3.Connection) -> int:
    """Ids that can be told."""
    number = current(con)
    return int(
        con.execute(
            "SELECT coalesce(sum(ids), 0) FROM generations WHERE number >= ?", (number - 1,)
        ).fetchone()[0]
    )
