"""Make the state of members again from the lake and the log, where it is lost, damaged or doubted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from matinee.errors import StorageError
from matinee.observe.erasure.erased import Erased
from matinee.observe.home import Home
from matinee.observe.lake.connection import quoted, spilling
from matinee.observe.lake.reader import open_events, open_facts
from matinee.observe.lake.tables import EVENTS, TABLE_OF
from matinee.observe.log import segment_name, segments
from matinee.observe.members import MATURITY_MAX, Member
from matinee.observe.state.fold import Line, fold
from matinee.observe.state.record import MemberRecord
from matinee.observe.state.store import OpenedStore, Position, Rebuilt
from matinee.types import HOUR_US

CHUNK_MEMBERS, CHUNK_EVENTS = 500, 20_000
"""Members that are written in one transaction, or fewer with so many events."""
FETCH_ROWS = 10_000
RENEW_S = 20.0
"""Between two signs of life that a rebuild gives the store."""
PORTION = 50_000
"""Events of one member that are held at a time."""
KEPT = (
    "event_id", "at_us", "seq", "title_id", "watch_s", "position_s", "rating", "rating_scale", "territory",
    "signal", "query", "status",
)  # fmt: skip
"""Columns that a record is made of, in the order of the fields of `fold.Line` behind its type."""
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What a rebuild did, or is going to do.

    Attributes
    ----------
    members : int
        With events or with facts.
    events : int
        Plays, impressions, signals, searches and changes of membership.
    segments : int
        Of the log, up to the end of which the state is now.
    torn : int
        Lines of the log that a crash had cut off.
    """

    members: int
    events: int
    segments: int
    torn: int


def rebuild(
    home: Home,
    store: OpenedStore,
    now_us: int,
    *,
    dedup_h: float = 48,
    progress: Progress | None = None,
) -> Rebuild:
    """Replace what a store knows about members by what stands in the lake and the log.

    Made again are records, what else is kept for members (`store.folds`), their facts, the ids by which
    events that are sent again are told, and how far the log was read. Pages and other values of `put` and
    counters stay.

    A server may run meanwhile: what arrives waits in the store and is folded into the new state. A member
    who is in the state and not in the lake or the log is removed. One who is erased meanwhile does not come
    back: the rebuild stops, and what it has written is right.

    Parameters
    ----------
    now_us : int
        Ids of events that arrived in the last `dedup_h` hours before it are told.
    progress : callable, optional
        Is given the share that is done, 0 to 1.

    Raises
    ------
    StorageError
        The lake, the log or the store cannot be read or written, or the rebuild was stopped. Run it again.

    Notes
    -----
    One sorted pass over all events; DuckDB spills what does not fit. In Python there are the events of at
    most `CHUNK_MEMBERS` members, and of each at most `PORTION` that are not folded yet (where `store.folds`
    is not empty, all of one member, as lines).
    """
    token = store.begin_rebuild()  # before all is read: what is taken in from now on waits, and is not lost
    with spilling() as con, _held(store, token):
        ends = [*_ends(home)]  # before the log is read: what is appended meanwhile is taken in once more
        done = _open(con, home, len(ends))
        everything = _everything(more=bool(store.folds))
        after, read = "", 0
        for rows, n in _chunks(_members(con, everything, home, store, now_us - int(dedup_h * HOUR_US))):
            upto = rows[-1].member_id
            store.write_rebuilt(token, rows, after=after, upto=upto, now_us=now_us)
            after, read = upto, read + n
            if progress is not None:
                progress(min(1.0, read / max(1, done.events)))
        store.write_rebuilt(token, [], after=after, upto=None, now_us=now_us)
        store.end_rebuild(token, ends)
    return done


@contextmanager
def _held(store: OpenedStore, token: int) -> Iterator[None]:
    """Keep others from folding while all events are sorted, which may take longer than a store waits."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_S):
            try:
                store.renew_rebuild(token)
            except StorageError:  # stopped, or out of reach: the next write says which
                continue

    thread = threading.Thread(target=renew, name="matinee-rebuild", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def survey(home: Home) -> Rebuild:
    """What a rebuild would be made from; nothing is written.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    with spilling() as con:
        return _open(con, home, len(segments(home.log)))


def _open(con: duckdb.DuckDBPyConnection, home: Home, n_segments: int) -> Rebuild:
    """Make views of all there is, and count it."""
    torn = open_events(con, home, *TABLE_OF.values()).torn
    open_facts(con, home, "members")
    members, events = con.execute(
        "SELECT count(DISTINCT member_id), count(*) FILTER (type <> 'facts') "
        f"FROM ({_everything(more=False)})"
    ).fetchall()[0]
    return Rebuild(members, events, n_segments, torn)


