"""Train: run the initiative's pipeline and keep its result as a version that can be released."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from matinee.observe.clock import wall_us
from matinee.observe.home_clock import moment_that_has_come
from matinee.observe.lake.manifest import read_manifest
from matinee.platform.lifecycle.model_folder import ModelCard, publish, read_card
from matinee.platform.lifecycle.project import Progress, Project
from matinee.platform.lifecycle.registering import LAKE_OWNER
from matinee.platform.lifecycle.running import fingerprint, run_pipeline
from matinee.platform.pipeline.record import RunRecord
from matinee.platform.registry.inputs import DatasetRow, SourceRow
from matinee.platform.registry.models import ModelRow
from matinee.types import format_at

READ = "home."
"""Begins the names of tables among what went into a step."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A new version, or one that was there before because nothing changed.

    Attributes
    ----------
    version : str
    folder : Path
    card : ModelCard
    run : RunRecord
    """

    version: str
    folder: Path
    card: ModelCard
    run: RunRecord


def check_at(project: Project, at: str | None) -> None:
    """Refuse to learn at a moment that has not come.

    Raises
    ------
    InputError
        It is later than the home's clock.
    """
    if project.data == "home" and at is not None:
        moment_that_has_come(project.home, at, why="the version would count as fresh until then")


def train(
    project: Project,
    *,
    seed: int | None = None,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Run the training pipeline and register its result. What is in production stays there.

    The same log, code, settings and seed give the same version. A training that was killed is taken up where
    it was: steps that were done come from the cache.

    Raises
    ------
    InputError
        The log cannot be learned from, as when it is empty.
    StorageError
        The model cannot be written, or another training is writing. Nothing is half-registered.
    """
    done = run_pipeline(project, project.initiative.pipeline, seed=seed, run_id=run_id, progress=progress)
    return keep(project, done.folder, done.record)


def keep(project: Project, result: Path, record: RunRecord) -> Trained:
    """Copy the result of a training run into the home's models and register it."""
    initiative = project.initiative
    at_us = project.at_us if record.at_us is None else record.at_us
    card = ModelCard(
        initiative=initiative.name,
        at=format_at(at_us),
        data=project.data,
        seed=record.seed or 0,
        code=fingerprint(project, initiative.pipeline),
        run_id=record.run_id,
    )
    folder = publish(project.home, card, result, at_us=at_us)
    card = read_card(folder)
    now_us, registry = wall_us(), project.registry
    data = dataset(project, record, at_us=at_us, now_us=now_us)
    with registry.transaction():
        for table in data.sources:
            registry.inputs.register_source(SourceRow(name=table, owner=LAKE_OWNER, registered_us=now_us))
        registry.inputs.register_dataset(data)
        registry.runs.use_dataset(record.run_id, data.id, since_us=now_us)
        registry.models.register(
            ModelRow(
                initiative=initiative.name,
                version=folder.name,
                run_id=record.run_id,
                folder=folder.relative_to(project.home.root).as_posix(),
                at_us=at_us,
                code=card.code,
                data=project.data,
                files=card.files,
                registered_us=now_us,
            ),
            datasets=[data.id],
        )
        registry.retraining.trained_again(initiative.name, folder.name)
    return Trained(folder.name, folder, card, record)


def dataset(project: Project, record: RunRecord, *, at_us: int, now_us: int) -> DatasetRow:
    """What a run read: its tables with the digest of their content as of the moment."""
    tables = {
        name.removeprefix(READ): digest
        for one in record.steps
        for name, digest in one.givens.items()
        if name.startswith(READ)
    }
    rows = sum(file.rows for file in read_manifest(project.lake.lake).files if file.table in tables)
    content = msgspec.json.encode([project.data, at_us, tables], order="deterministic")
    return DatasetRow(
        id=hashlib.sha256(content).hexdigest()[:16],
        files=dict(sorted(tables.items())),
        sources=sorted(tables),
        n_rows=rows,
        at_us=at_us,
        registered_us=now_us,
    )
