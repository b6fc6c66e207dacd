"""Prune: give back the disk of results that no recent run, evaluation or release needs."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.home import Home
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.pipeline.prune import Pruned, prune, recent_artefacts
from matinee.platform.pipeline.workspace import Workspace


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
