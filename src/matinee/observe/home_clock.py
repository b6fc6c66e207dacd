"""What time it is in a home: `--at`, else the setting [clock] now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from matinee import settings
from matinee.errors import InputError
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us
from matinee.types import format_at


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """Section [clock]: what "now" means.

    Attributes
    ----------
    now : "wall" or "last_event"
        "wall" is real time. "last_event" is the time of the newest event in the log: for data that ended in
        the past, as in the demo. `--at TIME` on a command goes before both.
    """

    now: Literal["wall", "last_event"] = "wall"


def home_clock(home: Home, at: str | None = None, *, empty_us: int | None = None) -> Clock:
    """Clock of a home.

    Parameters
    ----------
    at : str, optional
        A fixed moment instead.
    empty_us : int, optional
        Last event of a home without one. Default: "last_event" is then the wall clock.

    Raises
    ------
    InputError
        `at` is not a time.
    """
    config = settings.load(home.settings, "clock", ClockConfig)
    newest = last_event_us(home)
    return Clock.choose(config.now, at=at, last_at_us=empty_us if newest is None else newest)


def moment_that_has_come(home: Home, at: str | None, *, why: str) -> int:
    """When something is recorded that counts from now on: `at`, else the home's clock.

    A home by its last event may be a day ahead of it: the day on which that event fell is not over.

    Parameters
    ----------
    why : str
        What a moment that has not come would lead to.

    Raises
    ------
    InputError
        `at` is not a time, or has not come.
    """
    at_us, clock = home_clock(home, at).now_us, home_clock(home)
    latest_us, most = (
        (clock.now_us, "not later") if clock.mode == "wall" else (clock.latest_us, "at most a day more")
    )
    if at_us > latest_us:
        raise InputError(
            f"--at is {format_at(at_us)} and the home's clock shows {format_at(clock.now_us)}, expected "
            f"{most}: {why}. Leave --at away."
        )
    return at_us
