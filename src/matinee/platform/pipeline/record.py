"""The record of a run: what went in, what came out, how long it took and what it cost."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from matinee import __version__
from matinee.errors import InputError, NotFoundError, StorageError
from matinee.platform.pipeline.cache import read_struct, write_struct

VERSIONED = ("numpy", "scipy", "lightgbm", "duckdb", "msgspec")
RUN_FILE = "run.json"
LONGEST_RUN_ID = 120
"""Characters: it names a folder."""


class StepRecord(msgspec.Struct, frozen=True):
    """One step of a run.

    Attributes
    ----------
    key : str
        Digest of all that the result depends on.
    artefact : str
        Name of the result in the store; empty if it failed.
    state : {"ran", "cached", "failed"}
    code : str
        Fingerprint of the code.
    inputs, givens : dict of str to str
        Artefacts of other steps, and digests of givens and tables, that went in.
    duration_s, cpu_s : float
        Of all attempts; `cpu_s` with that of child processes.
    peak_mb : float
        Highest resident memory of the process while it ran, in megabytes of 10**6 bytes.
    attempts : int
        0 if it came from the cache.
    error : str
        Empty unless it failed.
    """

    run_id: str
    name: str
    key: str
    artefact: str
    state: Literal["ran", "cached", "failed"]
    code: str = ""
    inputs: dict[str, str] = {}
    givens: dict[str, str] = {}
    duration_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    attempts: int = 0
    error: str = ""


class Cost(msgspec.Struct, frozen=True):
    """What a run cost at some rates. `amount_minor` may be a fraction: most runs cost less than a cent."""

    amount_minor: float
    currency: str


class RunRecord(msgspec.Struct, frozen=True):
    """One run of a pipeline.

    Attributes
    ----------
    run_id : str
    pipeline : str
    started_us, ended_us : int
        Wall time; 0 while it has not ended.
    state : {"running", "done", "failed"}
        A run that was killed stays "running" until it is run again.
    at_us, seed : int or None
    config : object
        As plain data.
    givens : dict of str to str
        Digest of each given, without `home`: what it holds is recorded per step and table.
    versions : dict of str to str
        Of Python, Matinee and the packages that compute.
    expected : list of str
        All steps of the pipeline.
    steps : list of StepRecord
    result : str
        Artefact of the pipeline's result; empty until there is one.
    cost : Cost or None
        None: no rates were given.
    """

    run_id: str
    pipeline: str
    started_us: int
    expected: list[str]
    state: Literal["running", "done", "failed"] = "running"
    ended_us: int = 0
    at_us: int | None = None
    seed: int | None = None
    config: Any = None
    givens: dict[str, str] = {}
    versions: dict[str, str] = {}
    steps: list[StepRecord] = []
    result: str = ""
    cost: Cost | None = None

    @property
    def duration_s(self) -> float:
        """Of the steps together."""
        return sum(one.duration_s for one in self.steps)

    @property
    def cpu_s(self) -> float:
        """Of the steps together."""
        return sum(one.cpu_s for one in self.steps)

    @property
    def peak_mb(self) -> float:
        """Of the step that took most."""
        return max((one.peak_mb for one in self.steps), default=0.0)

    def step(self, name: str) -> StepRecord | None:
        """Record of a step, or None if it has not run."""
        return next((one for one in self.steps if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of a machine.

    Attributes
    ----------
    cpu_hour_minor, gb_hour_minor : float, 0 or more
        Price of an hour of one core, and of one gigabyte of memory, in minor units of `currency`.
    """

    cpu_hour_minor: float
    gb_hour_minor: float = 0.0
    currency: str = "EUR"

    def cost(self, run: RunRecord) -> Cost:
        """Price of the CPU time, and of each step's peak memory over its duration."""
        gb_hours = sum(one.peak_mb / 1e3 * one.duration_s / 3_600 for one in run.steps)
        amount = run.cpu_s / 3_600 * self.cpu_hour_minor + gb_hours * self.gb_hour_minor
        return Cost(round(amount, 6), self.currency)


class RunLog(Protocol):
    """Is told of a run as it goes; `begin` is called before anything is computed and may refuse."""

    def begin(self, run: RunRecord) -> None:
        """A run begins, or goes on."""

    def step(self, record: StepRecord) -> None:
        """A step has run, came from the cache, or failed."""

    def end(self, run: RunRecord) -> None:
        """The run is done or failed; `run` is complete."""


@dataclass(frozen=True, slots=True)
class JsonRunLog:
    """Records as files: `runs/<run_id>/run.json`, and one `<step>.json` each, so that processes that run
    different steps of one run at the same time do not overwrite each other.

    Attributes
    ----------
    root : Path
        `Home.work / "runs"`.
    """

    root: Path

    def begin(self, run: RunRecord) -> bool:
        """Write the run, unless it is there. Returns whether it was not."""
        return write_struct(self._file(run.run_id), run, exclusive=True)

    def remove(self, run_id: str) -> None:
        """Delete the record of a run that was refused before it computed anything."""
        file = self._file(run_id)
        file.unlink(missing_ok=True)
        file.parent.rmdir()

    def step(self, record: StepRecord) -> None:
        """Write a step's record; not synced: one lost in a power cut counts as not run."""
        write_struct(self._file(record.run_id).with_name(f"{record.name}.json"), record, sync=False)

    def end(self, run: RunRecord) -> None:
        """Write the run as it ended."""
        write_struct(self._file(run.run_id), run)

    def find(self, run_id: str) -> RunRecord | None:
        """Record of a run with the steps that have run until now, or None.

        Raises
        ------
        StorageError
            The record is there and damaged.
        """
        path = self._file(run_id)
        run = read_struct(path, RunRecord)
        if run is None:
            if path.exists():
                raise StorageError(f"{path}: not a readable record. Delete the folder and run again.")
            return None
        found = (read_struct(path.with_name(f"{name}.json"), StepRecord) for name in run.expected)
        return msgspec.structs.replace(run, steps=[one for one in found if one is not None])

    def read(self, run_id: str) -> RunRecord:
        """Record of a run.

        Raises
        ------
        NotFoundError
            There is no such run.
        """
        found = self.find(run_id)
        if found is None:
            raise NotFoundError(
                f"{self.root}: no run {run_id} here, expected a run id. The newest: "
                f"{', '.join([one.run_id for one in self.all()][-3:]) or 'none yet'}."
            )
        return found

    def all(self) -> Iterator[RunRecord]:
        """Every readable run, the oldest first."""
        found = (self.find(path.parent.name) for path in self.root.glob(f"*/{RUN_FILE}"))
        yield from sorted((run for run in found if run is not None), key=lambda run: run.started_us)

    def _file(self, run_id: str) -> Path:
        named = 0 < len(run_id) <= LONGEST_RUN_ID and not run_id.startswith(".")
        if not named or not all(c.isalnum() or c in "._-+" for c in run_id):
            raise InputError(
                f'run id is "{run_id}", expected at most {LONGEST_RUN_ID} letters, digits and . _ - + (it '
                "names a folder). Choose another."
            )
        return self.root / run_id / RUN_FILE


def versions() -> dict[str, str]:
    """Versions of Python, Matinee and the packages that compute."""
    found = {"python": platform.python_version(), "matinee": __version__}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
