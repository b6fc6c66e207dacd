"""Evaluate: judge the initiative's pipeline by what happened after a moment that its models have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matinee.observe.clock import wall_us
from matinee.platform.evaluation import Evaluated
from matinee.platform.lifecycle.project import Progress, Project
from matinee.platform.lifecycle.running import DEFAULT_CUT, fingerprint, run_pipeline
from matinee.platform.pipeline.record import RunRecord
from matinee.platform.registry.models import EvaluationRow

JUDGED_BY = "judged_by"
"""Key of the fingerprint of the evaluation pipeline and its settings, in the registered evaluation."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An evaluation and the run that made it."""

    evaluated: Evaluated
    folder: Path
    run: RunRecord


def evaluate(
    project: Project, *, cut: float = DEFAULT_CUT, seed: int = 0, progress: Progress | None = None
) -> Judged:
    """Run the evaluation pipeline and register what it found, for the gates.

    It belongs to the training pipeline's code and settings as they are now: a model that was trained by
    others needs an evaluation of its own.

    Raises
    ------
    InputError
        The log cannot be judged by, as when all of it is on one side of the cut.
    """
    initiative = project.initiative
    done = run_pipeline(project, initiative.evaluation, seed=seed, cut=cut, progress=progress)
    evaluated: Evaluated = done.result
    report = evaluated.report
    lift = report.lift
    project.registry.models.evaluated(
        EvaluationRow(
            initiative=initiative.name,
            run_id=done.record.run_id,
            code=fingerprint(project, initiative.pipeline),
            data=project.data,
            at_us=report.cut_us,
            metric=report.primary.label,
            value=report.value.mean,
            low=report.value.low,
            high=report.value.high,
            baseline=report.baseline,
            lift=None if lift is None else lift.mean,
            lift_low=None if lift is None else lift.low,
            lift_high=None if lift is None else lift.high,
            folder=done.folder.relative_to(project.home.root).as_posix(),
            figures={JUDGED_BY: fingerprint(project, initiative.evaluation)},
            registered_us=wall_us(),
        )
    )
    return Judged(evaluated, done.folder, done.record)
