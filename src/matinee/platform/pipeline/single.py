"""Run one step of a pipeline alone, so that cron, Argo, Airflow or Metaflow can be the scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matinee.errors import NotFoundError
from matinee.platform.pipeline.beginning import begin
from matinee.platform.pipeline.execution import Execution, silent
from matinee.platform.pipeline.ingredients import check_reads
from matinee.platform.pipeline.journal import Journal
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.record import Rates, RunLog, RunRecord
from matinee.platform.pipeline.scratch import scratch
from matinee.platform.pipeline.workspace import Workspace


def run_step(
    pipeline: Pipeline,
    step: str,
    given: Mapping[str, Any],
    *,
    run_id: str,
    workspace: Workspace,
    now: Callable[[], int],
    first: Mapping[str, Any] | None = None,
    observers: Sequence[RunLog] = (),
    rates: Rates | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> RunRecord:
    """Run one step alone, for a scheduler that starts a process per step.

    Inputs are the artefacts that the run's record names. The first step with a new run id fixes the givens
    of the run. Two processes may run the same step at once: both store the same result under one name.

    Parameters
    ----------
    given : mapping
        As in `run`; `at_us` and `seed` may be left out of every step but the first.
    first : mapping, optional
        Values for a run that is new (`{"at_us": now}`); a run that has begun keeps its own.

    Returns
    -------
    RunRecord
        With the steps that have run until now; its state is "done" after the last of them.

    Raises
    ------
    NotFoundError
        A step whose result this one takes has not run in this run.
    ConfigError, StorageError, MatineeError
        As in `run`.
    """
    one = pipeline[step]
    began = begin(pipeline, given, workspace=workspace, now=now, run_id=run_id, first=first)
    with scratch(workspace.scratch) as folder:
        journal = Journal(workspace.runs, began.record, now, observers, rates)
        execution = Execution(
            pipeline, began.given, workspace, run_id, folder, journal.step, pause, repair=False
        )
        check_reads(pipeline, execution.codes)
        for name in pipeline.inputs(one):
            execution.take(name, _artefact_of(began.record, name, step))
        with journal:
            execution.run(one, given.get("progress") or silent)
            execution.checked(step)
            record = workspace.runs.read(run_id)
            done = {name: found for name in record.expected if (found := record.step(name)) is not None}
            if len(done) == len(record.expected) and all(found.state != "failed" for found in done.values()):
                return journal.done(done[pipeline.result].artefact)
    return record


def _artefact_of(record: RunRecord, name: str, step: str) -> str:
    found = record.step(name)
    if found is None or not found.artefact:
        state = "has not run" if found is None else "failed"
        raise NotFoundError(
            f"{record.pipeline}, step {step}: its input {name} {state} in run {record.run_id}, expected its "
            f"result. Run step {name} with --run-id {record.run_id} first."
        )
    return found.artefact
