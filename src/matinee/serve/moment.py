"""What time it is for a server: the home's clock, going on over restarts and the same in every process.

With `[clock] now = "last_event"` time begins at the newest event when the first server starts, and advances
with the wall clock from then on. That beginning is kept in the file `serve/clock.json` of `Home.work`.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from matinee import settings
from matinee.errors import StorageError
from matinee.observe.clock import Clock, wall_us
from matinee.observe.home import Home
from matinee.observe.home_clock import ClockConfig
from matinee.observe.lake.manifest import sync_file
from matinee.observe.lake.reader import last_event_us
from matinee.observe.locks import lock_file

FOLDER = "serve"
FILE = "clock.json"
PAUSE_S = 0.02


class Beginning(msgspec.Struct, frozen=True):
    """What `clock.json` says: the clock stood at `anchor_us` when the wall clock was at `started_us`."""

    anchor_us: int
    started_us: int


class Moment:
    """The clock of a server.

    Attributes
    ----------
    clock : Clock
        As of the last `follow`.

    Examples
    --------
    >>> Moment(Clock.fixed("1998-04-23T00:00:00Z")).now_us
    893289600000000
    """

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self.clock = clock
        self._path = path
        self._read = _stamp(path)

    @staticmethod
    def open(home: Home, *, wall: int | None = None) -> Moment:
        """The clock of a home; the first server of a home with a "last_event" clock starts it.

        An import whose events are further ahead than any event that a client may send moves the clock
        forward to its last event. Nothing moves it backwards.

        Parameters
        ----------
        wall : int, optional
            What the wall clock says, in microseconds; for tests.

        Raises
        ------
        StorageError
            The beginning cannot be kept, or what is kept is damaged.
        """
        if settings.load(home.settings, "clock", ClockConfig).now == "wall":
            return Moment(Clock.wall())
        path = home.work / FOLDER / FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.with_suffix(".lock").open("a") as lock:
                while not lock_file(lock.fileno()):
                    time.sleep(PAUSE_S)
                return Moment(_begin(home, path, wall_us() if wall is None else wall), path)
        except StorageError:
            raise
        except OSError as problem:
            raise StorageError(
                f"{path}: the beginning of the clock could not be kept ({problem.strerror or problem}). "
                'Make the folder writable, or set [clock] now = "wall".'
            ) from problem

    @property
    def now_us(self) -> int:
        """Now, microseconds since the epoch."""
        return self.clock.now_us

    @property
    def latest_us(self) -> int:
        """Latest time that an event may have; later ones are in the future."""
        return self.clock.latest_us

    def follow(self) -> None:
        """Take over what a process that started later found; what cannot be read is left for next time."""
        stamp = _stamp(self._path)
        if self._path is None or stamp == self._read:
            return
        try:
            found = _kept(self._path)
        except StorageError:
            return
        self._read = stamp
        if found is not None:
            self.clock = Clock.last_event(found.anchor_us, started_us=found.started_us)


def _begin(home: Home, path: Path, wall: int) -> Clock:
    kept, newest = _kept(path), last_event_us(home)
    if kept is None:
        kept = Beginning(wall if newest is None else newest, wall)
        _keep(path, kept)
    elif newest is not None:
        clock = Clock.last_event(kept.anchor_us, started_us=kept.started_us)
        if newest > clock.latest_us:
            kept = Beginning(newest, wall)
            _keep(path, kept)
    return Clock.last_event(kept.anchor_us, started_us=kept.started_us)


def _kept(path: Path) -> Beginning | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beginning)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as problem:
        raise StorageError(
            f"{path}: the beginning of the clock cannot be read ({problem}). Delete the file: the clock then "
            "begins at the newest event again."
        ) from problem


def _keep(path: Path, beginning: Beginning) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(beginning))
    sync_file(fresh)
    fresh.replace(path)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
