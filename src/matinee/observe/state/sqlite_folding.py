"""How waiting events of a `SqliteStore` become part of a member's record and of the values beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from matinee.observe.clock import wall_us
from matinee.observe.state.fold import apply
from matinee.observe.state.folds import Fold
from matinee.observe.state.record import MemberRecord
from matinee.types import SECOND_US

MAINTAIN_MEMBERS = 200
"""Members that one transaction of `maintain` folds."""
EVENTS, ROWS, RENEWED = "waiting_events", "waiting_rows", "rebuilt_us"
"""Marks: events that wait, the number of the last group that was appended, and when a rebuild last wrote."""
LEASE_S = 120
"""A rebuild that has not written for so long is over."""
_RECORD = msgspec.msgpack.Decoder(MemberRecord)
_ENCODER = msgspec.msgpack.Encoder()
_PARTS = (
    "SELECT 0, record FROM base WHERE member_id = ?1 "
    "UNION ALL SELECT n, lines FROM waiting WHERE member_id = ?1"
)


def read(con: sqlite3.Connection, member_id: str) -> tuple[MemberRecord, bytes, int]:
    """Record without what waits; the lines that wait; and the number of the last waiting row."""
    record, lines, last = MemberRecord(), [], 0
    for n, data in con.execute(_PARTS, (member_id,)):
        if n:
            lines.append(data)
            last = n
        else:
            record = _RECORD.decode(data)
    return record, b"".join(lines), last


def encode(record: MemberRecord) -> bytes:
    """A record as it is kept."""
    return _ENCODER.encode(record)


def fold(con: sqlite3.Connection, member_ids: Iterable[str], folds: Mapping[str, Fold] | None) -> None:
    """Take what waits for members into their records, inside a transaction of the caller's.

    Nothing happens where this process does not know what else is kept for members (`folds` is None, or not
    what the file says), or while the state is rebuilt: the events go on waiting.
    """
    if folds is None or not _may_fold(con, folds):
        return
    records, values, gone, events = [], [], [], 0
    for member_id in member_ids:
        record, lines, last = read(con, member_id)
        if not last:
            continue
        records.append((member_id, encode(apply(record, lines))))
        gone.append((member_id, last))
        events += lines.count(b"\n")
        for name, one in folds.items():
            values.append((member_id, name, one.apply(member_id, value(con, member_id, name), lines)))
    con.executemany(
        "INSERT INTO base VALUES (?, ?) ON CONFLICT (member_id) DO UPDATE SET record = excluded.record",
        records,
    )
    put_values(con, values)
    con.executemany("DELETE FROM waiting WHERE member_id = ? AND n <= ?", gone)
    mark(con, EVENTS, -events)


def fold_next(con: sqlite3.Connection, folds: Mapping[str, Fold] | None, after: str) -> str:
    """Fold the next members with events that wait, behind `after`; the last of them, "" at the end."""
    rows = con.execute(
        "SELECT DISTINCT member_id FROM waiting WHERE member_id > ? ORDER BY member_id LIMIT ?",
        (after, MAINTAIN_MEMBERS),
    ).fetchall()
    fold(con, [row[0] for row in rows], folds)
    return str(rows[-1][0]) if len(rows) == MAINTAIN_MEMBERS else ""


def add_waiting(con: sqlite3.Connection, lines: Mapping[str, Sequence[bytes]]) -> None:
    """Append lines of members, inside a transaction."""
    n = mark(con, ROWS)
    con.executemany(
        "INSERT INTO waiting VALUES (?, ?, ?)",
        [(member_id, n, b"".join(of)) for member_id, of in lines.items()],
    )
    mark(con, EVENTS, sum(map(len, lines.values())))


def value(con: sqlite3.Connection, member_id: str, name: str) -> bytes | None:
    """What is kept beside a record."""
    row = con.execute(
        "SELECT value FROM folded WHERE member_id = ? AND name = ?", (member_id, name)
    ).fetchone()
    return None if row is None else row[0]


def put_values(con: sqlite3.Connection, values: Sequence[tuple[str, str, bytes]]) -> None:
    """Keep values beside records: member, name, value."""
    con.executemany(
        "INSERT INTO folded VALUES (?, ?, ?) ON CONFLICT (member_id, name) "
        "DO UPDATE SET value = excluded.value",
        values,
    )


def register(con: sqlite3.Connection, names: Iterable[str]) -> None:
    """Say what is kept beside records. What is new is whole only if no event was folded before."""
    wanted = set(names)
    known = {row[0] for row in con.execute("SELECT name FROM folds")}
    empty = con.execute("SELECT 1 FROM base LIMIT 1").fetchone() is None
    for name in sorted(wanted - known):
        con.execute("INSERT INTO folds VALUES (?, ?)", (name, empty))
    for name in sorted(known - wanted):
        con.execute("DELETE FROM folds WHERE name = ?", (name,))


def forget(con: sqlite3.Connection) -> bool:
    """Delete some values that nobody keeps up any more; whether there may be others."""
    gone = con.execute(
        "DELETE FROM folded WHERE rowid IN (SELECT rowid FROM folded WHERE name NOT IN "
        f"(SELECT name FROM folds) LIMIT {MAINTAIN_MEMBERS})"
    ).rowcount
    return gone == MAINTAIN_MEMBERS


def _may_fold(con: sqlite3.Connection, folds: Mapping[str, Fold]) -> bool:
    if {row[0] for row in con.execute("SELECT name FROM folds")} != set(folds):
        return False
    return wall_us() - marked(con, RENEWED) > LEASE_S * SECOND_US


def mark(con: sqlite3.Connection, name: str, add: int = 1) -> int:
    """Add to a number that is kept in the file; the number after it."""
    row = con.execute(
        "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value "
        "RETURNING value",
        (name, add),
    ).fetchall()
    return int(row[0][0])


def marked(con: sqlite3.Connection, name: str) -> int:
    """A number that is kept in the file, 0 at first."""
    row = con.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])
