"""matinee train: versions, what is in production, what is refused, and kills at every step."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import STEPS, in_home

from matinee.cli.main import main
from matinee.observe.home import Home
from matinee.platform.pipeline.workspace import Workspace

Answer = Callable[..., Any]


def test_training_makes_a_version_and_changes_nothing_in_production(toy_home: Path, answer: Answer) -> None:
    first = answer("train", "toy", "--home", toy_home)
    assert first["in_production"] is None
    assert Path(first["folder"]).is_dir()
    assert [one["state"] for one in first["run"]["steps"]] == ["ran"] * 3
    again = answer("train", "toy", "--home", toy_home)
    assert again["version"] == first["version"]
    assert [one["state"] for one in again["run"]["steps"]] == ["cached"] * 3
    assert answer("train", "toy", "--home", toy_home, "--seed", 1)["version"] != first["version"]


def test_people_are_told_what_comes_next(toy_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "toy", "--home", str(toy_home)]) == 0
    text = capsys.readouterr().out
    assert "on the log until 2024-11-06T20:15:00Z" in text
    at = f"--home {toy_home}"
    assert f"Next: matinee evaluate toy {at}, then matinee release toy {at}." in text


@pytest.mark.parametrize("command", ["train", "evaluate", "run", "release"])
def test_an_unknown_initiative_is_named_before_anything_is_written(
    toy_home: Path, answer: Answer, command: str
) -> None:
    said = answer(command, "tyo", "--home", toy_home, code=2)["error"]
    assert 'unknown initiative "tyo". Did you mean "toy"?' in said
    assert not (toy_home / "meta.db").exists()
    assert not (toy_home / "work").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def model(counts: dict[str, int]", "def model(conuts: dict[str, int]", 'unknown input "conuts"'),
        ("def counts(home: Home, at_us: int)", "def counts(model: int, home: Home, at_us: int)", "model"),
        ("noise: NDArray[np.float64]", "noise: int", "is annotated int, but step noise"),
        ("step(counts, reads=READS), noise", 'step(counts, reads=("titles",)), noise', "reads titles, which"),
        ('"plays", moment=Moment', '"titles", moment=Moment', "titles"),
        ("tier=4", "tier=5", "toy: tier is 5, expected 1 to 4"),
    ],
)
def test_a_wrong_declaration_is_named_before_anything_is_computed(
    toy_home: Path, answer: Answer, old: str, new: str, said: str
) -> None:
    path = toy_home / "initiatives" / "toy" / "__init__.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    found = answer("train", "toy", "--home", toy_home, code=2)["error"]
    assert said in found
    assert not list((toy_home / "releases").rglob("model.json"))
    assert not list((toy_home / "work").rglob("run.json"))


def test_steps_that_need_each_other_in_a_circle_are_named(toy_home: Path, answer: Answer) -> None:
    path = toy_home / "initiatives" / "toy" / "__init__.py"
    text = path.read_text()
    text = text.replace("def noise(seed: int)", "def noise(seed: int, model: ToyModel)")
    path.write_text(text)
    said = answer("train", "toy", "--home", toy_home, code=2)["error"]
    assert "steps need each other in a circle: noise -> model -> noise" in said


def test_two_initiatives_of_one_name_are_refused_and_stop_no_other(toy_home: Path, answer: Answer) -> None:
    in_home(Home(toy_home), "homepage")
    said = answer("train", "homepage", "--home", toy_home, code=2)["error"]
    assert "initiative homepage: stands in" in said
    assert answer("train", "toy", "--home", toy_home)["version"]
    assert "toy" in [one["name"] for one in answer("status", "--home", toy_home)]


@pytest.mark.skipif(os.name != "posix", reason="files of SQLite")
def test_a_registry_that_is_no_database_is_named(toy_home: Path, answer: Answer) -> None:
    (toy_home / "meta.db").write_text("no database, but long enough to be read as one" * 100)
    said = answer("train", "toy", "--home", toy_home, code=1)["error"]
    assert "meta.db" in said
    assert not list((toy_home / "releases").rglob("model.json"))


def train(home: Path, **environ: str) -> int:
    command = [sys.executable, "-m", "matinee.cli.main", "train", "toy", "--home", str(home)]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, check=False).returncode


def versions(home: Path) -> list[str]:
    return sorted(path.parent.name for path in home.glob("releases/toy/*/model.json"))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_at_every_step_and_run_again_it_makes_the_same_version(
    toy_home: Path, tmp_path: Path, answer: Answer
) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(toy_home, undisturbed)
    assert train(undisturbed) == 0
    for position, step in enumerate(STEPS):
        assert train(toy_home, TOY_DIE=step) == -signal.SIGKILL
        assert versions(toy_home) == []
        plan = answer("run", "toy", "--plan", "--home", toy_home)["plan"]
        assert [bool(one["artefact"]) for one in plan][:position] == [True] * position
    assert train(toy_home) == 0
    assert versions(toy_home) == versions(undisturbed)
    kept = [Workspace(home / "work").store.names() for home in (toy_home, undisturbed)]
    assert len(kept[0]) == 3
    assert kept[0] == kept[1]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_at_any_moment_nothing_is_half_registered(toy_home: Path, answer: Answer) -> None:
    command = [sys.executable, "-m", "matinee.cli.main", "train", "toy", "--home", str(toy_home)]
    for wait_s in (0.2, 0.6, 0.9, 1.2, 1.6):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(wait_s)
            except subprocess.TimeoutExpired:
                process.kill()
        for row in answer("history", "toy", "--models", "--home", toy_home)["models"]:
            assert (toy_home / "releases" / "toy" / row["version"] / "model.json").is_file()
    done = answer("train", "toy", "--home", toy_home)
    assert versions(toy_home) == [done["version"]]


def test_a_moment_that_has_not_come_is_not_learned_from(
    toy_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["train", "toy"], ["run", "toy"]):
        assert main([*command, "--at", "2030-01-01", "--home", str(toy_home)]) == 2
        assert "the version would count as fresh until then" in capsys.readouterr().err
