"""Connections and transactions on SQLite or PostgreSQL: a write appears whole or not at all.

SQLite: WAL; every write begins with BEGIN IMMEDIATE, so that it waits its turn instead of failing half-way;
each transaction opens the file anew, so that a file that is gone is noticed and processes may fork.
PostgreSQL: writes are read committed, reads one snapshot; a pool checks a connection before it is used.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.pool import NullPool

from matinee.errors import MissingExtraError, StorageError
from matinee.observe.clock import wall_us
from matinee.platform.registry.address import Address
from matinee.platform.registry.failures import explained
from matinee.types import SECOND_US

WAIT_S = 30.0
"""How long a write waits for another process before it gives up."""
CONNECT_S = 5.0
"""How long a server of PostgreSQL may take to let a connection in."""
QUIET_US = 2 * SECOND_US
"""After a write it takes so long until the file's time is trusted."""
Stamp = tuple[tuple[int, int, int], ...]
"""Inode, size and time of the files of a database."""
POOL = 5
"""Connections to PostgreSQL of one process; more threads than that wait their turn."""


class Database:
    """One database with its transactions. Calls inside a transaction join it.

    Parameters
    ----------
    address : Address
        Which one.
    wait_s : float, > 0, default 30.0
        How long to wait for a lock that another process holds.

    Raises
    ------
    MissingExtraError
        A PostgreSQL address without the extra `postgres`.
    """

    def __init__(self, address: Address, *, wait_s: float = WAIT_S) -> None:
        self.address = address
        self.engine = _sqlite(address, wait_s) if address.url is None else _postgres(address, wait_s)
        self._writer = self.engine.execution_options(matinee_writes=True)
        snapshot = {} if address.url is None else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(**snapshot)
        self._mine = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write: all of the block, or nothing of it.

        Inside another transaction of the same thread it is a savepoint: if the block fails and the caller
        goes on, nothing of the block is kept.

        Raises
        ------
        StorageError
            The database is gone, locked, read-only or unreachable. Nothing was written.
        """
        outer: Connection | None = getattr(self._mine, "connection", None)
        with self._explained():
            if outer is not None:
                with outer.begin_nested():
                    yield outer
                return
            with self._writer.begin() as con:
                self._mine.connection = con
                try:
                    yield con
                finally:
                    self._mine.connection = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one consistent state: that of the transaction or of the reading that this thread is in."""
        outer: Connection | None = getattr(self._mine, "connection", None) or getattr(
            self._mine, "reading", None
        )
        with self._explained():
            if outer is not None:
                yield outer
                return
            with self._reader.begin() as con:
                self._mine.reading = con
                try:
                    yield con
                finally:
                    self._mine.reading = None

    def stamp(self) -> Stamp | None:
        """The same as before only if nothing was written since: two looks at files, in place of queries.

        Returns
        -------
        tuple or None
            None: that cannot be told. It is a server's, its file is gone, or it was written a moment ago, so
            that the time of the file may not tell one write from the next.
        """
        path = self.address.path
        if path is None:
            return None
        found: list[tuple[int, int, int]] = []
        try:
            seen = path.stat()
            found.append((seen.st_ino, seen.st_size, seen.st_mtime_ns))
            with suppress(FileNotFoundError):
                seen = path.with_name(f"{path.name}-wal").stat()
                if seen.st_size:  # whoever reads makes an empty one
                    found.append((seen.st_ino, seen.st_size, seen.st_mtime_ns))
        except OSError:
            return None
        latest_us = max(one[2] for one in found) // 1_000
        return tuple(found) if latest_us + QUIET_US < wall_us() else None

    def close(self) -> None:
        """Give the connections back. The object can be used again; it connects anew."""
        self.engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise explained(problem, self.address) from problem
        except TimeoutError as problem:
            raise StorageError(
                f"{self.address.name}: all connections of this process are in use. Ask less at once."
            ) from problem


def _sqlite(address: Address, wait_s: float) -> Engine:
    assert address.path is not None
    uri = f"{address.path.absolute().as_uri()}?mode=rw"  # so that a file that is gone is not made anew

    def connect() -> sqlite3.Connection:
        con = sqlite3.connect(uri, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False)
        try:
            con.execute("PRAGMA foreign_keys = ON")
            con.execute("PRAGMA synchronous = FULL")
        except BaseException:
            con.close()
            raise
        return con

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(con: Connection) -> None:
    writes = con.get_execution_options().get("matinee_writes", False)
    con.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(address: Address, wait_s: float) -> Engine:
    assert address.url is not None
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise MissingExtraError("A registry in PostgreSQL", "postgres") from None
    settings: dict[str, Any] = {
        "connect_timeout": max(2, round(min(wait_s, CONNECT_S))),
        "application_name": "matinee",
    }
    engine = create_engine(
        address.url,
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=wait_s,
        connect_args=settings,
    )

    @event.listens_for(engine, "connect")
    def _wait(connection: Any, record: object) -> None:  # noqa: ARG001
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {round(wait_s * 1000)}")
        connection.commit()

    return engine
