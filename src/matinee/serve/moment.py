"""What time it is for a server: the home's clock, going on over restarts and the same in every process.

With `[clock] now = "last_event"` time begins at the newest event when the first server starts, and advances
with the wall clock from then on. That beginning is kept in the file `serve/clock.json` of `Home.work`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from matinee import settings
from matinee.errors import InputError, StorageError
from matinee.observe.clock import Clock, wall_us
from matinee.observe.home import Home
from matinee.observe.home_clock import ClockConfig
from matinee.observe.lake.manifest import sync_file
from matinee.observe.lake.reader import last_event_us
from matinee.observe.locks import lock_file
from matinee.types import format_at

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
        with _alone(path):
            return Moment(_begin(home, path, wall_us() if wall is None else wall), path)

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


def move_clock(home: Home, to_us: int, *, wall: int | None = None) -> None:
    r"""Move the clock of a home forward, so that the servers that run go on from another moment.

    For homes whose time is not real: the days of a simulated service pass as fast as they are computed.
    Servers follow within about a second. What is timed by the clock, such as the windows of titles and the
    time after which a page is made anew, is then as it would be at that moment.

    Parameters
    ----------
    to_us : int
        What the clock says from now on, advancing with the wall clock as before.
    wall : int, optional
        What the wall clock says, in microseconds; for tests.

    Raises
    ------
    InputError
        The home's time is the wall clock, or the moment has passed already.
    StorageError
        It cannot be kept, or what is kept is damaged.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     home = Home.create(Path(folder))
    ...     _ = home.settings.write_text('[clock]\nnow = "last_event"')
    ...     move_clock(home, 4102444800000000, wall=0)  # before, it said 1 January 1970
    ...     Moment.open(home, wall=5).clock.anchor_us
    4102444800000000
    """
    if settings.load(home.settings, "clock", ClockConfig).now == "wall":
        raise InputError(
            f'{home.settings}: [clock] now is "wall", expected "last_event": real time is not moved. Set it, '
            "or make the home with matinee init DIR --now last_event."
        )
    path = home.work / FOLDER / FILE
    with _alone(path):
        started_us = wall_us() if wall is None else wall
        clock = _begin(home, path, started_us)
        now_us = clock.anchor_us + max(0, started_us - (clock.started_us or 0))
        if to_us < now_us:
            raise InputError(
                f"{path}: the clock says {format_at(now_us)}, and {format_at(to_us)} was asked for, expected "
                "a later moment: decisions and events have been dated by it. To begin at the newest event "
                "again, stop the servers, delete the file and start them."
            )
        _keep(path, Beginning(to_us, started_us))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process looks at the file or changes it meanwhile.

    Raises
    ------
    StorageError
        The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("a") as lock:
            while not lock_file(lock.fileno()):
                time.sleep(PAUSE_S)
            yield
    except StorageError:
        raise
    except OSError as problem:
        raise StorageError(
            f"{path}: the beginning of the clock could not be kept ({problem.strerror or problem}). "
            'Make the folder writable, or set [clock] now = "wall".'
        ) from problem


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
