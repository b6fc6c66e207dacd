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

QUIET_DAYS = 7
"""Nothing has arrived for so many days: then the clock may be wrong, and nobody is there to say it is not."""
MOST_SHARE = 0.5
"""Of the rows of a table that go without being asked for: a clock that jumped ahead would take them all."""


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


def prune_lake(home: Home, *, at: str | None = None, dry_run: bool = True, asked: bool = False) -> CutOff:
    """Remove events and decisions that are older than section [keep] says. Facts always stay.

    Servers may run meanwhile. A training that reads files which are replaced under it fails and is run again.

    Parameters
    ----------
    at : str, optional
        Now, instead of the home's clock.
    dry_run : bool
        Only count.
    asked : bool
        Somebody wants it now and could look at what would go. Else, as when a server does it every day,
        little may go at a time: the clock of the machine may be wrong.

    Raises
    ------
    ConfigError
        Less would be kept than the reward window of an initiative, or no event at all: a decision must not
        lose the events from which its reward follows, nor `[clock] now = "last_event"` its last event. Or
        nobody asked, and the clock does not look right (see QUIET_DAYS and MOST_SHARE).
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
    if before and not dry_run and not asked:
        _check_calm(home, before, now_us)
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


def _check_calm(home: Home, before: dict[str, int], now_us: int) -> None:
    """See that this is one day of many, and not the day on which a clock jumped ahead."""
    files = [file for file in read_manifest(home.lake).files if file.table in before]
    newest_us = max((file.max_seen_us for file in files), default=now_us)
    if now_us - newest_us > QUIET_DAYS * DAY_US:
        raise ConfigError(
            f"[keep]: it is {format_at(now_us)} by the clock, and the newest event arrived "
            f"{format_at(newest_us)}, expected at most {QUIET_DAYS} days between them. Look at the machine's "
            "clock; if it is right, run: matinee prune --yes. Nothing was removed."
        )
    for table, planned in plan_cut(home, before).items():
        rows = sum(file.rows for file in files if file.table == table)
        if rows and planned.rows > MOST_SHARE * rows:
            raise ConfigError(
                f"[keep] would remove {planned.rows:,} of {rows:,} rows of {table} at {format_at(now_us)}, "
                f"expected at most {MOST_SHARE:.0%} in a day. Look at the machine's clock; if it is right, "
                "run: matinee prune --yes. Nothing was removed."
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
