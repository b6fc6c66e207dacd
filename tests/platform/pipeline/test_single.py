"""One step at a time, as a scheduler runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.platform.pipeline.modules import artefacts, states

from matinee.errors import ConfigError, NotFoundError, StorageError
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.record import RunRecord
from matinee.platform.pipeline.runner import run
from matinee.platform.pipeline.single import run_step
from matinee.platform.pipeline.workspace import Workspace


def left(at_us: int, seed: int) -> list[int]:
    return [at_us, seed]


def right(seed: int) -> list[int]:
    return [seed]


def joined(left: list[int], right: list[int], config: dict[str, int] | None = None) -> dict[str, int]:
    return {"sum": sum(left) + sum(right), **(config or {})}


JOIN = Pipeline("join", (left, right, joined))


def alone(workspace: Workspace, step: str, run_id: str = "r1", **given: Any) -> RunRecord:
    return run_step(
        JOIN, step, given, run_id=run_id, workspace=workspace, now=lambda: 5, first={"at_us": 70, "seed": 2}
    )


def test_steps_run_alone_give_what_the_whole_gives(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "a")
    assert alone(workspace, "right").state == "running"
    assert alone(workspace, "left").state == "running"
    done = alone(workspace, "joined")
    assert (done.state, done.at_us, done.seed, done.ended_us) == ("done", 70, 2, 5)
    whole = run(JOIN, {"at_us": 70, "seed": 2}, workspace=Workspace(tmp_path / "b"), now=lambda: 5)
    assert artefacts(done) == artefacts(whole.record)
    assert done.result == whole.record.result
    assert whole.result == {"sum": 74}


def test_the_first_step_fixes_what_the_run_is_given(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    alone(workspace, "left", at_us=11)
    assert alone(workspace, "right").at_us == 11
    with pytest.raises(ConfigError, match=r"run r1: at_us is 12, expected what the run began with \(11\)"):
        alone(workspace, "right", at_us=12)
    with pytest.raises(ConfigError, match=r"run r1: config is .*expected what the run began with"):
        alone(workspace, "joined", config={"a": 1})
    assert alone(workspace, "left", run_id="r2").at_us == 70


def test_an_input_that_has_not_run_or_failed_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(
        NotFoundError,
        match=r"join, step joined: its input left has not run in run r1, expected its result\. "
        "Run step left with --run-id r1 first",
    ):
        alone(workspace, "joined")
    assert workspace.runs.find("r1") is None
    alone(workspace, "left")
    with pytest.raises(NotFoundError, match="its input right has not run"):
        alone(workspace, "joined")
    with pytest.raises(ConfigError, match='unknown step "rigth"'):
        alone(workspace, "rigth")


def test_a_damaged_input_is_named_and_mended_by_running_its_step(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    alone(workspace, "left")
    record = alone(workspace, "right")
    file = workspace.store.folder(artefacts(record)["right"]) / "value.json"
    file.write_text("[9]")
    with pytest.raises(StorageError, match=r"join, step right .*value\.json: is changed"):
        alone(workspace, "joined")
    assert states(alone(workspace, "right"))["right"] == "ran"
    assert alone(workspace, "joined").state == "done"


@pytest.mark.slow
def test_two_processes_that_run_the_same_step_at_once_agree(tmp_path: Path) -> None:
    program = tmp_path / "both.py"
    program.write_text(
        "from __future__ import annotations\nimport sys\nfrom pathlib import Path\nimport numpy as np\n"
        "from matinee.observe.clock import wall_us\n"
        "from matinee.platform.pipeline.pipeline import Pipeline\n"
        "from matinee.platform.pipeline.single import run_step\n"
        "from matinee.platform.pipeline.workspace import Workspace\n"
        "def big(seed: int) -> np.ndarray:\n    return np.random.default_rng(seed).normal(size=300_000)\n"
        "w = Workspace(Path(sys.argv[1]))\n"
        "for i in range(8):\n"
        "    run_step(Pipeline('b', (big,)), 'big', {'seed': i}, run_id=f'r{i}', workspace=w, now=wall_us)\n"
    )
    command = [sys.executable, str(program), str(tmp_path / "work")]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    workspace = Workspace(tmp_path / "work")
    assert len(workspace.store.names()) == 8
    for name in workspace.store.names():
        workspace.store.verify(name)
    assert {one.state for one in workspace.runs.all()} == {"done"}
    assert [*workspace.scratch.iterdir()] == []
