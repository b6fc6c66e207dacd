"""What time it is: the only file that reads the wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from matinee.errors import InputError
from matinee.types import DAY_US, AtUs, format_at, parse_at

FUTURE_SLACK_US = DAY_US
"""An event later than now plus this is in the future and is refused."""


def wall_us() -> AtUs:
    """Wall time, microseconds since the epoch, UTC."""
    return AtUs(time.time_ns() // 1_000)


class TellsNow(Protocol):
    """Whatever tells the time of a home."""

    @property
    def now_us(self) -> int:
        """Now, microseconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells now: the wall clock, the time of the last event, or one fixed moment.

    A demo whose data ends in 1998 uses `last_event`, so that trending, new and leaving-soon rows are alive.

    Attributes
    ----------
    mode : {"wall", "last_event", "fixed"}
    anchor_us : int
        Time of the last event, or the fixed moment. Not used by "wall".
    started_us : int or None
        Wall time from which a "last_event" clock advances (a server's first start). None: it stands still.

    Examples
    --------
    >>> Clock.fixed("1998-04-23T00:00:00Z").now_us
    893289600000000
    """

    mode: str = "wall"
    anchor_us: int = 0
    started_us: int | None = None

    @staticmethod
    def wall() -> Clock:
        """Real time."""
        return Clock()

    @staticmethod
    def fixed(at: str | int | float) -> Clock:
        """Stand still at one moment (`--at`): ISO-8601 or seconds since the epoch.

        Raises
        ------
        InputError
            The text is not a time.
        """
        return Clock("fixed", parse_at(at))

    @staticmethod
    def last_event(last_at_us: int, *, started_us: int | None = None) -> Clock:
        """Now is when the last event happened, plus the wall time since `started_us`."""
        return Clock("last_event", last_at_us, started_us)

    @staticmethod
    def choose(mode: str, *, at: str | None = None, last_at_us: int | None = None) -> Clock:
        """Clock of a command: `--at` wins, then the setting `[clock] now`.

        A home without events has no last event: then "last_event" is the wall clock.

        Raises
        ------
        InputError
            `mode` is unknown, or `at` is not a time.
        """
        if at is not None:
            return Clock.fixed(at)
        if mode == "wall" or (mode == "last_event" and last_at_us is None):
            return Clock.wall()
        if mode == "last_event":
            return Clock.last_event(int(last_at_us or 0))
        raise InputError(f'[clock] now is "{mode}", expected wall or last_event. Set it in matinee.toml.')

    @property
    def now_us(self) -> AtUs:
        """Now, microseconds since the epoch."""
        if self.mode == "wall":
            return wall_us()
        if self.mode == "last_event" and self.started_us is not None:
            return AtUs(self.anchor_us + max(0, wall_us() - self.started_us))
        return AtUs(self.anchor_us)

    @property
    def latest_us(self) -> AtUs:
        """Latest time that an event may have; later ones are in the future."""
        return AtUs(self.now_us + FUTURE_SLACK_US)

    def __str__(self) -> str:
        return f"{format_at(self.now_us)} ({self.mode})"
