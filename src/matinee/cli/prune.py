"""Give back the disk of old events and decisions, and of results that no recent run or release needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.types import format_at

if TYPE_CHECKING:
    from matinee.platform.lifecycle.pruning import CutOff


def prune(
    *,
    runs: int = 10,
    yes: bool = False,
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Say what could be removed; with --yes, remove it.

    Events and decisions that are older than section [keep] of the settings says, with the rewards and
    outcomes of those decisions; and stored results of pipelines, which are computed again when a run needs
    them. Facts about titles and members, models, releases and the registry stay.

    Example: matinee prune --home shop --dry-run

    Example: matinee prune --home shop --runs 5 --yes

    Parameters
    ----------
    runs
        Keep the results of so many last runs of each pipeline.
    yes
        Remove; without it nothing is changed.
    dry_run
        Change nothing, whatever else is asked: what happens without --yes.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Read "now" as this time: days are counted back from it.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.pruning import prune_home, prune_lake

    if runs < 1:
        raise InputError(f"matinee prune: --runs is {runs}, expected 1 or more.")
    where, remove = find_home(home), yes and not dry_run
    lake = prune_lake(where, at=at, dry_run=not remove, asked=True)
    done = prune_home(where, runs=runs, dry_run=not remove)
    if json:
        print_json({"removed": remove, "result": done, "lake": lake})
        return 0
    _print_lake(lake, remove)
    size = f"{done.freed_bytes / 1e6:,.1f} MB"
    if remove:
        say(f"Removed {len(done.removed)} results, {size}. {done.kept} are kept.")
    else:
        say(f"Would remove {len(done.removed)} results, {size}, and keep {done.kept}. Remove them: --yes")
    return 0


def _print_lake(lake: CutOff, removed: bool) -> None:
    if not lake.before:
        say("Events and decisions are kept for ever: [keep] events_days and decisions_days are 0.")
        return
    rows = [
        (table, f"{cut.rows:,}", cut.files, cut.rewritten, f"{cut.bytes / 1e6:,.1f}")
        for table, cut in lake.cuts.items()
    ]
    if rows:
        print_table(
            rows, ["table", "rows", "whole files", "files cut", "MB"], title="removed" if removed else None
        )
    for name, at_us in sorted({(_kind(table), at_us) for table, at_us in lake.before.items()}):
        say(f"{name} before {format_at(at_us)} {'are gone' if removed else 'would go'}.")
    if lake.reaches_us is not None:
        say(
            f"The oldest event that stays is of {format_at(lake.reaches_us)}: a rebuilt state reaches as far."
        )


def _kind(table: str) -> str:
    return "Decisions, with their rewards and outcomes," if table == "decisions" else "Events"
