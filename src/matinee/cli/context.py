"""Where a command runs: the home, its settings, and when what it does counts as done."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matinee import settings
from matinee.errors import ConfigError
from matinee.observe.clock import wall_us
from matinee.observe.home import Home
from matinee.types import parse_at

if TYPE_CHECKING:
    from matinee.platform.initiative import Initiative


def find_home(home: Path | None) -> Home:
    """Home named by `--home`, else by MATINEE_HOME, else the current folder."""
    return Home.find(home, os.environ.get("MATINEE_HOME"))


def in_home(home: Path | None) -> str:
    """How a command that is proposed names the same home: as this one did."""
    return "" if home is None else f" --home {shlex.quote(str(home))}"


def sections(home: Home | None = None) -> dict[str, type[Any]]:
    """Every section of the settings with its dataclass: the platform's, then those of the initiatives.

    An initiative that does not import has no section: `matinee status` names it.
    """
    own = {section: settings.config_of(section) for section in settings.SECTIONS}
    return own | {one.name: one.config for one in _initiatives(home)}


def own_values(home: Home | None = None) -> dict[str, Path]:
    """File of each initiative that keeps its defaults beside its code."""
    return {one.name: one.values for one in _initiatives(home) if one.values is not None}


def _initiatives(home: Home | None) -> list[Initiative]:
    from matinee.platform.loading import find

    out = []
    for found in find(home).values():
        with suppress(ConfigError):
            out.append(found.load())
    return out


def recorded_at(at: str | None) -> int:
    """When an act such as a release takes place: the wall clock, or `--at`."""
    return parse_at(at) if at else wall_us()
