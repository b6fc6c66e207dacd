"""Raise the share of units that are in a running experiment."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, say
from matinee.cli.context import find_home


def ramp(
    name: str,
    share: float,
    *,
    by: str | None = None,
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Raise the share of the layer's units. Nobody who is in it changes arm; a share is never lowered.

    Example: matinee experiment ramp art-2 0.5 --by kim --home shop

    Parameters
    ----------
    name
        A running experiment.
    share
        Above the one it has, at most 1.
    by
        Who decides.
    dry_run
        Look whether the layer has room, and change nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Record it at this time, instead of the home's clock; it must have come.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import moment_that_has_come
    from matinee.platform.lifecycle.experimenting import ramp_experiment
    from matinee.platform.lifecycle.project import open_registry

    where = find_home(home)
    at_us = moment_that_has_come(where, at, why="units are assigned by the larger share from now on")
    with open_registry(where) as registry:
        row = ramp_experiment(where, registry, name, share, at_us=at_us, by=by, dry_run=dry_run)
    if json:
        print_json({"ramped": not dry_run, "experiment": row})
    elif dry_run:
        say(f"There is room: {row.told()}. Nothing was changed (--dry-run).")
    else:
        say(f"Ramped: {row.told()}.")
    return 0
