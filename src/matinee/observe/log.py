"""The open end of the event log: NDJSON segments, one writer per process, synced in groups."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from matinee.errors import StorageError
from matinee.observe.clock import TellsNow
from matinee.observe.events.schema import Event, stored_lines
from matinee.observe.lake.connection import literal, one_file, quoted
from matinee.observe.lake.manifest import sync_folder
from matinee.observe.lake.tables import EVENTS, LOGGED
from matinee.observe.locks import lock_file
from matinee.observe.state.store import Position
from matinee.types import SECOND_US

OPEN, CLOSED = ".open.ndjson", ".ndjson"
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
ROTATE_BYTES = 64 * 1024 * 1024
BACK_US = SECOND_US
"""A clock that goes back by less than this stands still for the log; by more, a new segment is begun."""
LIST_TRIES = 5
OPEN_TRIES = 5


@dataclass(slots=True)
class _Segment:
    """A file that is written to, and how much of it is acknowledged."""

    handle: int
    path: Path
    end: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """One group that is on disk.

    Attributes
    ----------
    lines : list of bytes
        The events' lines, in their order.
    position : Position or None
        Where the group ends; None if it was empty.
    n_bytes : int
        Size of the group, records included.
    sync_s : float
        How long the disk took to confirm it.
    """

    lines: list[bytes]
    position: Position | None
    n_bytes: int
    sync_s: float


class LogWriter:
    """Appends groups of events to this process's segment; when `write` returns they survive a power cut.

    A segment is closed (renamed) by the write after the one that filled it, or by `rotate`. That of a process
    that died is told by its lock, which the system has freed.

    Parameters
    ----------
    folder : Path
        `Home.log`.
    clock : TellsNow
        Gives `seen_us`.
    rotate_bytes : int
        Size from which a new segment is begun.

    Notes
    -----
    `seq` is the time of arrival in microseconds, or one more than the last: it grows in a process whatever
    the clock does, and lies above the small numbers of imported events, so at equal times history comes
    first. `seen_us` never goes back within a segment. When the clock is set back, a new segment is begun and
    its events bear the new time: readers as of now see them at once. Events that came before are seen by
    readers as of a moment when the clock reaches their time again, and by other readers all along.

    A group that could not be synced is cut off again and its segment is closed: after a failed fsync nobody
    knows what the disk holds, so nothing more is written to it. If even that fails the segment stays open
    and locked, and each later write tries again to cut it. Lines of such a group may be read until then:
    nobody was told that they are stored, and when they are sent again they have the same ids.
    """

    def __init__(self, folder: Path, clock: TellsNow, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.folder = folder
        self.clock = clock
        self.rotate_bytes = rotate_bytes
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._segment: _Segment | None = None
        self._broken: list[_Segment] = []
        self._number = 0
        self._seq = 0
        self._seen_us = 0
        self._disk = threading.Lock()

    def append(self, events: Sequence[tuple[Event, int]]) -> None:
        """Write events with their `at_us` (checked by `schema.check`) and sync. May be called by any thread.

        Raises
        ------
        StorageError
            The disk is full; none of these events counts as written.
        """
        self.write(events)

    def write(self, events: Sequence[tuple[Event, int]], records: Sequence[bytes] = ()) -> Written:
        """Write one group and sync it.

        Parameters
        ----------
        events : sequence of (Event, at_us)
        records : sequence of bytes
            Lines that the service writes about itself, each one JSON object with `type`, `event_id` and
            `at_us` (see `lake.tables.LOGGED`); `seen_us` and `seq` are added.

        Raises
        ------
        StorageError
            The disk is full, or cannot be written to; none of the group counts as written.
        """
        if not events and not records:
            return Written([], None, 0, 0.0)
        with self._disk:
            try:
                self._mend()
                seen_us, seq = self._stamp(len(events) + len(records))
                segment = self._open()
                lines = stored_lines(events, seen_us, seq)
                seq += len(events)
                rest = [_stamped(line, seen_us, seq + i) for i, line in enumerate(records)]
                data = b"".join([*lines, *rest])
                sync_s = self._commit(segment, data)
            except OSError as error:
                raise _refused(self.folder, error) from error
            position = Position(segment_name(segment.path), segment.end)
            return Written(lines, position, len(data), sync_s)

    def rotate(self) -> None:
        """Close the segment, so that the next compaction takes it; the next write begins another."""
        with self._disk:
            self._close_segment()

    def close(self) -> None:
        """Close the segment for good."""
        self.rotate()
        with self._disk:
            self._mend()

    @property
    def open_bytes(self) -> int:
        """Size of the open segment; 0 without one."""
        segment = self._segment
        return 0 if segment is None else segment.end

    def _stamp(self, count: int) -> tuple[int, int]:
        """Time of arrival of a group, and the number of its first line."""
        seen_us = int(self.clock.now_us)
        if seen_us < self._seen_us:
            if self._seen_us - seen_us >= BACK_US:
                self._close_segment()
            else:
                seen_us = self._seen_us
        self._seen_us = seen_us
        first = max(self._seq + 1, seen_us)
        self._seq = first + count - 1
        return seen_us, first

    def _commit(self, segment: _Segment, data: bytes) -> float:
        """Write and sync; on failure nothing of it remains. Returns the seconds of the sync."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(segment.handle, rest) :]
            started = time.perf_counter()
            _sync(segment.handle)
        except OSError:
            self._segment = None
            self._broken.append(segment)
            self._mend()
            raise
        segment.end += len(data)
        return time.perf_counter() - started

    def _open(self) -> _Segment:
        """The open segment, or a new one; it is locked before anything is in it."""
        if self._segment is not None and self._segment.end >= self.rotate_bytes:
            self._close_segment()
        if self._segment is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for _ in range(OPEN_TRIES):
                self._number += 1
                path = self.folder / f"{self._name}-{self._number:04d}{OPEN}"
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
                try:
                    if _own(handle, path):
                        sync_folder(self.folder)
                        self._segment = _Segment(handle, path)
                        break
                except OSError:
                    os.close(handle)
                    raise
                os.close(handle)
            else:
                raise OSError(errno.EAGAIN, "other processes remove its new files")
        return self._segment

    def _mend(self) -> None:
        """Cut failed groups off their segments and close those; what cannot be cut stays locked."""
        left = []
        for segment in self._broken:
            try:
                os.ftruncate(segment.handle, segment.end)
                os.fsync(segment.handle)
            except OSError:
                left.append(segment)
            else:
                _finish(segment)
        self._broken = left

    def _close_segment(self) -> None:
        if self._segment is not None:
            segment, self._segment = self._segment, None
            _finish(segment)


