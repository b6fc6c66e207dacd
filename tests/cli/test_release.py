"""matinee release, rollback and history, from the first version to the twelfth row."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matinee.cli.main import main

Answer = Callable[..., Any]


@pytest.fixture
def ready(toy_home: Path, answer: Answer) -> Path:
    """A home with a version that every gate agrees to."""
    answer("evaluate", "toy", "--home", toy_home)
    answer("train", "toy", "--home", toy_home)
    return toy_home


def test_a_release_is_in_the_history_with_its_evidence(ready: Path, answer: Answer) -> None:
    found = answer(
        "release", "toy", "--home", ready, "--approver", "kim", "--note", "first", "--at", "2024-12-01"
    )
    assert found["released"] is True
    assert [one["verdict"] for one in found["attempt"]["gates"]] == ["passed"] * 3
    (row,) = answer("history", "toy", "--home", ready)["releases"]
    assert (row["approver"], row["note"], row["kind"]) == ("kim", "first", "release")
    assert row["version"] == found["attempt"]["version"]
    assert row["evidence"]["gates"] == found["attempt"]["gates"]


def test_people_see_each_gate_with_its_figure(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "toy", "--home", str(ready), "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "Every gate agrees. Nothing was released (--dry-run)." in text
    assert main(["release", "toy", "--home", str(ready)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "beats_baseline" in text
    assert "In production: toy" in text
    assert main(["history", "toy", "--home", str(ready), "--models"]) == 0
    assert "(now)" in capsys.readouterr().out


def test_the_same_version_again_is_refused_before_any_gate_is_asked(
    ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("release", "toy", "--home", ready)
    monkeypatch.setattr("matinee.platform.lifecycle.releasing._candidate", None)
    assert main(["release", "toy", "--home", str(ready)]) == 2
    assert "expected another one. Train again (matinee train toy)" in capsys.readouterr().err


def test_status_says_when_the_model_in_production_is_gone(
    ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    version = answer("release", "toy", "--home", ready)["attempt"]["version"]
    weights = ready / "releases" / "toy" / version / "weights.npy"
    kept = weights.read_bytes()
    weights.unlink()
    for one in ((), ("toy",)):
        assert main(["status", *one, "--home", str(ready)]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "the fallback answers." in said
        assert "weights.npy: is missing" in said
    answer("train", "toy", "--home", ready)
    assert weights.read_bytes() == kept
    standing = next(one for one in answer("status", "--home", ready) if one["name"] == "toy")
    assert standing["trouble"] is None


def test_a_rehearsal_stores_nothing(ready: Path, answer: Answer) -> None:
    before = (ready / "meta.db").stat().st_mtime_ns, answer("history", "toy", "--home", ready)
    found = answer("release", "toy", "--home", ready, "--dry-run")
    assert found["released"] is False
    assert ((ready / "meta.db").stat().st_mtime_ns, answer("history", "toy", "--home", ready)) == before
    assert before[1]["releases"] == []


def test_a_gate_that_says_no_is_exit_1_and_production_stays(
    ready: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("release", "toy", "--home", ready)
    before = answer("history", "toy", "--home", ready)["releases"]
    monkeypatch.setenv("MATINEE_TOY__LIFT", "-0.1")
    answer("evaluate", "toy", "--home", ready)
    worse = answer("train", "toy", "--home", ready)["version"]
    found = answer("release", "toy", "--home", ready, code=1)
    assert found["released"] is False
    refused = {one["gate"]: one for one in found["attempt"]["gates"] if one["verdict"] == "failed"}
    assert {*refused} == {"beats_baseline", "not_worse_than_released"}
    assert refused["beats_baseline"]["figure"] < refused["beats_baseline"]["bound"] == 0
    assert answer("history", "toy", "--home", ready)["releases"] == before
    assert before[0]["version"] != worse
    from matinee.platform.registry.registry import Registry

    with Registry.open(ready / "meta.db") as registry:
        kept = registry.releases.gates("toy")
    assert [one.verdict for one in kept if one.version == worse] == ["failed", "failed", "passed"]


def test_what_cannot_be_released_is_refused(toy_home: Path, answer: Answer) -> None:
    said = answer("release", "toy", "--home", toy_home, code=2)["error"]
    assert "no trained toy here, expected a model. Run: matinee train toy" in said
    assert "no toy in production" in answer_page(toy_home, answer)
    answer("evaluate", "toy", "--home", toy_home)
    version = answer("train", "toy", "--home", toy_home)["version"]
    said = answer("release", "toy", "--version", "v1", "--home", toy_home, code=2)["error"]
    assert f'unknown model version "v1". Known: {version}.' in said
    said = answer("rollback", "toy", "--home", toy_home, code=1)["error"]
    assert "nothing to roll back to" in said
    answer("release", "toy", "--home", toy_home, "--at", "2024-12-02")
    said = answer("release", "toy", "--home", toy_home, code=2)["error"]
    assert "is in production since 2024-12-02" in said
    answer("train", "toy", "--seed", "1", "--home", toy_home)
    said = answer("release", "toy", "--home", toy_home, "--at", "2024-12-01", code=2)["error"]
    assert "the clock says 2024-12-01T00:00:00Z, expected no time before the last release" in said


def answer_page(home: Path, answer: Answer) -> str:
    """What a project says that has models and no release."""
    from matinee.errors import NotFoundError
    from matinee.observe.home import Home
    from matinee.platform.lifecycle.project import open_project

    answer("train", "toy", "--home", home)
    with open_project(Home(home), "toy") as project, pytest.raises(NotFoundError) as failure:
        project.model()
    return str(failure.value)


@pytest.mark.parametrize("damage", ["changed", "gone", "other version"])
def test_a_damaged_model_is_not_released(ready: Path, answer: Answer, damage: str) -> None:
    (folder,) = ready.glob("releases/toy/*/")
    if damage == "changed":
        (folder / "weights.npy").write_bytes(b"x")
    elif damage == "gone":
        (folder / "weights.npy").unlink()
    else:
        card = folder / "model.json"
        card.write_text(card.read_text().replace('"format": 1', '"format": 7'))
    said = answer("release", "toy", "--home", ready, code=1)["error"]
    words = {"changed": "weights.npy: is changed", "gone": "weights.npy: is missing"}
    assert words.get(damage, "format is 7, expected 1; it is from another version of Matinee") in said
    assert answer("history", "toy", "--home", ready)["releases"] == []


def test_history_of_what_nobody_knows(
    toy_home: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    said = answer("history", "tyo", "--home", toy_home, code=2)["error"]
    assert 'unknown initiative "tyo"' in said
    assert answer("history", "toy", "--home", toy_home)["releases"] == []
    assert main(["history", "toy", "--home", str(toy_home), "--on", "2024-01-01"]) == 0
    assert "toy: nothing was in production on 2024-01-01." in capsys.readouterr().out


@pytest.mark.slow
def test_ten_releases_and_two_rollbacks(
    toy_home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = []
    for day in range(1, 11):
        monkeypatch.setenv("MATINEE_TOY__BIAS", str(day))
        answer("evaluate", "toy", "--home", toy_home)
        versions.append(answer("train", "toy", "--home", toy_home)["version"])
        answer("release", "toy", "--home", toy_home, "--at", f"2024-12-{day:02}")
    answer("rollback", "toy", "--home", toy_home, "--at", "2024-12-20", "--note", "empty answers")
    answer("rollback", "toy", "--home", toy_home, "--at", "2024-12-21")
    assert len({*versions}) == 10
    rows = answer("history", "toy", "--home", toy_home)["releases"]
    assert [row["version"] for row in rows] == [*versions, versions[8], versions[7]]
    assert [row["kind"] for row in rows] == ["release"] * 10 + ["rollback"] * 2
    assert rows[10]["note"] == "empty answers"
    days = {"2024-11-30": [], "2024-12-01": [0], "2024-12-05T12:00": [4], "2024-12-19": [9],
            "2024-12-20": [8], "2025-01-01": [7]}  # fmt: skip
    for on, expected in days.items():
        found = answer("history", "toy", "--home", toy_home, "--on", on)["releases"]
        assert [row["version"] for row in found] == [versions[i] for i in expected], on
    back = answer("rollback", "toy", "--home", toy_home, "--to", versions[0], "--at", "2025-01-02")
    assert back["release"]["version"] == versions[0]
    said = answer("rollback", "toy", "--home", toy_home, "--to", versions[0], code=2)["error"]
    assert "is in production since 2025-01-02" in said


@pytest.mark.slow
def test_of_two_processes_that_release_at_once_one_wins_and_the_other_is_told(
    ready: Path, tmp_path: Path, answer: Answer
) -> None:
    """Both have asked the gates before either writes: a gate of this home waits for a file."""
    path = ready / "initiatives" / "toy" / "__init__.py"
    gate = """

