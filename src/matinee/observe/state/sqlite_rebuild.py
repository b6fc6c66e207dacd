"""How the state in a SQLite file is replaced by what the lake and the log say, while a server goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from matinee.errors import StorageError
from matinee.observe.clock import wall_us
from matinee.observe.state import sqlite_folding as folding
from matinee.observe.state import sqlite_groups as groups
from matinee.observe.state.fold import without
from matinee.observe.state.folds import NOT_WHOLE, Fold, applied
from matinee.observe.state.sqlite_marks import mark, marked, put_mark
from matinee.observe.state.sqlite_window import Window
from matinee.observe.state.store import Position, Rebuilt
from matinee.observe.state.window import hashes
from matinee.types import SECOND_US

ERASURES, REBUILDS, RENEWED = "erasures", "rebuilds", folding.RENEWED


def begin(con: sqlite3.Connection) -> int:
    """Stop folding; a number that changes with each rebuild and each erasure."""
    mark(con, REBUILDS)
    put_mark(con, folding.FAILED, 0)
    _renew(con)
    return _token(con)


def check(con: sqlite3.Connection, path: Path, token: int) -> None:
    """Refuse to go on where the rebuild is not alone any more.

    Raises
    ------
    StorageError
        Someone was erased, another rebuild began, or folding has begun again.
    """
    late_s = (wall_us() - marked(con, RENEWED)) / SECOND_US
    if _token(con) != token or late_s > folding.LEASE_S:
        raise StorageError(
            f"{path}: the rebuild was stopped, since a member was erased, another rebuild began, or this one "
            f"wrote nothing for {folding.LEASE_S} s. What it has written is right. Run matinee "
            "rebuild-state again."
        )
    _renew(con)


def write(
    con: sqlite3.Connection,
    window: Window,
    folds: Mapping[str, Fold] | None,
    rows: Sequence[Rebuilt],
    *,
    after: str,
    upto: str | None,
    now_us: int,
) -> None:
    """Replace the members of a range, inside a transaction."""
    behind, bounds = "member_id > ?", [after]
    if upto is not None:
        behind, bounds = behind + " AND member_id <= ?", [after, upto]
    for table in ("base", "facts", *(["folded"] if folds else [])):
        con.execute(f"DELETE FROM {table} WHERE {behind}", bounds)
    con.executemany(
        "INSERT INTO base VALUES (?, ?)",
        [(row.member_id, folding.encode(row.record)) for row in rows if row.record is not None],
    )
    con.executemany(
        "INSERT INTO facts VALUES (?, ?)",
        [(row.member_id, msgspec.msgpack.encode(row.member)) for row in rows if row.member is not None],
    )
    if folds:
        groups.flush(con)
        values = []
        for row in rows:
            lines = without(row.lines, folding.sorted_lines(con, row.member_id))
            if lines:
                values += [
                    (row.member_id, name, applied(one, row.member_id, None, lines))
                    for name, one in folds.items()
                ]
        folding.put_values(con, values)
        failed = sum(value == NOT_WHOLE for _, _, value in values)
        if failed:
            mark(con, folding.FAILED, failed)
    ids = hashes(one for row in rows for one in row.recent_ids)
    if ids:
        known = window.find(con, ids)
        window.add(con, [one for one in dict.fromkeys(ids) if one not in known], now_us)


def end(con: sqlite3.Connection, folds: Mapping[str, Fold] | None, positions: Iterable[Position]) -> None:
    """Note how far the log was read; what is kept beside records is whole now."""
    con.executemany(
        "INSERT INTO positions VALUES (?, ?) ON CONFLICT (segment) "
        "DO UPDATE SET end = max(end, excluded.end)",
        [(position.segment, position.end) for position in positions],
    )
    con.executemany("UPDATE folds SET whole = 1 WHERE name = ?", [(name,) for name in folds or ()])
    con.execute("DELETE FROM marks WHERE name = ?", (RENEWED,))


def _token(con: sqlite3.Connection) -> int:
    """Neither number ever falls, so their sum is another one after each."""
    return marked(con, REBUILDS) + marked(con, ERASURES)


def _renew(con: sqlite3.Connection) -> None:
    put_mark(con, RENEWED, wall_us())
