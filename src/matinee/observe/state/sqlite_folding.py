"""How waiting events of a `SqliteStore` become part of a member's record and of the values beside it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from matinee.observe.clock import wall_us
from matinee.observe.state import sqlite_groups as groups
from matinee.observe.state.fold import apply
from matinee.observe.state.folds import LOG, NOT_WHOLE, Fold, applied
from matinee.observe.state.record import MemberRecord
from matinee.observe.state.sqlite_file import transaction
from matinee.observe.state.sqlite_marks import mark, marked
from matinee.observe.state.sqlite_steps import put_rows, values_of
from matinee.types import SECOND_US

MAINTAIN_MEMBERS = 200
"""Members that one transaction of `maintain` folds, more or less."""
RENEWED = "rebuilt_us"
"""Mark: when a rebuild last wrote."""
FAILED = "failed_folds"
"""Mark: values that a fold could not make, since the last rebuild began."""
FOLD_FROM = 8
"""Rows of a bucket from which it may be folded."""
FOLD_MOST = groups.BUCKETS // 16
"""Buckets that are folded between two times that groups are sorted: so each is, after about 16 rows."""
AT_ONCE = 16
"""Events of one member in a group from which they are folded at once ..."""
WORTH = 2
"""... if the record that is written again is at most so many times as large as they are."""
LEASE_S = 120
"""A rebuild that has not written for so long is over."""
_RECORD = msgspec.msgpack.Decoder(MemberRecord)
_ENCODER = msgspec.msgpack.Encoder()
_GROUP = msgspec.msgpack.Decoder(dict[str, bytes])
_NAMES = msgspec.msgpack.Decoder(list[str])
_KEPT = "SELECT record FROM base WHERE member_id = ?"
_VALUE = "SELECT value FROM folded WHERE member_id = ? AND name = ?"
_WAITS = "SELECT max(instr(names, ?)) FROM waiting WHERE bucket = ?"
_ROWS = "SELECT 1, lines FROM waiting WHERE bucket = ?2 AND instr(names, ?3)"
_PARTS = (
    f"SELECT 0, record FROM base WHERE member_id = ?1 UNION ALL {_ROWS} "
    f"UNION ALL SELECT 2, value FROM marks WHERE name = '{groups.FLUSHED}' "
    "UNION ALL SELECT 3, max(n) FROM groups"
)


def read(con: sqlite3.Connection, held: groups.Groups, member_id: str) -> tuple[MemberRecord, bytes]:
    """Record without what waits, and the lines that wait. Not inside a transaction."""
    found = _read(con, held, member_id)
    while found is None:
        with transaction(con, "DEFERRED"):
            found = read_inside(con, held, member_id)
    return found


def read_inside(
    con: sqlite3.Connection, held: groups.Groups, member_id: str
) -> tuple[MemberRecord, bytes] | None:
    """`read` inside a transaction; None: another thread has read a later state, so begin a new one."""
    return _read(con, held, member_id) if held.follow(con) else None


def _read(con: sqlite3.Connection, held: groups.Groups, member_id: str) -> tuple[MemberRecord, bytes] | None:
    """All parts in one statement, which sees one state of the file; None: `held` is of another."""
    record, lines, flushed, last = MemberRecord(), [], 0, 0
    for kind, data in con.execute(_PARTS, (member_id, groups.bucket_of(member_id), member_id.encode())):
        if kind == 0:
            record = _RECORD.decode(data)
        elif kind == 1:
            lines.append(_GROUP.decode(data).get(member_id, b""))
        elif kind == 2:
            flushed = data
        else:
            last = data or 0
    latest = held.lines(member_id, flushed, last)
    return None if latest is None else (record, b"".join(lines + latest))


def sorted_lines(con: sqlite3.Connection, member_id: str) -> bytes:
    """Lines of a member that wait in its bucket."""
    rows = con.execute(_ROWS, (None, groups.bucket_of(member_id), member_id.encode()))
    return b"".join(_GROUP.decode(data).get(member_id, b"") for _, data in rows)


def take_out(con: sqlite3.Connection, member_ids: Sequence[str]) -> tuple[int, int]:
    """Remove members from the buckets, inside a transaction; rows that held them, and events."""
    rows, events = 0, 0
    for member_id in member_ids:
        bucket = groups.bucket_of(member_id)
        found = con.execute(
            "SELECT n, lines FROM waiting WHERE bucket = ? AND instr(names, ?)",
            (bucket, member_id.encode()),
        ).fetchall()
        for n, data in found:
            of = _GROUP.decode(data)
            lines = of.pop(member_id, None)
            if lines is None:
                continue
            rows, events = rows + 1, events + lines.count(b"\n")
            if of:
                con.execute(
                    "UPDATE waiting SET names = ?, lines = ? WHERE bucket = ? AND n = ?",
                    (groups.names(of), _ENCODER.encode(of), bucket, n),
                )
            else:
                con.execute("DELETE FROM waiting WHERE bucket = ? AND n = ?", (bucket, n))
    mark(con, groups.EVENTS, -events)
    return rows, events


def waiting_members(con: sqlite3.Connection) -> set[str]:
    """Everybody in groups and buckets."""
    found = {name for (data,) in con.execute("SELECT names FROM waiting") for name in _NAMES.decode(data)}
    for (data,) in con.execute("SELECT lines FROM groups"):
        found.update(_GROUP.decode(data))
    return found


def encode(record: MemberRecord) -> bytes:
    """A record as it is kept."""
    return _ENCODER.encode(record)


def fold(con: sqlite3.Connection, buckets: Iterable[int], folds: Mapping[str, Fold] | None) -> int:
    """Take what waits in buckets into the members' records, inside a transaction of the caller's.

    Nothing happens where this process does not know what else is kept for members (`folds` is None, or not
    what the file says), or while the state is rebuilt: the events go on waiting. Returns how many members
    were folded.
    """
    if folds is None or not _may_fold(con, folds):
        return 0
    members = 0
    for bucket in buckets:
        waiting: defaultdict[str, list[bytes]] = defaultdict(list)
        for (data,) in con.execute("SELECT lines FROM waiting WHERE bucket = ? ORDER BY n", (bucket,)):
            for member_id, lines in _GROUP.decode(data).items():
                waiting[member_id].append(lines)
        if waiting:
            (last,) = con.execute("SELECT max(n) FROM waiting WHERE bucket = ?", (bucket,)).fetchone()
            joined = {member_id: b"".join(parts) for member_id, parts in waiting.items()}
            kept = dict(zip(joined, values_of(con, _KEPT, [(one,) for one in joined]), strict=True))
            left, events = _fold_members(con, joined, folds, kept)
            mark(con, groups.EVENTS, -events)
            con.execute("DELETE FROM waiting WHERE bucket = ?", (bucket,))
            if left:
                con.execute(
                    "INSERT INTO waiting VALUES (?, ?, ?, ?)",
                    (bucket, last, groups.names(left), _ENCODER.encode(left)),
                )
            members += len(waiting)
    return members


def fold_at_once(
    con: sqlite3.Connection, held: groups.Groups, lines: Mapping[str, bytes], folds: Mapping[str, Fold] | None
) -> dict[str, bytes]:
    """Take events that just came into the records of members of whom much came; the lines of all others.

    Parameters
    ----------
    lines : mapping of str to bytes
        Member -> lines that are in no group yet. Nobody is folded of whom events wait already, as these come
        first, nor whose record is so large that it is better written when more has come.
    """
    many = [member_id for member_id, of in lines.items() if of.count(b"\n") >= AT_ONCE]
    if not many or folds is None or not _may_fold(con, folds) or not held.follow(con):
        return dict(lines)
    waits = values_of(con, _WAITS, [(one.encode(), groups.bucket_of(one)) for one in many])
    free = [one for one, place in zip(many, waits, strict=True) if not place and not held.has(one)]
    kept = dict(zip(free, values_of(con, _KEPT, [(one,) for one in free]), strict=True))
    ready = {
        member_id: lines[member_id]
        for member_id, record in kept.items()
        if len(record or b"") <= WORTH * len(lines[member_id])
    }
    left, _ = _fold_members(con, ready, folds, kept)
    return {member_id: of for member_id, of in lines.items() if member_id not in ready or member_id in left}


def _fold_members(
    con: sqlite3.Connection,
    waiting: Mapping[str, bytes],
    folds: Mapping[str, Fold],
    kept: Mapping[str, bytes | None],
) -> tuple[dict[str, bytes], int]:
    """Fold members, of whom `kept` are the records so far.

    Returns the lines of those whose record cannot be made, which go on waiting, and the events of the others.
    """
    records, values, events, failed = [], [], 0, 0
    left: dict[str, bytes] = {}
    keys = [(member_id, name) for member_id in waiting for name in folds]
    before = dict(zip(keys, values_of(con, _VALUE, keys), strict=True))
    for member_id, lines in waiting.items():
        try:
            data = kept[member_id]
            record = MemberRecord() if data is None else _RECORD.decode(data)
            records.append((member_id, encode(apply(record, lines))))
        except Exception as problem:  # of one member: those of others are made
            LOG.error("a record cannot be made (%s)", type(problem).__name__, exc_info=problem)
            left[member_id] = lines
            continue
        events += lines.count(b"\n")
        for name, one in folds.items():
            after = applied(one, member_id, before[member_id, name], lines)
            failed += after == NOT_WHOLE != before[member_id, name]
            values.append((member_id, name, after))
    put_rows(con, "base", records, "ON CONFLICT (member_id) DO UPDATE SET record = excluded.record")
    put_values(con, values)
    if failed:
        mark(con, FAILED, failed)
    return left, events


def fold_next(con: sqlite3.Connection, folds: Mapping[str, Fold] | None, after: int) -> int:
    """Fold the next buckets in which events wait, behind `after`; the last of them, -1 at the end."""
    members = 0
    while members < MAINTAIN_MEMBERS:
        row = con.execute("SELECT min(bucket) FROM waiting WHERE bucket > ?", (after,)).fetchone()
        if row[0] is None:
            return -1
        after = int(row[0])
        folded = fold(con, [after], folds)
        if not folded:
            return -1
        members += folded
    return after


def due(con: sqlite3.Connection) -> list[int]:
    """The buckets that are to be folded next: those with the most rows."""
    rows = con.execute(
        "SELECT bucket FROM waiting GROUP BY bucket HAVING count(*) >= ? ORDER BY count(*) DESC LIMIT ?",
        (FOLD_FROM, FOLD_MOST),
    )
    return [row[0] for row in rows]


def value(con: sqlite3.Connection, member_id: str, name: str) -> bytes | None:
    """What is kept beside a record."""
    row = con.execute(_VALUE, (member_id, name)).fetchone()
    return None if row is None else row[0]


def put_values(con: sqlite3.Connection, values: Sequence[tuple[str, str, bytes]]) -> None:
    """Keep values beside records: member, name, value."""
    put_rows(con, "folded", values, "ON CONFLICT (member_id, name) DO UPDATE SET value = excluded.value")


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
