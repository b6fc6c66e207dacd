"""Where a command runs: the home, its settings, and when what it does counts as done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from matinee import settings
from matinee.observe.clock import wall_us
from matinee.observe.home import Home
from matinee.types import parse_at


def find_home(home: Path | None) -> Home:
    """Home named by `--home`, else by MATINEE_HOME, else the current folder."""
    return Home.find(home, os.environ.get("MATINEE_HOME"))


def sections(home: Home | None = None) -> dict[str, type[Any]]:
    """Every section of the settings with its dataclass: the platform's, then those of the initiatives."""
    from matinee.platform.loading import find

    own = {section: settings.config_of(section) for section in settings.SECTIONS}
    return own | {name: found.load().config for name, found in find(home).items()}


def own_values(home: Home | None = None) -> dict[str, Path]:
    """File of each initiative that keeps its defaults beside its code."""
    from matinee.platform.loading import find

    files = {name: found.load().values for name, found in find(home).items()}
    return {name: file for name, file in files.items() if file is not None}


def recorded_at(at: str | None) -> int:
    """When an act such as a release takes place: the wall clock, or `--at`."""
    return parse_at(at) if at else wall_us()
