"""Remove stored results that nobody refers to any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from matinee.errors import StorageError
from matinee.platform.pipeline.artefacts import CARD
from matinee.platform.pipeline.scratch import in_use
from matinee.platform.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was, or would be, removed.

    Attributes
    ----------
    removed : list of str
        Names of artefacts.
    kept : int
        Number of artefacts that stay.
    freed_bytes : int
    """

    removed: list[str]
    kept: int
    freed_bytes: int


def prune(workspace: Workspace, keep: Iterable[str], *, dry_run: bool = True) -> Pruned:
    """Remove all artefacts but those named, and what the cache remembers of them.

    A removed result is computed again when a run needs it.

    Parameters
    ----------
    keep : iterable of str
        Artefacts to keep: those of releases, and `recent_artefacts` of the last runs.
    dry_run : bool
        Only say what would be removed.

    Raises
    ------
    StorageError
        A run is going on, which may be about to use what looks unused; or a folder cannot be removed.
    """
    kept = {*keep}
    store = workspace.store
    names = {*store.names()}
    removed = sorted((names - kept) | {*store.remains()})
    sizes = [
        path.stat().st_size for name in removed for path in (store.root / name).rglob("*") if path.is_file()
    ]
    done = Pruned(removed, len(names & kept), sum(sizes))
    if dry_run:
        return done
    if in_use(workspace.scratch):
        raise StorageError(
            f"{workspace.root}: a run is going on here, expected none while results are removed. Try again "
            "when it is done; nothing was removed."
        )
    try:
        for path, entry in workspace.cache.entries():
            if entry.artefact not in kept:
                path.unlink(missing_ok=True)
        for name in removed:
            (store.root / name / CARD).unlink(missing_ok=True)  # from here on it is not there for readers
            shutil.rmtree(store.root / name)
    except OSError as problem:
        raise StorageError(
            f"{store.root}: could not be removed ({problem.strerror or problem}). Make the folder writable "
            "and prune again."
        ) from problem
    return done


def recent_artefacts(workspace: Workspace, runs: int = 10) -> set[str]:
    """Artefacts of the last runs of each pipeline, and of every run that has not ended."""
    found: set[str] = set()
    by_pipeline: dict[str, int] = {}
    for run in reversed([*workspace.runs.all()]):
        by_pipeline[run.pipeline] = by_pipeline.get(run.pipeline, 0) + 1
        if by_pipeline[run.pipeline] <= runs or run.state == "running":
            found |= {one.artefact for one in run.steps if one.artefact}
    return found
