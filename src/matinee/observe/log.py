"""The open end of the event log: NDJSON segments, one writer per process, synced in groups."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import duckdb

from matinee.errors import StorageError
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Event, stored
from matinee.observe.lake.connection import literal, quoted
from matinee.observe.lake.tables import EVENTS, LOGGED
from matinee.observe.locks import lock_file

OPEN, CLOSED = ".open.ndjson", ".ndjson"
ROTATE_BYTES = 64 * 1024 * 1024


class LogWriter:
    """Appends events to this process's segment; when `append` returns they survive a power cut.

    Threads that append at the same time share one sync. A segment is closed (renamed) when it is full or
    with the writer; that of a process that died is told by its lock, which the system has freed.

    Parameters
    ----------
    folder : Path
        `Home.log`.
    clock : Clock
        Gives `seen_us`.
    rotate_bytes : int
        Size from which a new segment is begun.

    Notes
    -----
    `seq` is the time of arrival in microseconds, or one more than the last: it grows in every segment and
    lies above the small numbers of imported events, so at equal times history comes first.
    """

    def __init__(self, folder: Path, clock: Clock, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.folder = folder
        self.clock = clock
        self.rotate_bytes = rotate_bytes
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._file: BinaryIO | None = None
        self._number = 0
        self._seq = 0
        self._pending: list[tuple[int, bytes]] = []
        self._failed: dict[int, StorageError] = {}
        self._offered = 0
        self._synced = 0
        self._queue = threading.Lock()
        self._disk = threading.Lock()

    def append(self, events: Sequence[tuple[Event, int]]) -> None:
        """Write events with their `at_us` (checked by `schema.check`) and sync.

        Raises
        ------
        StorageError
            The disk is full; none of these events counts as written.
        """
        if not events:
            return
        seen_us = self.clock.now_us
        with self._queue:
            lines = []
            for event, at_us in events:
                self._seq = max(self._seq + 1, seen_us)
                lines.append(stored(event, at_us, seen_us, self._seq))
            self._offered += 1
            mine = self._offered
            self._pending.append((mine, b"".join(lines)))
        with self._disk:
            if self._synced < mine:
                self._flush()
            if mine in self._failed:
                raise self._failed.pop(mine)

    def close(self) -> None:
        """Close the segment, so that the next compaction takes it."""
        with self._disk:
            self._rotate()

    def _flush(self) -> None:
        """Write and sync all that is pending, for every thread that waits."""
        with self._queue:
            group, self._pending = self._pending, []
        self._synced = group[-1][0]
        start = 0
        try:
            file = self._segment()
            start = file.tell()
            file.write(b"".join(data for _, data in group))
            file.flush()
            os.fsync(file.fileno())
            full = file.tell() >= self.rotate_bytes
        except OSError as error:
            message = (
                f"{self.folder}: events could not be written ({error.strerror}). Free space on the disk."
            )
            self._failed.update({number: StorageError(message) for number, _ in group})
            self._abandon(start)
            return
        if full:
            self._rotate()

    def _segment(self) -> BinaryIO:
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._number += 1
            path = self.folder / f"{self._name}-{self._number:04d}{OPEN}"
            self._file = path.open("ab", buffering=0)
            lock_file(self._file.fileno())
        return self._file

    def _abandon(self, start: int) -> None:
        """Take back what was written of a failed group; events that were acknowledged stay."""
        if self._file is not None:
            self._file.truncate(start)
            self._file.seek(start)
            self._rotate()

    def _rotate(self) -> None:
        if self._file is not None:
            path = Path(self._file.name)
            path.rename(path.with_name(path.name.removesuffix(OPEN) + CLOSED))
            self._file.close()
            self._file = None


def segments(folder: Path) -> list[Path]:
    """Segments of the log, open and closed, by name."""
    return sorted(folder.glob(f"*{CLOSED}"))


def closed_segments(folder: Path) -> list[Path]:
    """Segments that nobody writes to any more; those of dead processes are closed here."""
    for path in folder.glob(f"*{OPEN}"):
        handle = os.open(path, os.O_RDWR)
        try:
            if lock_file(handle):
                path.rename(path.with_name(path.name.removesuffix(OPEN) + CLOSED))
        finally:
            os.close(handle)
    return [path for path in segments(folder) if not path.name.endswith(OPEN)]


def segment_events(con: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> int:
    """Load segments into temporary tables `log_<table>`; of equal ids the first is kept.

    Returns
    -------
    int
        Lines that are torn (cut off by a crash) and were skipped.

    Raises
    ------
    FileNotFoundError
        A segment was compacted meanwhile.
    """
    types = {"type": "VARCHAR"} | {c: t for table in LOGGED.values() for c, t in EVENTS[table].items()}
    spec = "{" + ", ".join(f"{literal(c)}: {literal(t)}" for c, t in types.items()) + "}"
    source = "SELECT " + ", ".join(f"NULL::{t} AS {quoted(c)}" for c, t in types.items()) + " WHERE false"
    full = [path for path in paths if path.stat().st_size > 0]
    if full:
        names = ", ".join(map(literal, full))
        source = (
            f"SELECT * FROM read_json([{names}], format = 'newline_delimited', columns = {spec}, "
            "ignore_errors = true)"
        )
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE log_lines AS {source}")
    except duckdb.IOException as error:
        if all(path.exists() for path in full):
            raise
        raise FileNotFoundError(str(error)) from error
    for kind, table in LOGGED.items():
        columns = ", ".join("0 AS copy" if c == "copy" else f"{quoted(c)}" for c in EVENTS[table])
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE log_{table} AS SELECT {columns} FROM log_lines "
            f"WHERE type = '{kind}' AND seq IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY seq) = 1"
        )
    (torn,) = con.execute("SELECT count(*) FROM log_lines WHERE type IS NULL OR seq IS NULL").fetchall()[0]
    con.execute("DROP TABLE log_lines")
    return int(torn)