def segment_name(path: Path) -> str:
    """Name of a segment, open or closed: that of the closed file.

    Examples
    --------
    >>> segment_name(Path("log/17-ab-0001.open.ndjson"))
    '17-ab-0001.ndjson'
    """
    return path.name.removesuffix(OPEN) + CLOSED if path.name.endswith(OPEN) else path.name


def segments(folder: Path) -> list[Path]:
    """Segments of the log, open and closed, by name.

    A file that is renamed while its folder is listed may be missed by one listing, so two must agree.
    """
    found = sorted(folder.glob(f"*{CLOSED}"))
    for _ in range(LIST_TRIES):
        before, found = found, sorted(folder.glob(f"*{CLOSED}"))
        if before == found:
            break
    return found


def closed_segments(folder: Path) -> list[Path]:
    """Segments that nobody writes to any more; those of dead processes are closed here."""
    for path in folder.glob(f"*{OPEN}"):
        with suppress(FileNotFoundError):  # its process was faster
            _close_if_dead(path)
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
        names = ", ".join(map(one_file, full))
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


def _close_if_dead(path: Path) -> None:
    """Close a segment whose lock is free; an empty one is removed.

    The lock is held meanwhile. A process that has made the file, and not locked it yet, sees that it has not
    got it and makes another one (`_own`): nothing is written to a segment that is not locked.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        if lock_file(handle):
            if os.fstat(handle).st_size:
                path.rename(path.with_name(segment_name(path)))
            else:
                with suppress(PermissionError):  # Windows: it is in use
                    path.unlink()
    finally:
        os.close(handle)


def _own(handle: int, path: Path) -> bool:
    """Lock a new segment; False if another process took it for that of a dead one meanwhile."""
    if not lock_file(handle):
        return False
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _stamped(record: bytes, seen_us: int, seq: int) -> bytes:
    """A record's line: the object with its time and number of arrival."""
    return b'%b,"seen_us":%d,"seq":%d}\n' % (record.rstrip()[:-1], seen_us, seq)


def _sync(handle: int) -> None:
    """Make what was written survive a power cut; times of the file are left out where the system can."""
    getattr(os, "fdatasync", os.fsync)(handle)


def _finish(segment: _Segment) -> None:
    """Give a segment its final name and free its lock. Without the name it is closed like a dead one's."""
    with suppress(OSError):
        segment.path.rename(segment.path.with_name(segment_name(segment.path)))
    os.close(segment.handle)


def _refused(folder: Path, error: OSError) -> StorageError:
    """What is wrong with the disk, and what to do."""
    reason = error.strerror or str(error)
    if error.errno in NOT_WRITABLE:
        todo = "Make the folder writable for this user."
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        todo = "Free space on the disk."
    else:
        todo = "Check the disk; writing is tried again with the next events."
    return StorageError(f"{folder}: events could not be written ({reason}). {todo}")
