"""The state of members in one SQLite file, for the processes of one host."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from matinee.errors import StorageError
from matinee.observe.lake.manifest import sync_file, sync_folder
from matinee.observe.members import Member
from matinee.observe.state import sqlite_folding as folding
from matinee.observe.state import sqlite_groups as groups
from matinee.observe.state import sqlite_rebuild as rebuilding
from matinee.observe.state import sqlite_window as window
from matinee.observe.state.fold import apply
from matinee.observe.state.folds import LOG, Fold, checked, named
from matinee.observe.state.record import MemberRecord
from matinee.observe.state.sqlite_file import BUSY_S, Connections, storage_error, transaction, translated
from matinee.observe.state.sqlite_leftovers import Leftovers, write_anew
from matinee.observe.state.sqlite_marks import mark, marked
from matinee.observe.state.store import Arrival, CopiesLeftError, Position, Rebuilt
from matinee.observe.state.window import hashes
from matinee.types import HOUR_US

FOLD_BUCKETS = 8
"""Buckets that are folded in one `tend`; further ones have their turn in the next."""
MAINTAIN_TURNS = 10
"""Transactions of one kind in a call of `maintain`; between them others may write."""
TURN_PAUSE_S = 0.001
"""Between them: whoever waits for the lock of this process gets it."""
PACE_S, BUSY_EVENTS_S = 0.5, 2_000
"""Events a second, between two looks at least so long apart, from which the state is busy."""
EXPIRE_ROWS = 5_000
ERASE_S = 30.0
"""How long `erase` waits for readers of the old state to be done."""
ROWS_ERASED = (
    "The rows are erased; copies of them may stand in free places of the file until it is written anew, "
    "which takes up to twice its size. Free space, and erase again."
)
TURN_MS, PAUSE_S = 20, 0.05
"""How long it waits for them at a time, and in between, when writers have their turn."""
_MEMBER = msgspec.msgpack.Decoder(Member)


class SqliteStore:
    r"""A `StateStore` in a file next to the log. The default: no server to run, and reads in microseconds.

    Readers never wait for writers; writers take turns. For processes on several hosts use `RedisStore`: a
    file on a network disk is no substitute.

    Parameters
    ----------
    path : Path or str
        `Home.state_db`; made if it is not there. Open it after a fork, not before.
    dedup_h : float, > 0, default 48
        Hours in which an event is told from one that is sent again; at least, and at most twice that.
    folds : iterable of Fold or None
        What else is kept for members (see `folds.Fold`). It is the whole list: what another process kept and
        is not in it is deleted. None: leave all as it is, and fold nothing (for tools that only look).

    Raises
    ------
    StorageError
        The file cannot be opened, is damaged, or is of a newer version.

    Notes
    -----
    `take` folds the events of a member of whom many come at once into their row in `base`. All others are
    appended to `groups`, as one row. When there are enough of these, `tend` sorts them into buckets of
    members (`waiting`), and folds the rows of a bucket, when it has some, into the members' rows in `base`.
    So such an event is written three times, each time together with others. A process that dies loses nothing
    that was taken in; a power cut may take the last moments with it, events and positions together, and a
    replay of the log brings them back (`synchronous = NORMAL`). Before segments of the log are deleted,
    `sync` makes sure that what they say outlives a power cut.

    Threads of a process take turns by a lock before they ask SQLite for its own: that one is polled, in steps
    of up to 0.1 s.

    Values of `put` whose key is a member's id, or begins with it and `\x1f`, are removed with the member.
    Deleted content is overwritten (`secure_delete`, `sqlite_leftovers`).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = SqliteStore(Path(folder) / "state.db")
    ...     line = b'{"type":"play","event_id":"e1","member_id":"m1","title_id":"t1","at_us":5,"seq":1}\n'
    ...     again = [store.take([Arrival("e1", "m1", line)], None, 6) for _ in range(2)]
    ...     plays = store.record("m1").plays
    ...     store.close()
    >>> again, [play.title_id for play in plays]
    ([[True], [False]], ['t1'])
    """

    def __init__(self, path: Path | str, dedup_h: float = 48, folds: Iterable[Fold] | None = ()) -> None:
        self.path = Path(path)
        self.folds: Mapping[str, Fold] | None = None if folds is None else named(folds)
        self._groups = groups.Groups()
        self._due: deque[int] = deque()
        self._turn = threading.Lock()
        self._paced_s, self._paced_n, self._pace = -math.inf, 0, 0.0
        self._window = window.Window(int(dedup_h * HOUR_US))
        self._folded_to = -1
        self._connections = Connections(self.path)
        self._leftovers = Leftovers(self.path)
        if self.folds is not None:
            with self._writing() as con:
                folding.register(con, self.folds)

    def known(self, event_ids: Sequence[str]) -> list[bool]:
        """Which of these events were taken in before, within the window."""
        ids = hashes(event_ids)
        with self._reading() as con:
            found = self._window.find(con, ids)
        return [one in found for one in ids]

    def take(self, arrivals: Sequence[Arrival], position: Position | None, now_us: int) -> list[bool]:
        """Take in events that are in the log, all or none; True for each that was new."""
        ids = hashes([arrival.event_id for arrival in arrivals])
        row = number = None
        group: dict[str, bytes] = {}
        with self._writing() as con:
            new, fresh, lines = _told_apart(arrivals, ids, self._window.find(con, ids))
            if fresh:
                row = self._window.add(con, fresh, now_us)
                joined = {member_id: b"".join(of) for member_id, of in lines.items()}
                group = folding.fold_at_once(con, self._groups, joined, self.folds)
                if group:
                    number = groups.add(con, group)
                mark(con, groups.TAKEN, len(fresh))
            if position is not None:
                con.execute(
                    "INSERT INTO positions VALUES (?, ?) ON CONFLICT (segment) "
                    "DO UPDATE SET end = max(end, excluded.end)",
                    (position.segment, position.end),
                )
        if row is not None:
            self._window.note(row, fresh)
        if number is not None:
            self._groups.note(number, group)
        return new

    def tend(self) -> None:
        """Sort the groups when there are enough of them, and fold some of the buckets in which much waits."""
        with self._reading() as con:
            full = groups.full(con)
        if full:
            with self._writing() as con:
                hot = groups.flush(con)
                self._due = deque(dict.fromkeys([*hot, *folding.due(con), *self._due]))
        self._fold_due()

    def positions(self) -> dict[str, int]:
        """Segment -> bytes of it that were taken in."""
        with self._reading() as con:
            return dict(con.execute("SELECT segment, end FROM positions ORDER BY segment").fetchall())

    def forget_segments(self, names: Iterable[str]) -> None:
        """Forget the positions of segments that are gone."""
        with self._writing() as con:
            con.executemany("DELETE FROM positions WHERE segment = ?", [(name,) for name in names])

    def record(self, member_id: str) -> MemberRecord:
        """What a member did; an empty record of an unknown one."""
        try:
            record, lines = folding.read(self._connections.get(), self._groups, member_id)
        except sqlite3.Error as error:
            raise storage_error(self.path, error) from error
        except msgspec.DecodeError as error:
            raise self._damaged(error) from error
        return apply(record, lines) if lines else record

    def folded(self, member_id: str, name: str) -> tuple[bytes | None, bytes]:
        """What is kept for a member under the name of a fold, and the lines that are not in it yet.

        Raises
        ------
        StorageError
            It lacks earlier events: the fold is new, and the state was not rebuilt since.
        """
        found = None
        while found is None:
            with self._reading() as con:
                row = con.execute("SELECT whole FROM folds WHERE name = ?", (name,)).fetchone()
                if row is None or not row[0]:
                    raise StorageError(
                        f'{self.path}: "{name}" lacks events from before it was kept. Run matinee '
                        "rebuild-state."
                    )
                kept = folding.value(con, member_id, name)
                found = folding.read_inside(con, self._groups, member_id)
        return checked(name, kept), found[1]

    def member(self, member_id: str) -> Member | None:
        """What was imported about a member."""
        with translated(self.path):
            row = (
                self._connections.get()
                .execute("SELECT facts FROM facts WHERE member_id = ?", (member_id,))
                .fetchone()
            )
        return None if row is None else _MEMBER.decode(row[0])

    def put_members(self, members: Iterable[Member]) -> None:
        """Store what was imported about members."""
        rows = [(member.member_id, msgspec.msgpack.encode(member)) for member in members]
        with self._writing() as con:
            con.executemany(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (member_id) "
                "DO UPDATE SET facts = excluded.facts",
                rows,
            )

    def member_ids(self, after: str = "", limit: int = 1_000) -> list[str]:
        """Ids of members that the store knows, in their order as text, behind `after`."""
        found: set[str] = set()
        with self._reading() as con:
            for table in ("base", "facts"):
                found.update(
                    row[0]
                    for row in con.execute(
                        f"SELECT DISTINCT member_id FROM {table} WHERE member_id > ? "
                        "ORDER BY member_id LIMIT ?",
                        (after, limit),
                    )
                )
            found.update(one for one in folding.waiting_members(con) if one > after)
        return sorted(found)[:limit]

    def get(self, kind: str, key: str) -> bytes | None:
        """A value kept for a member or another unit; None if it is gone."""
        with translated(self.path):
            row = (
                self._connections.get()
                .execute("SELECT value FROM kept WHERE kind = ? AND key = ?", (kind, key))
                .fetchone()
            )
        return None if row is None else row[0]

    def put(self, kind: str, values: Sequence[tuple[str, bytes]], *, expires_us: int | None = None) -> None:
        """Keep values by key. `expires_us`: until when at least."""
        with self._writing() as con:
            con.executemany(
                "INSERT INTO kept VALUES (?, ?, ?, ?) ON CONFLICT (kind, key) "
                "DO UPDATE SET value = excluded.value, expires_us = excluded.expires_us",
                [(kind, key, value, expires_us) for key, value in values],
            )

    def count(self, name: str, add: int = 1) -> int:
        """Add to a counter that all processes share, and read it."""
        with self._writing() as con:
            row = con.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n "
                "RETURNING n",
                (name, add),
            ).fetchall()
        return int(row[0][0])

    def erase(self, member_ids: Sequence[str]) -> dict[str, int]:
        """Remove every trace of members from the file and its write-ahead log.

        Now and then all of the file is written anew for it (`sqlite_leftovers`); others wait to write
        meanwhile.
        Hashes of the ids of their events stay until the window is over: they tell nobody anything without
        the ids, and an event that is sent again stays refused.

        Raises
        ------
        CopiesLeftError
            The rows are removed. The write-ahead log could not be emptied, since somebody reads an old state,
            or the file not be written anew, since the disk is full. Erase again.
        """
        out = dict.fromkeys(("records", "waiting", "features", "facts", "values"), 0)
        tables = {"records": "base", "features": "folded", "facts": "facts"}
        with self._writing() as con:
            groups.flush(con)
            out["waiting"], _ = folding.take_out(con, member_ids)
            for member_id in member_ids:
                for name, table in tables.items():
                    out[name] += con.execute(
                        f"DELETE FROM {table} WHERE member_id = ?", (member_id,)
                    ).rowcount
                out["values"] += con.execute(
                    "DELETE FROM kept WHERE key = ?1 OR (key >= ?1 || char(31) AND key < ?1 || char(32))",
                    (member_id,),
                ).rowcount
            mark(con, rebuilding.ERASURES)
        try:
            self._remove_copies(member_ids)
        except StorageError as problem:
            raise CopiesLeftError(str(problem), out) from problem
        return out

    def sync(self) -> None:
        """Make all that was written so far survive a power cut.

        Raises
        ------
        StorageError
            The disk does not take it.
        """
        try:  # not the file itself: closing it would free the locks of this process's connections
            sync_file(self.path.with_name(self.path.name + "-wal"))
            sync_folder(self.path.parent)
        except FileNotFoundError:  # all of it is in the file, which SQLite has synced
            return
        except OSError as error:
            raise StorageError(
                f"{self.path}-wal: could not be written to the disk ({error.strerror}). Check the disk."
            ) from error

    def maintain(self, now_us: int) -> None:
        """Fold what has gathered, drop what has expired; called now and then by one process.

        While many events come, sorting and folding are left to `tend`, which waits until a bucket has much:
        that costs a fraction of folding each few events at once.
        """
        for turn in range(MAINTAIN_TURNS):
            if turn:
                time.sleep(TURN_PAUSE_S)
            with self._writing() as con:
                if turn == 0:
                    busy = self._is_busy(con)
                    if not busy:
                        groups.flush(con)
                if not busy:
                    self._folded_to = folding.fold_next(con, self.folds, self._folded_to)
                more = (not busy and self._folded_to >= 0) | folding.forget(con)
                expired = con.execute(
                    "DELETE FROM kept WHERE rowid IN (SELECT rowid FROM kept WHERE expires_us < ? LIMIT ?)",
                    (now_us, EXPIRE_ROWS),
                ).rowcount
            with self._turn, translated(self.path):
                more |= window.tidy(self._connections.get(), now_us, self._window.window_us)
            if not (more or expired == EXPIRE_ROWS):
                break
        with translated(self.path):
            self._connections.get().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def begin_rebuild(self) -> int:
        """Stop folding in all processes; what arrives waits."""
        with self._writing() as con:
            return rebuilding.begin(con)

    def renew_rebuild(self, token: int) -> None:
        """Say that a rebuild goes on though it has nothing to write yet."""
        with self._writing() as con:
            rebuilding.check(con, self.path, token)

    def write_rebuilt(
        self, token: int, rows: Sequence[Rebuilt], *, after: str, upto: str | None, now_us: int
    ) -> None:
        """Replace what is known about all members behind `after` up to `upto` (None: to the end)."""
        with self._writing() as con:
            rebuilding.check(con, self.path, token)
            rebuilding.write(con, self._window, self.folds, rows, after=after, upto=upto, now_us=now_us)

    def end_rebuild(self, token: int, positions: Iterable[Position]) -> None:
        """Note how far the log was read, and let folding go on."""
        with self._writing() as con:
            rebuilding.check(con, self.path, token)
            rebuilding.end(con, self.folds, positions)

    def size(self) -> dict[str, int]:
        """Members, events waiting to be folded, ids in the window, failed folds, bytes on the disk."""
        with self._reading() as con:
            (members,) = con.execute(
                "SELECT count(*) FROM (SELECT member_id FROM base UNION SELECT member_id FROM facts)"
            ).fetchone()
            for member_id in folding.waiting_members(con):
                members += (
                    con.execute(
                        "SELECT 1 FROM base WHERE member_id = ?1 UNION ALL "
                        "SELECT 1 FROM facts WHERE member_id = ?1",
                        (member_id,),
                    ).fetchone()
                    is None
                )
            events = groups.waiting_events(con)
            known = window.count(con)
            failed = marked(con, folding.FAILED)
        files = [self.path.with_name(self.path.name + end) for end in ("", "-wal", "-shm")]
        return {
            "members": members,
            "waiting": events,
            "ids": known,
            "failed_folds": failed,
            "bytes": sum(file.stat().st_size for file in files if file.exists()),
        }

    def close(self) -> None:
        """Close the connections of all threads."""
        self._connections.close()
        self._leftovers.close()

    def _is_busy(self, con: sqlite3.Connection) -> bool:
        """Whether many events came between the last two looks."""
        now_s = time.monotonic()
        if now_s - self._paced_s >= PACE_S:
            taken = marked(con, groups.TAKEN)
            self._pace = (taken - self._paced_n) / (now_s - self._paced_s)
            self._paced_s, self._paced_n = now_s, taken
        return self._pace >= BUSY_EVENTS_S

    def _fold_due(self) -> None:
        """Fold some buckets. The events are taken in whatever comes of it; what fails is tried again."""
        buckets: list[int] = []
        with suppress(IndexError):
            while len(buckets) < FOLD_BUCKETS:
                buckets.append(self._due.popleft())
        if buckets:
            try:
                with self._writing() as con:
                    folding.fold(con, buckets, self.folds)
            except Exception as problem:
                LOG.error("%s: folding failed (%s)", self.path, type(problem).__name__, exc_info=problem)

    def _remove_copies(self, member_ids: Sequence[str]) -> None:
        """Remove what is left of rows that are gone."""
        self._empty_wal()
        if not self._leftovers.of(member_ids):
            return
        try:
            with self._turn, translated(self.path, ROWS_ERASED):
                write_anew(self._connections.get())
        finally:
            self._empty_wal()  # all of the file is in it, or what the disk took of that

    def _empty_wal(self) -> None:
        until = time.monotonic() + ERASE_S
        with translated(self.path):
            con = self._connections.get()
            con.execute(f"PRAGMA busy_timeout = {TURN_MS}").fetchall()  # writers wait as long as this waits
            try:
                while con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() > until:
                        raise StorageError(
                            f"{self.path}-wal: could not be emptied, since a process reads an old state. "
                            "What was erased is in it until then. Erase again."
                        )
                    time.sleep(PAUSE_S)
            finally:
                con.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1_000)}").fetchall()

    def _damaged(self, error: Exception) -> StorageError:
        return StorageError(
            f"{self.path}: a record cannot be read ({error}). Run matinee rebuild-state, which makes all of "
            "them again from the lake and the log."
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            con = self._connections.get()
            with transaction(con, "DEFERRED"):
                yield con

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, translated(self.path):
            con = self._connections.get()
            try:
                with transaction(con):
                    yield con
            except BaseException:
                self._window.reset()  # it may know what was not written
                raise


def _told_apart(
    arrivals: Sequence[Arrival], ids: Sequence[bytes], known: set[bytes]
) -> tuple[list[bool], Sequence[bytes], dict[str, list[bytes]]]:
    """Which events are new, the hashes of their ids, and their lines by member."""
    lines: dict[str, list[bytes]] = {}
    if not known and len(set(ids)) == len(ids):
        for arrival in arrivals:
            lines.setdefault(arrival.member_id, []).append(arrival.line)
        return [True] * len(ids), ids, lines
    new: list[bool] = []
    fresh: list[bytes] = []
    for arrival, one in zip(arrivals, ids, strict=True):
        new.append(one not in known)
        if new[-1]:
            known.add(one)
            fresh.append(one)
            lines.setdefault(arrival.member_id, []).append(arrival.line)
    return new, fresh, lines
