"""Writes down a run while it goes: its own record first, then whoever observes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

import msgspec

from matinee.errors import MatineeError
from matinee.platform.pipeline.record import JsonRunLog, Rates, RunLog, RunRecord, StepRecord


class Journal:
    """Context of a run: begins it, and marks it as failed if an error leaves the block.

    Parameters
    ----------
    runs : JsonRunLog
    run : RunRecord
        As it begins.
    now : callable
        Wall time in microseconds.
    observers : sequence of RunLog
    rates : Rates or None
    """

    def __init__(
        self,
        runs: JsonRunLog,
        run: RunRecord,
        now: Callable[[], int],
        observers: Sequence[RunLog],
        rates: Rates | None,
    ) -> None:
        self.runs = runs
        self.run = run
        self.now = now
        self.observers = observers
        self.rates = rates

    def __enter__(self) -> Journal:
        """Begin; if an observer refuses, no record of the run stays."""
        fresh = self.runs.begin(self.run)
        try:
            for observer in self.observers:
                observer.begin(self.run)
        except BaseException:
            if fresh:
                self.runs.remove(self.run.run_id)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        try:
            self._end("failed", "")
        except MatineeError as second:
            error.add_note(f"The record of the run could not be kept: {second}")

    def step(self, record: StepRecord) -> None:
        """Write down a step."""
        self.runs.step(record)
        for observer in self.observers:
            observer.step(record)

    def done(self, result: str) -> RunRecord:
        """Write down that all steps are done."""
        return self._end("done", result)

    def _end(self, state: str, result: str) -> RunRecord:
        run = self.runs.read(self.run.run_id)
        run = msgspec.structs.replace(run, state=state, ended_us=self.now(), result=result)
        if self.rates is not None:
            run = msgspec.structs.replace(run, cost=self.rates.cost(run))
        self.runs.end(run)
        for observer in self.observers:
            observer.end(run)
        return run
