"""The heart of the runner: one step, from its ingredients to its artefact."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matinee.errors import MatineeError
from matinee.platform.pipeline.artefacts import DamagedError
from matinee.platform.pipeline.cache import Entry, Ingredients
from matinee.platform.pipeline.code import CodeReader, Fingerprint
from matinee.platform.pipeline.failure import naming
from matinee.platform.pipeline.ingredients import code_reader, ingredients
from matinee.platform.pipeline.meter import Meter
from matinee.platform.pipeline.pipeline import Pipeline, Progress
from matinee.platform.pipeline.record import StepRecord
from matinee.platform.pipeline.step import Step
from matinee.platform.pipeline.workspace import Workspace


@dataclass(slots=True)
class Held:
    """Result of a step during a run: its name always, its value once it was needed."""

    artefact: str
    value: Any = None
    loaded: bool = False


@dataclass(slots=True)
class Execution:
    """One run under way.

    Attributes
    ----------
    given : mapping
        Values by name, without `progress` and `scratch`.
    scratch : Path
        Folder of this process for work in progress.
    log : callable
        Gets the record of each step, of failed ones before the error is raised.
    keep_in_memory : bool
        Hand results on without reading them again.
    repair : bool
        Run a step again whose stored result turns out to be damaged.
    """

    pipeline: Pipeline
    given: Mapping[str, Any]
    workspace: Workspace
    run_id: str
    scratch: Path
    log: Callable[[StepRecord], None]
    pause: Callable[[float], None] = time.sleep
    keep_in_memory: bool = True
    repair: bool = True
    held: dict[str, Held] = field(default_factory=dict)
    codes: CodeReader = field(init=False)

    def __post_init__(self) -> None:
        self.codes = code_reader(self.pipeline)

    def take(self, name: str, artefact: str) -> None:
        """Use a result of an earlier process."""
        self.held[name] = Held(artefact)

    def run(self, one: Step, report: Progress) -> StepRecord:
        """Take a step's result from the cache, or compute it.

        Raises
        ------
        MatineeError
            As the step raised it, with the step's name in front; `StepError` for errors that are not ours.
        """
        with naming(self.pipeline.name, one):
            made, _ = self._ingredients(one)
            entry = self.workspace.cache.get(made.key)
        if entry is None or not self.workspace.store.has(entry.artefact):
            return self.compute(one, report)
        self.held[one.name] = Held(entry.artefact)
        return self._tell(one, made, state="cached", artefact=entry.artefact)

    def compute(self, one: Step, report: Progress) -> StepRecord:
        """Run a step's function and store its result. Errors as in `run`."""
        values = {name: self.value(name) for name in self.pipeline.inputs(one)}
        with naming(self.pipeline.name, one):
            made, code = self._ingredients(one)
            meter, tries = Meter(), [0]
            try:
                with meter:
                    value = self._attempt(one, {**values, **self._givens(one, report)}, tries)
                artefact = self.workspace.store.put(value, one.codec, self.scratch)
            except BaseException as problem:
                text = f"{type(problem).__name__}: {problem}"
                try:
                    self._tell(one, made, state="failed", meter=meter, attempts=tries[0], error=text)
                except MatineeError as second:
                    problem.add_note(f"The record of the step could not be kept: {second}")
                raise
            self.workspace.cache.remember(self.pipeline.name, Entry(one.name, artefact, made), code.parts)
        keep = self.keep_in_memory and one.codec.in_memory
        self.held[one.name] = Held(artefact, value if keep else None, keep)
        return self._tell(one, made, state="ran", artefact=artefact, meter=meter, attempts=tries[0])

    def value(self, name: str) -> Any:
        """Result of a step, read from the store if it is not in memory; a damaged one is computed again."""
        held = self.held[name]
        if not held.loaded:
            one = self.pipeline[name]
            try:
                with naming(self.pipeline.name, one):
                    held.value = self.workspace.store.load(held.artefact, one.codec)
            except DamagedError:
                if not self.repair:
                    raise
                self.compute(one, silent)
                return self.value(name)
            held.loaded = True
        return held.value

    def checked(self, name: str) -> str:
        """Artefact of a step, after a check of its files if they were not written just now."""
        if not self.held[name].loaded:
            try:
                self.workspace.store.verify(self.held[name].artefact)
            except DamagedError:
                self.compute(self.pipeline[name], silent)
        return self.held[name].artefact

    def forget(self, names: set[str]) -> None:
        """Free the memory of results that no later step takes."""
        for name in names & {*self.held}:
            self.held[name] = Held(self.held[name].artefact)

    def _ingredients(self, one: Step) -> tuple[Ingredients, Fingerprint]:
        code = self.codes.fingerprint(one.function)
        inputs = {name: held.artefact for name, held in self.held.items()}
        return ingredients(self.pipeline, one, code, inputs, self.given), code

    def _givens(self, one: Step, report: Progress) -> dict[str, Any]:
        out = {name: self.given[name] for name in self.pipeline.givens(one) if name in self.given}
        if "home" in out:
            out["home"] = out["home"].limited_to(one.reads)
        if one.takes("progress"):
            out["progress"] = report
        if one.takes("scratch"):
            out["scratch"] = self.scratch / one.name
            out["scratch"].mkdir(exist_ok=True)
        return out

    def _attempt(self, one: Step, arguments: Mapping[str, Any], tries: list[int]) -> Any:
        while True:
            tries[0] += 1
            try:
                return one.function(**arguments)
            except one.transient:
                if tries[0] > one.retries:
                    raise
                self.pause(one.retry_wait_s * 2 ** (tries[0] - 1))

    def _tell(self, one: Step, made: Ingredients, *, meter: Meter | None = None, **said: Any) -> StepRecord:
        measured = meter or Meter()
        record = StepRecord(
            run_id=self.run_id,
            name=one.name,
            key=made.key,
            code=made.code,
            inputs=made.inputs,
            givens=made.givens,
            duration_s=round(measured.duration_s, 6),
            cpu_s=round(measured.cpu_s, 6),
            peak_mb=round(measured.peak_mb, 1),
            **{"artefact": "", **said},
        )
        self.log(record)
        return record


def silent(_what: str, _share: float) -> None:
    """Report nothing."""
