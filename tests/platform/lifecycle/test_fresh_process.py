"""A new interpreter opens a version and answers, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.toys import in_home

from matinee.observe.home import Home
from matinee.platform.lifecycle import fresh_process
from matinee.platform.lifecycle.fresh_process import Order, answers_in_fresh_process, obey
from matinee.platform.lifecycle.project import Project, open_project
from matinee.platform.lifecycle.training import train


@pytest.fixture
def project_at_home(home: Home) -> Project:
    in_home(home)
    with open_project(home, "toy") as opened:
        train(opened)
        return opened


def order(project: Project, **other: object) -> Order:
    version = next(path.name for path in (project.home.releases / "toy").iterdir() if path.is_dir())
    given = {
        "home": str(project.home.root), "initiative": "toy", "data": "home", "version": version,
        "at_us": project.at_us, "unit_id": "m1",
    }  # fmt: skip
    return Order(**{**given, **other})  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_new_process_answers(home: Home) -> None:
    in_home(home)
    with open_project(home, "toy") as project:
        version = train(project).version
        assert answers_in_fresh_process(project, version, "m1") is None
        found = answers_in_fresh_process(project, "v9", "m1")
        assert found is not None
        assert 'unknown model version "v9"' in found


def test_what_it_is_asked_is_done(project_at_home: Project) -> None:
    assert obey(order(project_at_home)).problem is None
    missing = obey(order(project_at_home, initiative="tyo")).problem
    assert missing is not None
    assert "unknown initiative" in missing


def test_damage_and_answers_of_the_fallback_are_told(project_at_home: Project) -> None:
    asked = order(project_at_home)
    weights = project_at_home.home.releases / "toy" / asked.version / "weights.npy"
    weights.write_bytes(b"x")
    problem = obey(asked).problem
    assert problem is not None
    assert "weights.npy: is changed" in problem


def test_a_process_that_dies_or_hangs_is_told(
    project_at_home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_process.sys, "executable", "/bin/false")
    assert answers_in_fresh_process(project_at_home, "v1", "m1") == "it ended with code 1"
    monkeypatch.setattr(fresh_process.sys, "executable", str(sleeper(project_at_home.home.root)))
    monkeypatch.setattr(fresh_process, "WAIT_S", 0.2)
    assert answers_in_fresh_process(project_at_home, "v1", "m1") == "it took longer than 0 s"


def sleeper(folder: Path) -> Path:
    program = folder / "sleeper"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    return program
