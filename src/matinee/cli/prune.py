"""Give back the disk of results that no recent run or release needs."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, say
from matinee.cli.context import find_home
from matinee.errors import InputError


def prune(
    *,
    runs: int = 10,
    yes: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Say which stored results of pipelines could be removed; with --yes, remove them.

    Models, releases and the registry stay. A removed result is computed again when a run needs it.

    Example: matinee prune --home shop --runs 5 --yes

    Parameters
    ----------
    runs
        Keep the results of so many last runs of each pipeline.
    yes
        Remove; without it nothing is changed.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.pruning import prune_home

    if runs < 1:
        raise InputError(f"matinee prune: --runs is {runs}, expected 1 or more.")
    done = prune_home(find_home(home), runs=runs, dry_run=not yes)
    if json:
        print_json({"removed": yes, "result": done})
        return 0
    size = f"{done.freed_bytes / 1e6:,.1f} MB"
    if yes:
        say(f"Removed {len(done.removed)} results, {size}. {done.kept} are kept.")
    else:
        say(f"Would remove {len(done.removed)} results, {size}, and keep {done.kept}. Remove them: --yes")
    return 0
