"""Finds the monitors: every file of the folder `monitors` that holds a `MONITOR`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from matinee.platform.watch.monitor import Monitor


@cache
def monitors() -> tuple[Monitor, ...]:
    """All monitors, in alphabetical order of their names."""
    folder = Path(__file__).parent / "monitors"
    package = f"{__name__.rpartition('.')[0]}.monitors"
    found: list[Monitor] = [
        importlib.import_module(f"{package}.{module.name}").MONITOR
        for module in pkgutil.iter_modules([str(folder)])
    ]
    return tuple(sorted(found, key=lambda one: one.name))
