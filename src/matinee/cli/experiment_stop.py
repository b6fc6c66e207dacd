"""Stop an experiment with what its last look said."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import note, print_json, say
from matinee.cli.context import find_home, in_home


def stop(
    name: str,
    *,
    by: str | None = None,
    reason: str = "",
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """End an experiment; within two seconds what is in production answers its units again.

    The verdict is that of the last look (`matinee experiment read`), and it stays: a release of the version
    asks for it. No new look is made. It cannot be started again.

    Example: matinee experiment stop art-2 --by kim --home shop

    Parameters
    ----------
    name
        A running experiment.
    by
        Who decides.
    reason
        Why; else what the last look said.
    dry_run
        Say with which verdict it would end, and change nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Record it at this time, instead of the home's clock; it must have come.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import moment_that_has_come
    from matinee.platform.lifecycle.experimenting import is_changed, stop_experiment
    from matinee.platform.lifecycle.project import open_registry

    where = find_home(home)
    ended_us = moment_that_has_come(
        where, at, why="units leave it now, and what they do until then is not its"
    )
    with open_registry(where) as registry:
        row = stop_experiment(registry, name, ended_us=ended_us, by=by, reason=reason, dry_run=dry_run)
    if is_changed(where, row):
        note(f"experiments/{name}.toml was changed after the start; what ran is what it said then.")
    if json:
        print_json({"stopped": not dry_run, "experiment": row})
        return 0
    verdict = f"ship {row.winner}" if row.winner else row.verdict
    done = "Would stop" if dry_run else "Stopped"
    say(f"{done}: {name}, verdict: {verdict} ({row.reason}).{' Nothing was changed.' if dry_run else ''}")
    shipped = {arm.name: arm.answers for arm in row.definition.arms}.get(row.winner or "")
    if shipped and not dry_run:
        say(f"Ship it: matinee release {row.initiative} --version {shipped}{in_home(home)}")
    return 0
