"""Where a command runs (the home) and what time it is there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matinee import settings
from matinee.observe.clock import Clock
from matinee.observe.home import Home


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


def find_home(home: Path | None) -> Home:
    """Home named by `--home`, else by MATINEE_HOME, else the current folder."""
    return Home.find(home, os.environ.get("MATINEE_HOME"))


def clock(home: Home, at: str | None, last_at_us: int | None) -> Clock:
    """Clock of a command: `--at`, else `[clock] now` of the home."""
    config = settings.load(home.settings, "clock", ClockConfig)
    return Clock.choose(config.now, at=at, last_at_us=last_at_us)