def _everything(*, more: bool) -> str:
    """SQL of all events and facts: type, member_id, seen_us, `KEPT`, and the rest if there is `more`."""
    columns = [*KEPT, *(_rest() if more else ())]
    parts = [f"SELECT '{kind}' AS type, * FROM {table}" for kind, table in TABLE_OF.items()]
    parts.append(
        "SELECT 'facts' AS type, member_id, to_json({'member_id': member_id, 'account_id': account_id, "
        f"'territory': territory, 'maturity_max': coalesce(maturity_max, {MATURITY_MAX}), "
        "'kids': coalesce(kids, false), 'languages': coalesce(languages, [])})::VARCHAR AS query FROM members"
    )
    return (
        f"SELECT type, member_id, seen_us, {', '.join(map(quoted, columns))} "
        f"FROM ({' UNION ALL BY NAME '.join(parts)}) WHERE member_id IS NOT NULL"
    )


def _rest() -> list[str]:
    """Columns of events that no record needs."""
    found = {column: None for table in TABLE_OF.values() for column in EVENTS[table]}
    return [column for column in found if column not in {*KEPT, "copy", "member_id", "seen_us"}]


def _members(
    con: duckdb.DuckDBPyConnection, everything: str, home: Home, store: OpenedStore, since_us: int
) -> Iterator[tuple[Rebuilt, int]]:
    """Each member and their number of events, in the order of ids as text."""
    erased = Erased.of(home)
    con.execute(f"{everything} ORDER BY member_id, at_us, seq")
    for member_id, rows in groupby(_rows(con), key=itemgetter(1)):
        made = _member(member_id, rows, since_us, names=_rest() if store.folds else None)
        if not erased.refuses(member_id):
            yield made


def _member(
    member_id: str, rows: Iterator[tuple[Any, ...]], since_us: int, *, names: Sequence[str] | None
) -> tuple[Rebuilt, int]:
    record, member, n = MemberRecord(), None, 0
    lines: list[Line] = []
    written: list[tuple[int, int, bytes]] = []
    recent: list[str] = []
    for row in rows:
        kind, _, seen_us, *values = row
        if kind == "facts":
            member = msgspec.json.decode(values[KEPT.index("query")], type=Member)
            continue
        n += 1
        head = values[:9]
        lines.append(Line(kind, *head, *(value or "" for value in values[9 : len(KEPT)])))
        if seen_us >= since_us:
            recent.append(values[0])
        if names is not None:
            line = _line(member_id, kind, seen_us, [*KEPT, *names], values)
            written.append((seen_us, values[2], line))
        if len(lines) == PORTION:
            record, lines = fold(record, lines), []
    found = fold(record, lines) if n else None
    arrived = b"".join(line for _, _, line in sorted(written))  # in the order in which a server had them
    return Rebuilt(member_id, found, member, arrived, tuple(recent)), n


def _line(member_id: str, kind: str, seen_us: int, names: Sequence[str], values: Sequence[Any]) -> bytes:
    """An event as it would stand in the log."""
    said = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    return msgspec.json.encode({"type": kind, "member_id": member_id, "seen_us": seen_us, **said}) + b"\n"


def _rows(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := con.fetchmany(FETCH_ROWS):
        yield from rows


def _chunks(members: Iterator[tuple[Rebuilt, int]]) -> Iterator[tuple[list[Rebuilt], int]]:
    rows: list[Rebuilt] = []
    events = 0
    for row, n in members:
        rows.append(row)
        events += n
        if len(rows) >= CHUNK_MEMBERS or events >= CHUNK_EVENTS:
            yield rows, events
            rows, events = [], 0
    if rows:
        yield rows, events


def _ends(home: Home) -> Iterator[Position]:
    """Where the last whole line of each segment ends."""
    for path in segments(home.log):
        try:
            yield Position(segment_name(path), _whole_bytes(path))
        except FileNotFoundError:  # compacted, or closed, meanwhile: a replay takes it in once more
            continue
        except OSError as error:
            raise StorageError(
                f"{path}: cannot be read ({error.strerror}). Make it readable and run it again."
            ) from error


def _whole_bytes(path: Path, block: int = 1 << 16) -> int:
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end > 0:
            start = max(0, end - block)
            file.seek(start)
            place = file.read(end - start).rfind(b"\n")
            if place >= 0:
                return start + place + 1
            end = start
    return 0
