"""Prune: give back the disk of old events and decisions, and of results that nothing recent needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from matinee import settings
from matinee.errors import ConfigError
from matinee.observe.home import Home
from matinee.observe.home_clock import ClockConfig, home_clock
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.cutting import EVENT_TABLES, Cut, cut, plan_cut
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.reader import last_event_us, open_events
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.keep_config import KeepConfig
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.loading import find
from matinee.platform.pipeline.prune import Pruned, prune, recent_artefacts
from matinee.platform.pipeline.workspace import Workspace
from matinee.types import DAY_US, format_at


@dataclass(frozen=True, slots=True)
class CutOff:
    """What is too old, by the home's clock.

    Attributes
    ----------
    before : dict of table to int
        Rows before this moment, a midnight in UTC, go; empty where everything is kept.
    cuts : dict of table to Cut
        What went, or would go.
    reaches_us : int or None
        Time of the oldest event that is kept: how far back a rebuilt state reaches. None without events.
    """

    before: dict[str, int]
    cuts: dict[str, Cut]
    reaches_us: int | None


def prune_lake(home: Home, *, at: str | None = None, dry_run: bool = True) -> CutOff:
    """Remove events and decisions that are older than section [keep] says. Facts always stay.

    Servers may run meanwhile. A training that reads files which are replaced under it fails and is run again.

    Parameters
    ----------
    at : str, optional
        Now, instead of the home's clock.
    dry_run : bool
        Only count.

    Raises
    ------
    ConfigError
        Less would be kept than the reward window of an initiative, or no event at all: a decision must not
        lose the events from which its reward follows, nor `[clock] now = "last_event"` its last event.
    StorageError
        The disk is full, or another process is writing. The lake is as it was.
    """
    keep = settings.load(home.settings, "keep", KeepConfig)
    now_us = home_clock(home, at).now_us
    before: dict[str, int] = {}
    for days, tables in ((keep.events_days, EVENT_TABLES), (keep.decisions_days, ("decisions",))):
        if days:
            before |= dict.fromkeys(tables, (now_us // DAY_US - days) * DAY_US)
    _check_windows(home, keep)
    _check_clock(home, before)
    cuts = (plan_cut if dry_run else cut)(home, before) if before else {}
    return CutOff(before, cuts, _reaches_us(home, before))


def _check_windows(home: Home, keep: KeepConfig) -> None:
    """See that every reward window lies inside of what is kept."""
    for initiative in _initiatives(home):
        window_h = initiative.reward.window_h
        least = math.ceil(window_h / 24) + 1  # whole days, and the one that has begun
        for name in ("events_days", "decisions_days"):
            days = getattr(keep, name)
            if 0 < days < least:
                raise ConfigError(
                    f"[keep] {name} is {days}, expected {least} or more: {initiative.name} waits "
                    f"{window_h / 24:g} days for its reward ({initiative.reward.name}). Set it in "
                    f"{home.settings}. Nothing was removed."
                )


def _initiatives(home: Home) -> list[Initiative]:
    """Those in use: with a model, or a decision. One that does not import cannot be asked: an error."""
    with open_registry(home) as registry:
        used = {row.initiative for row in registry.models.versions()}
    with spilling() as con:
        open_events(con, home, "decisions")
        used |= {row[0] for row in con.execute("SELECT DISTINCT initiative FROM decisions").fetchall()}
    return [found.load() for name, found in find(home).items() if name in used]


def _check_clock(home: Home, before: dict[str, int]) -> None:
    """See that the newest event stays."""
    events_us = before.get(EVENT_TABLES[0])
    newest = last_event_us(home)
    if events_us is not None and newest is not None and newest < events_us:
        mode = settings.load(home.settings, "clock", ClockConfig).now
        gone = f'with [clock] now = "{mode}" all before {format_at(events_us)} would go'
        raise ConfigError(
            f"[keep] events_days would remove every event: the newest is of {format_at(newest)}, and "
            f'{gone}. Set [clock] now = "last_event" for data that ended, or more days. Nothing was removed.'
        )


def _reaches_us(home: Home, before: dict[str, int]) -> int | None:
    files = [file for file in read_manifest(home.lake).files if file.table in EVENT_TABLES]
    times = [max(file.min_at_us, before.get(file.table, file.min_at_us)) for file in files]
    return min(times) if times else None


def prune_home(home: Home, *, runs: int = 10, dry_run: bool = True) -> Pruned:
    """Remove stored results of steps; models, releases and the registry stay as they are.

    Kept are the results of the last `runs` runs of each pipeline, and every evaluation that belongs to the
    code of a model that is, or was, in production: gates compare with it.

    Raises
    ------
    StorageError
        A run is going on, or a folder cannot be removed.
    """
    space = Workspace(home.work)
    with open_registry(home) as registry:
        keep = recent_artefacts(space, runs)
        for initiative in registry.initiatives.all():
            released = {row.version for row in registry.releases.history(initiative.name)}
            codes = {m.code for m in registry.models.versions(initiative.name) if m.version in released}
            for code in codes:
                for row in registry.models.evaluations(initiative.name, code=code):
                    keep.add(_artefact(row.folder))
    return prune(space, keep, dry_run=dry_run)


def _artefact(folder: str) -> str:
    """Name of the artefact whose files stand in a folder `work/artefacts/<name>/files`."""
    return Path(folder).parent.name
