"""matinee run: the plan, step by step for a scheduler, and the pipeline that evaluates."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import STEPS

from matinee.cli.main import main

Answer = Callable[..., Any]


def test_step_by_step_makes_the_version_of_train(toy_home: Path, answer: Answer) -> None:
    options = ("--run-id", "night", "--home", toy_home)
    *first, last = [answer("run", "toy", "--step", step, *options) for step in STEPS]
    assert [one["version"] for one in first] == [None, None]
    assert last["run"]["state"] == "done"
    assert last["version"] == answer("train", "toy", "--home", toy_home)["version"]
    again = answer("run", "toy", "--step", "counts", *options)  # as Airflow does with a task that was cleared
    assert again["version"] == last["version"]


def test_all_steps_of_a_named_run(toy_home: Path, answer: Answer) -> None:
    options = ("--run-id", "nightly-2024-11-06", "--at", "2024-11-06", "--home", toy_home)
    first, second = answer("run", "toy", *options), answer("run", "toy", *options)
    assert first["version"] == second["version"]
    assert first["run"]["run_id"] == "nightly-2024-11-06"


def test_the_plan_runs_nothing(toy_home: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer("run", "toy", "--plan", "--home", toy_home)["plan"]
    assert [(one["name"], one["artefact"]) for one in found] == [(step, "") for step in STEPS]
    assert found[0]["why"] == "has not run before"
    assert not list((toy_home / "work").rglob("run.json"))
    assert main(["run", "toy", "--plan", "--home", str(toy_home)]) == 0
    text = capsys.readouterr().out
    assert "has not run before" in text
    answer("train", "toy", "--home", toy_home)
    found = answer("run", "toy", "--plan", "--home", toy_home)["plan"]
    assert all(one["artefact"] for one in found)


def test_a_change_of_the_code_runs_only_what_depends_on_it(toy_home: Path, answer: Answer) -> None:
    answer("train", "toy", "--home", toy_home)
    path = toy_home / "initiatives" / "toy" / "__init__.py"
    path.write_text(path.read_text().replace("noise + sum(", "noise + 2 * sum("))
    for name in [name for name in sys.modules if name.startswith("matinee_home_")]:
        del sys.modules[name]  # as in a new process
    plan = answer("run", "toy", "--plan", "--home", toy_home)["plan"]
    assert [bool(one["artefact"]) for one in plan] == [True, True, False]
    assert plan[2]["why"].startswith("code changed: ")


def test_the_pipeline_that_evaluates(toy_home: Path, answer: Answer) -> None:
    found = answer("run", "toy", "--pipeline", "evaluate", "--home", toy_home)
    assert found["version"] is None
    assert [one["name"] for one in found["run"]["steps"]] == ["judged"]
    said = answer("run", "toy", "--pipeline", "evaluate", "--cut", "2", "--home", toy_home, code=2)
    assert "cut is 2.0, expected a share between 0 and 1" in said["error"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--step", "counts"], "--step counts without --run-id"),
        (["--step", "cuonts", "--run-id", "r"], 'unknown step "cuonts". Did you mean "counts"?'),
        (["--step", "model", "--run-id", "r"], "its input counts has not run in run r"),
        (["--run-id", "../r"], 'run id is "../r"'),
        (["--at", "yesterday"], "yesterday"),
    ],
)
def test_what_cannot_be_run_is_refused(toy_home: Path, answer: Answer, options: list[str], said: str) -> None:
    assert said in answer("run", "toy", *options, "--home", toy_home, code=2)["error"]
