"""Killed at any step and run again, a pipeline gives the artefacts of an undisturbed run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.platform.pipeline.modules import artefacts, states

from matinee.platform.pipeline.record import RunRecord
from matinee.platform.pipeline.workspace import Workspace

STEPS = ("numbers", "scaled", "model", "report")
PROGRAM = """
from __future__ import annotations
import os, signal, sys
from pathlib import Path
import numpy as np
from numpy.typing import NDArray
from matinee.observe.clock import wall_us
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.runner import run
from matinee.platform.pipeline.workspace import Workspace

class Model:
    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights
    def save(self, folder: Path) -> None:
        np.save(folder / "a.npy", self.weights)
        die("model:saving")
        np.save(folder / "b.npy", self.weights)
    @staticmethod
    def load(folder: Path) -> Model:
        return Model(np.load(folder / "a.npy"))

def die(where: str) -> None:
    if len(sys.argv) > 2 and where == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
def numbers(seed: int) -> NDArray[np.float64]:
    die("numbers")
    return np.random.default_rng(seed).normal(size=50)
def scaled(numbers: NDArray[np.float64]) -> dict[str, float]:
    die("scaled")
    return {str(i): float(x) / 3 for i, x in enumerate(numbers)}
def model(numbers: NDArray[np.float64], scaled: dict[str, float]) -> Model:
    die("model")
    return Model(numbers + list(scaled.values()))
def report(model: Model, at_us: int) -> dict[str, float]:
    die("report")
    return {"sum": float(model.weights.sum()), "at": at_us / 7}

if __name__ == "__main__":
    pipeline = Pipeline("p", (numbers, scaled, model, report))
    run(pipeline, {"seed": 1, "at_us": 9}, workspace=Workspace(Path(sys.argv[1])), now=wall_us, run_id="r")
"""


def start(tmp_path: Path, work: Path, *die: str) -> int:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return subprocess.run([sys.executable, str(program), str(work), *die], check=False).returncode


def record(work: Path) -> RunRecord:
    return Workspace(work).runs.read("r")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("where", [*STEPS, "model:saving"])
def test_a_killed_run_goes_on_with_the_same_artefacts(tmp_path: Path, where: str) -> None:
    assert start(tmp_path, tmp_path / "undisturbed") == 0
    work = tmp_path / "killed"
    assert start(tmp_path, work, where) == -signal.SIGKILL
    assert record(work).state == "running"
    left = [*(work / "scratch").iterdir()]
    assert left, "the killed process left its scratch folder"
    assert start(tmp_path, work) == 0
    done = record(work)
    assert done.state == "done"
    assert artefacts(done) == artefacts(record(tmp_path / "undisturbed"))
    before = STEPS.index(where.partition(":")[0])
    assert [states(done)[name] for name in STEPS] == ["cached"] * before + ["ran"] * (4 - before)
    assert [*(work / "scratch").iterdir()] == []
    assert Workspace(work).store.names() == Workspace(tmp_path / "undisturbed").store.names()
