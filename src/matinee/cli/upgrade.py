"""Bring a home to the format of this Matinee, with a backup and a way back."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import note, print_json, say
from matinee.cli.context import find_home
from matinee.observe.clock import wall_us


def upgrade(
    *,
    dry_run: bool = False,
    back: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Bring a home to the newest format. What changes is set aside first, in HOME/backups.

    Stop the servers of the home before. If it is interrupted, run it again.

    Example: matinee upgrade --home shop --dry-run

    Example: matinee upgrade --home shop

    Example: matinee upgrade --back --home shop

    Parameters
    ----------
    dry_run
        Only say what would be done.
    back
        Undo the last upgrade: put back the files that it changed. What was registered since then (models,
        releases, alerts) is lost; events, the lake and models' files are untouched.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.upgrading import go_back
    from matinee.platform.lifecycle.upgrading import upgrade as run

    where = find_home(home)
    done = go_back(where, dry_run=dry_run) if back else run(where, now_us=wall_us(), dry_run=dry_run)
    if json:
        print_json(done)
        return 0
    if done.before == done.after:
        say(f"{where.root} has format {done.before}, the newest; nothing was changed.")
        return 0
    would = "Would go" if dry_run else "Went"
    say(f"{would} from format {done.before} to {done.after}: {'; '.join(done.steps)}.")
    if done.backup:
        say(f"Backup: {where.root / done.backup}")
    if done.note:
        note(done.note)
    if not dry_run and not back:
        say(f"Way back: matinee upgrade --back --home {where.root}")
    return 0
