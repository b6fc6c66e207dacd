"""Runs an initiative's pipeline on its data, with the registry looking on."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from matinee.errors import InputError, NotFoundError
from matinee.observe.clock import wall_us
from matinee.platform.lifecycle.project import Progress, Project
from matinee.platform.lifecycle.simulated import check_moment
from matinee.platform.pipeline.code import CodeReader
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.plan import PlannedStep, plan
from matinee.platform.pipeline.record import Rates, RunRecord, StepRecord
from matinee.platform.pipeline.runner import Outcome, run
from matinee.platform.pipeline.single import run_step
from matinee.platform.pipeline.workspace import Workspace
from matinee.platform.registry.runs import RunEnd, RunRow, StepRow

DEFAULT_CUT = 0.8
QUESTION = ("initiative", "pipeline", "at_us", "seed", "data", "code", "config")
"""What two runs under one id must have in common."""


@dataclass(frozen=True, slots=True)
class RegistryLog:
    """Tells the registry of a run as it goes."""

    project: Project
    pipeline: Pipeline
    code: str

    def begin(self, run: RunRecord) -> None:
        """Register the run; one that is done stays as it is, and one that asked something else is refused."""
        project = self.project
        config = run.config if isinstance(run.config, dict) else {}
        row = RunRow(
            run_id=run.run_id,
            initiative=project.initiative.name,
            pipeline="train" if self.pipeline is project.initiative.pipeline else "evaluate",
            at_us=project.at_us if run.at_us is None else run.at_us,
            seed=run.seed or 0,
            data=project.data,
            code=self.code,
            config=config,
            versions=run.versions,
            host=platform.node(),
            pid=os.getpid(),
            started_us=run.started_us,
        )
        if not self._is_done(run.run_id, row):
            project.registry.runs.begin(row)

    def _is_done(self, run_id: str, asked: RunRow | None = None) -> bool:
        """Whether the run is registered as done, and asked the same: a scheduler may start it once more."""
        try:
            known = self.project.registry.runs.read(run_id)
        except NotFoundError:
            return False
        same = asked is None or all(getattr(known, key) == getattr(asked, key) for key in QUESTION)
        return known.state == "done" and same

    def step(self, record: StepRecord) -> None:
        """Register how a step went; what a run that is done says stays as it was."""
        if self._is_done(record.run_id):
            return
        self.project.registry.runs.record_step(
            StepRow(
                run_id=record.run_id,
                name=record.name,
                key=record.key,
                artefact=record.artefact or None,
                state=record.state,
                duration_s=record.duration_s,
                cpu_s=record.cpu_s,
                peak_mb=record.peak_mb,
                attempts=record.attempts,
                error=record.error,
            )
        )

    def end(self, run: RunRecord) -> None:
        """Register how the run ended."""
        failed = [one for one in run.steps if one.state == "failed"]
        self.project.registry.runs.end(
            run.run_id,
            RunEnd(
                state="failed" if run.state == "failed" else "done",
                ended_us=run.ended_us,
                cpu_s=run.cpu_s,
                peak_mb=run.peak_mb,
                cost_minor=None if run.cost is None else round(run.cost.amount_minor),
                currency=None if run.cost is None else run.cost.currency,
                error=failed[0].error if failed else "",
            ),
        )


def run_pipeline(
    project: Project,
    pipeline: Pipeline,
    *,
    seed: int | None = None,
    cut: float = DEFAULT_CUT,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run a pipeline of the initiative; what did not change since an earlier run is not computed again.

    Parameters
    ----------
    seed : int, optional
        Default: that of the run that is taken up, else 0.
    run_id : str, optional
        Take up this run, with the moment and seed it began with; one that is not known begins now.

    Raises
    ------
    ConfigError
        The run that is taken up began with another moment or seed than what is asked for.
    MatineeError
        As in `platform.pipeline.runner.run`.
    """
    return run(
        pipeline,
        _given(project, seed, cut, progress),
        workspace=workspace(project),
        now=wall_us,
        run_id=run_id,
        first=_first(project),
        observers=[RegistryLog(project, pipeline, fingerprint(project, pipeline))],
        rates=_rates(project),
    )


def plan_pipeline(
    project: Project, pipeline: Pipeline, *, seed: int, cut: float = DEFAULT_CUT
) -> tuple[PlannedStep, ...]:
    """What a run would compute, what it would take from the cache, and why; nothing is run."""
    given = {**_given(project, seed, cut, None), "at_us": project.at_us}
    return plan(pipeline, given, workspace=workspace(project)).steps


def run_one_step(
    project: Project,
    pipeline: Pipeline,
    step: str,
    *,
    run_id: str,
    seed: int | None = None,
    cut: float = DEFAULT_CUT,
    progress: Progress | None = None,
) -> RunRecord:
    """Run one step of a run alone, for a scheduler; the first step fixes moment and seed of the run."""
    return run_step(
        pipeline,
        step,
        _given(project, seed, cut, progress),
        run_id=run_id,
        first=_first(project),
        workspace=workspace(project),
        now=wall_us,
        observers=[RegistryLog(project, pipeline, fingerprint(project, pipeline))],
        rates=_rates(project),
    )


def workspace(project: Project) -> Workspace:
    """Where results of steps are kept."""
    return Workspace(project.home.work)


def fingerprint(project: Project, pipeline: Pipeline) -> str:
    """Digest of a pipeline's code and the settings it takes: equal ones learn the same from equal data."""
    reader = CodeReader([one.function for one in pipeline.steps])
    codes = [f"{one.name} {one.version} {reader.fingerprint(one.function).digest}" for one in pipeline.steps]
    config = ""
    if any(one.takes("config") for one in pipeline.steps):
        config = msgspec.json.encode(project.config, order="deterministic").decode()
    return hashlib.sha256("\n".join([pipeline.shape, *codes, config]).encode()).hexdigest()[:16]


def _given(project: Project, seed: int | None, cut: float, progress: Progress | None) -> dict[str, Any]:
    if not 0 < cut < 1:
        raise InputError(f"{project.initiative.name}: cut is {cut}, expected a share between 0 and 1.")
    if project.data == "simulated" and project.at_is_asked:
        check_moment(project.lake, project.at_us)
    given: Mapping[str, Any] = {
        "home": project.lake.limited_to(project.initiative.tables).for_learning(),
        "at_us": project.at_us if project.at_is_asked else None,
        "seed": seed,
        "config": project.config,
        "cut": cut,
        "progress": progress,
    }
    return dict(given)


def _first(project: Project) -> dict[str, Any]:
    """Moment and seed of a run that begins now, where none are asked for."""
    return {"at_us": project.at_us, "seed": 0}


def _rates(project: Project) -> Rates | None:
    config = project.platform
    if config.cost_minor_per_cpu_hour == 0:
        return None
    return Rates(config.cost_minor_per_cpu_hour, currency=config.currency)
