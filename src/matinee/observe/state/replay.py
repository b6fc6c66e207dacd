"""Take in what stands in the log and not yet in the state: after a crash, after an outage of the store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from matinee.errors import StorageError
from matinee.observe.erasure.erased import Erased
from matinee.observe.home import Home
from matinee.observe.lake.tables import TABLE_OF
from matinee.observe.locks import lock_file
from matinee.observe.log import closed_segments, segment_name, segments
from matinee.observe.state.store import Arrival, Position, StateStore

LOCK_FILE = "serve/replay.lock"
"""In `Home.work`."""
CHUNK_BYTES = 512 * 1024
"""Read and taken in at a time: some 2,000 events."""
WAIT_S = 60.0
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did.

    Attributes
    ----------
    events : int
        Events that the state did not know.
    segments : int
        Segments that had something behind the store's position.
    torn : int
        Lines cut off by a crash, which were skipped; nobody was told that they are stored.
    """

    events: int = 0
    segments: int = 0
    torn: int = 0


class _Line(msgspec.Struct, gc=False):
    """What is needed of a line; one without a number of arrival is torn, as it is for readers of the log."""

    type: str
    event_id: str
    seq: int
    member_id: str = ""


_LINE = msgspec.json.Decoder(_Line)


def replay(home: Home, store: StateStore, now_us: int, *, wait_s: float = WAIT_S) -> Replayed:
    """Take the events of segments that lie behind the store's positions into the state.

    Segments that a live process writes to are left to it. Lines go in in the order of their file; taking in
    an event again does no harm. Positions of segments that are gone are forgotten. One process replays at a
    time; one that had to wait finds most of it done.

    Raises
    ------
    StorageError
        The store or the log cannot be reached, or another process replays for longer than `wait_s`. What was
        taken in stays, with its position.
    """
    with _locked(home, wait_s):
        positions = store.positions()
        closed = closed_segments(home.log)
        there = {segment_name(path) for path in segments(home.log)}
        if gone := positions.keys() - there:
            store.forget_segments(sorted(gone))
        erased = Erased.of(home)
        done = Replayed()
        for path in closed:
            start = positions.get(segment_name(path), 0)
            one = _take_in(path, start, store, now_us, erased)
            done = Replayed(done.events + one.events, done.segments + one.segments, done.torn + one.torn)
        return done


def _take_in(path: Path, start: int, store: StateStore, now_us: int, erased: Erased) -> Replayed:
    """Take in one segment from a place on, without members who were erased."""
    events = torn = 0
    end = start
    try:
        for lines, end in _chunks(path, start):
            arrivals: list[Arrival] = []
            for line in lines:
                try:
                    read = _LINE.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    torn += bool(line.strip())
                    continue
                if read.type in TABLE_OF and not erased.refuses(read.member_id):
                    arrivals.append(Arrival(read.event_id, read.member_id, line + b"\n"))
            events += sum(store.take(arrivals, Position(segment_name(path), end), now_us))
            store.tend()
    except FileNotFoundError:  # compacted meanwhile, by somebody who took it in before
        return Replayed(events, 0, torn)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be read ({error.strerror}). Make it readable; its events are not in the state."
        ) from error
    return Replayed(events, int(end > start), torn)


def _chunks(path: Path, start: int) -> Iterator[tuple[list[bytes], int]]:
    """Lines of a file without their ends, some at a time, and where the last one ends. A torn end counts."""
    with path.open("rb") as file:
        file.seek(start)
        rest, end = b"", start
        while data := file.read(CHUNK_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                end = file.tell() - len(rest)
                yield lines, end
        if rest:
            yield [rest], file.tell()


@contextmanager
def _locked(home: Home, wait_s: float) -> Iterator[None]:
    """One process at a time; the system frees the lock when a process dies."""
    path = home.work / LOCK_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(
            f"{path}: the lock of a replay cannot be made ({error.strerror}). Make its folder writable."
        ) from error
    try:
        until = time.monotonic() + wait_s
        while not lock_file(handle):
            if time.monotonic() > until:
                raise StorageError(
                    f"{path}: another process has been replaying the log for {wait_s:g} s. Try again later."
                )
            time.sleep(PAUSE_S)
        yield
    finally:
        os.close(handle)
