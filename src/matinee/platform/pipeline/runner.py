"""Run a pipeline in this process: what is known from earlier runs is not computed again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matinee.platform.pipeline.beginning import begin
from matinee.platform.pipeline.execution import Execution, silent
from matinee.platform.pipeline.ingredients import check_reads
from matinee.platform.pipeline.journal import Journal
from matinee.platform.pipeline.pipeline import Pipeline, Progress
from matinee.platform.pipeline.record import Rates, RunLog, RunRecord
from matinee.platform.pipeline.scratch import scratch
from matinee.platform.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    record : RunRecord
    folder : Path
        Files of the pipeline's result, checked.
    """

    record: RunRecord
    folder: Path
    _execution: Execution = field(repr=False)

    @property
    def result(self) -> Any:
        """Result of the pipeline; read from the store now if it came from the cache."""
        return self.value(self._execution.pipeline.result)

    def value(self, step: str) -> Any:
        """Result of a step."""
        self._execution.pipeline[step]
        return self._execution.value(step)


def run(
    pipeline: Pipeline,
    given: Mapping[str, Any],
    *,
    workspace: Workspace,
    now: Callable[[], int],
    run_id: str | None = None,
    first: Mapping[str, Any] | None = None,
    observers: Sequence[RunLog] = (),
    rates: Rates | None = None,
    keep_in_memory: bool = True,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Run every step of a pipeline, or take its result from the cache if nothing it depends on changed.

    After a kill, run again with the same givens (or the same `run_id`, which remembers `at_us` and `seed`):
    the steps that were done come from the cache, and every artefact is the same as without the kill.

    Parameters
    ----------
    given : mapping
        Values by name, see `pipeline.GIVEN`; those that no step takes are left out.
    now : callable
        Wall time in microseconds: `observe.clock.wall_us`.
    run_id : str, optional
        Default: a new one, of the time and 6 random digits.
    first : mapping, optional
        Values for a run that is new (`{"at_us": now}`); a run that is resumed keeps its own.
    observers : sequence of RunLog
        Told besides the record in `workspace.runs`. An error of `begin` stops the run before it computes.
    rates : Rates, optional
        Prices, for `RunRecord.cost`.
    keep_in_memory : bool
        False: each step reads its inputs from the store, as though it ran in a process of its own. It needs
        less memory, and shows up steps that change what they are given.

    Raises
    ------
    ConfigError
        A given is missing, unknown, of another type, or not what the run with this id began with; a step
        names a table that it does not declare. Nothing was computed.
    StorageError
        The disk is full or read-only. Results of earlier steps are kept.
    MatineeError
        A step failed; its name stands in front.
    """
    began = begin(pipeline, given, workspace=workspace, now=now, run_id=run_id, first=first)
    tell = given.get("progress") or silent
    with scratch(workspace.scratch) as folder:
        journal = Journal(workspace.runs, began.record, now, observers, rates)
        execution = Execution(
            pipeline, began.given, workspace, began.record.run_id, folder, journal.step, pause, keep_in_memory
        )
        check_reads(pipeline, execution.codes)
        with journal:
            for position, one in enumerate(pipeline.steps):
                tell(one.name, position / len(pipeline.steps))
                execution.run(one, _share(tell, one.name, position, len(pipeline.steps)))
                execution.forget(_not_needed_after(pipeline, position))
            record = journal.done(execution.checked(pipeline.result))
    tell("done", 1.0)
    return Outcome(record, workspace.store.folder(record.result), execution)


def _share(tell: Progress, name: str, position: int, steps: int) -> Progress:
    """What a step reports, as a part of the whole run; every step counts the same."""
    return lambda what, share: tell(f"{name}: {what}", (position + min(max(share, 0.0), 1.0)) / steps)


def _not_needed_after(pipeline: Pipeline, position: int) -> set[str]:
    needed = {name for one in pipeline.steps[position + 1 :] for name in pipeline.inputs(one)}
    return {one.name for one in pipeline.steps[: position + 1]} - needed - {pipeline.result}