class Waits:
    name = "waits"

    def check(self, candidate: object) -> object:
        from matinee.platform.gates.gate import GateResult

        Path(os.environ["TOY_HERE"]).touch()
        while not Path(os.environ["TOY_GO"]).exists():
            time.sleep(0.01)
        return GateResult("waits", "passed", "Both are here.")


GATES"""
    text = (
        path.read_text()
        .replace("\nGATES", gate, 1)
        .replace("NotWorse(), Approval())", "NotWorse(), Waits())")
    )
    path.write_text(text)
    answer("train", "toy", "--seed", "1", "--home", ready)
    command = [sys.executable, "-m", "matinee.cli.main", "release", "toy", "--home", str(ready)]
    go = tmp_path / "go"
    processes = []
    for name in ("one", "two"):
        environ = {**os.environ, "TOY_HERE": str(tmp_path / name), "TOY_GO": str(go)}
        processes.append(
            subprocess.Popen(command, env=environ, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        )
    give_up = time.perf_counter() + 120
    while not all((tmp_path / name).exists() for name in ("one", "two")):
        assert time.perf_counter() < give_up
        time.sleep(0.05)
    go.touch()
    said = [process.communicate(timeout=120) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], said
    loser = next(err for process, (_, err) in zip(processes, said, strict=True) if process.returncode)
    assert "came first" in loser
    assert "Look at it (matinee history toy), then decide again." in loser
    assert len(answer("history", "toy", "--home", ready)["releases"]) == 1


def test_a_rollback_needs_neither_the_code_nor_the_settings(toy_home: Path, answer: Answer) -> None:
    for seed in ("0", "1"):
        answer("train", "toy", "--seed", seed, "--home", toy_home)
        answer("evaluate", "toy", "--home", toy_home)
        answer("release", "toy", "--home", toy_home)
    before = answer("history", "toy", "--home", toy_home)["releases"]
    (toy_home / "initiatives" / "toy" / "__init__.py").write_text("def (:\n")
    back = answer("rollback", "toy", "--home", toy_home)["release"]
    assert back["version"] == before[0]["version"] != before[1]["version"]
