"""The file of a `SqliteStore`: its tables, a connection for each thread, and errors in plain words."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from matinee.errors import StorageError

FORMAT = 2
"""Counts changes of the tables below; it is the file's `user_version`."""
BUSY_S = 10.0
"""How long a writer waits for another one."""
CACHE_KIB = 8_192
CHECKPOINT_PAGES = 24_000
"""Pages of 4 KB in the write-ahead log from which whoever commits copies them into the file; `maintain` does
it before, and so in a thread for which nobody waits."""
OPEN_TRIES = 100
UNCHANGED = "Free space; nothing was changed."
TABLES = """
CREATE TABLE base (member_id TEXT PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE groups (n INTEGER PRIMARY KEY AUTOINCREMENT, lines BLOB NOT NULL);
CREATE TABLE waiting (bucket INTEGER NOT NULL, n INTEGER NOT NULL, names BLOB NOT NULL, lines BLOB NOT NULL,
    PRIMARY KEY (bucket, n));
CREATE TABLE folded (member_id TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (member_id, name));
CREATE TABLE facts (member_id TEXT PRIMARY KEY, facts BLOB NOT NULL);
CREATE TABLE kept (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, expires_us INTEGER,
    PRIMARY KEY (kind, key));
CREATE INDEX kept_until ON kept (expires_us) WHERE expires_us IS NOT NULL;
CREATE INDEX kept_of ON kept (key);
CREATE TABLE positions (segment TEXT PRIMARY KEY, end INTEGER NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE folds (name TEXT PRIMARY KEY, whole INTEGER NOT NULL);
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE recent (n INTEGER PRIMARY KEY AUTOINCREMENT, ids BLOB NOT NULL);
CREATE TABLE segments (number INTEGER PRIMARY KEY, tier INTEGER NOT NULL, until_us INTEGER NOT NULL,
    ids INTEGER NOT NULL, filter BLOB, merged_into INTEGER, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE segment_ids (place INTEGER PRIMARY KEY, ids BLOB NOT NULL);
"""
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class Connections:
    """One connection for each thread that asks, all to the same file.

    Parameters
    ----------
    path : Path
        Made with its tables if it is not there. Open it after a fork, not before.

    Raises
    ------
    StorageError
        The file cannot be opened, is damaged, or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = False
        self._mine = threading.local()
        self._all: weakref.WeakSet[_Held] = weakref.WeakSet()
        with translated(path):
            _prepare(self.get(), path)

    def get(self) -> sqlite3.Connection:
        """Connection of the thread that asks."""
        try:
            held: _Held = self._mine.held
        except AttributeError:
            if self.closed:
                raise StorageError(f"{self.path}: the state store is closed. Open it again.") from None
            held = self._mine.held = _Held(self.path)
            self._all.add(held)
        return held.con

    def close(self) -> None:
        """Close the connections of all threads."""
        self.closed = True
        for held in list(self._all):
            held.con.close()


class _Held:
    """A connection that is closed with its thread."""

    def __init__(self, path: Path) -> None:
        self.con = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        for pragma in (
            "synchronous = NORMAL",
            "secure_delete = ON",
            f"cache_size = -{CACHE_KIB}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "temp_store = MEMORY",
        ):
            self.con.execute(f"PRAGMA {pragma}").fetchall()

    def __del__(self) -> None:
        con = getattr(self, "con", None)
        if con is not None:
            con.close()


@contextmanager
def transaction(con: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All or nothing; IMMEDIATE waits for its turn to write, DEFERRED reads one state of the file."""
    con.execute(f"BEGIN {kind}")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        if con.in_transaction:
            con.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path, when_full: str = UNCHANGED) -> Iterator[None]:
    """Turn what SQLite says into a StorageError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise storage_error(path, error, when_full) from error


def storage_error(path: Path, error: sqlite3.Error, when_full: str = UNCHANGED) -> StorageError:
    """What an error of SQLite means to the one who runs the service.

    Parameters
    ----------
    when_full : str
        What to do when the disk is full, and what was done before.
    """
    code = getattr(error, "sqlite_errorcode", None)
    code = None if code is None else code & 0xFF
    if code in _BUSY:
        return StorageError(f"{path}: another process has been writing for {BUSY_S:g} s. Try again.")
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"{path}: the disk is full. {when_full}")
    if code in _DAMAGED:
        return StorageError(
            f"{path}: the state is damaged ({error}). It can be made again from the lake and the log: stop "
            "the server and run matinee rebuild-state."
        )
    return StorageError(f"{path}: the state cannot be used ({error}). Check the disk and the file's rights.")


def is_damaged(error: StorageError) -> bool:
    """Whether a file of state is broken, rather than busy, full or out of reach."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def discard(path: Path) -> None:
    """Remove a file of state and what belongs to it. No process may have it open."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _prepare(con: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or see that they are of a version that this one knows."""
    for attempt in range(OPEN_TRIES):  # changing the mode of a file does not wait for other processes
        try:
            con.execute("PRAGMA journal_mode = WAL").fetchall()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY or attempt == OPEN_TRIES - 1:
                raise
            time.sleep(BUSY_S / OPEN_TRIES)
    version = _version(con)
    if version == 0:
        with transaction(con):
            version = _version(con)
            if version == 0:
                (tables,) = con.execute("SELECT count(*) FROM sqlite_master").fetchone()
                if tables:
                    raise StorageError(
                        f"{path}: is a database of something else, expected the state of members or no file. "
                        "Move it away; the state is made again by matinee rebuild-state."
                    )
                for statement in TABLES.split(";\n"):
                    con.execute(statement)
                con.execute(f"PRAGMA user_version = {FORMAT}")
                version = FORMAT
    if version == 1:
        with transaction(con):
            if _version(con) == 1:
                _from_1(con)
    if version > FORMAT:
        raise StorageError(
            f"{path}: has format {version}, expected at most {FORMAT}. It was written by a newer Matinee: "
            "use that one, or move the file away and run matinee rebuild-state."
        )


def _from_1(con: sqlite3.Connection) -> None:
    """Events waited in rows by member: make groups of them."""
    con.execute("ALTER TABLE waiting RENAME TO waiting_1")
    for statement in TABLES.split(";\n"):
        if statement.startswith(("CREATE TABLE groups ", "CREATE TABLE waiting ")):
            con.execute(statement)
    rows = con.execute("SELECT member_id, lines FROM waiting_1 ORDER BY n")
    while some := rows.fetchmany(1_000):
        group: dict[str, bytes] = {}
        for member_id, lines in some:
            group[member_id] = group.get(member_id, b"") + lines
        con.execute("INSERT INTO groups (lines) VALUES (?)", (msgspec.msgpack.encode(group),))
    con.execute("DROP TABLE waiting_1")
    con.execute("DELETE FROM marks WHERE name = 'waiting_rows'")
    con.execute(f"PRAGMA user_version = {FORMAT}")


def _version(con: sqlite3.Connection) -> int:
    return int(con.execute("PRAGMA user_version").fetchone()[0])
