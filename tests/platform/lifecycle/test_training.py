"""Training: the same gives the same version, nothing is computed twice, nothing is half-registered."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.platform.pipeline.modules import states
from tests.platform.toys import STEPS, TOY, home_with_plays

from matinee.errors import ConfigError, InputError, StorageError
from matinee.observe.home import Home
from matinee.platform.lifecycle import training
from matinee.platform.lifecycle.project import Project, open_project_of
from matinee.platform.lifecycle.training import train
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step


def test_the_same_gives_the_same_version_in_any_home(project: Project, tmp_path: Path) -> None:
    first = train(project)
    assert states(first.run) == dict.fromkeys(STEPS, "ran")
    again = train(project)
    assert states(again.run) == dict.fromkeys(STEPS, "cached")
    (tmp_path / "other").mkdir()
    with open_project_of(home_with_plays(tmp_path / "other"), TOY) as elsewhere:
        other = train(elsewhere)
    assert first.version == again.version == other.version
    assert first.card.files == other.card.files
    assert sorted(first.card.files) == ["weights.npy"]
    assert first.card.at == "2024-11-06T20:15:00Z"


def test_another_seed_setting_or_log_gives_another_version_and_runs_only_what_depends_on_it(
    project: Project, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [train(project)]
    versions.append(train(project, seed=1))
    assert states(versions[-1].run) == {"counts": "cached", "noise": "ran", "model": "ran"}
    monkeypatch.setenv("MATINEE_TOY__BIAS", "2")
    with open_project_of(home, TOY) as other:
        versions.append(train(other))
    assert states(versions[-1].run) == {"counts": "cached", "noise": "cached", "model": "ran"}
    with open_project_of(home, TOY, at="2024-11-05") as earlier:
        versions.append(train(earlier))
    assert states(versions[-1].run)["counts"] == "ran"
    assert len({one.version for one in versions}) == 4
    assert project.registry.models.versions("toy")[0].version == versions[-1].version
    assert project.registry.releases.current("toy") is None


def test_the_registry_knows_the_run_and_what_it_read(project: Project) -> None:
    done = train(project, seed=3, run_id="night")
    run = project.registry.runs.read("night")
    assert (run.state, run.seed, run.pipeline, run.data) == ("done", 3, "train", "home")
    assert {one.name: one.state for one in project.registry.runs.steps("night")} == states(done.run)
    row = project.registry.models.read("toy", done.version)
    assert (row.run_id, row.files, row.code) == ("night", done.card.files, done.card.code)
    assert (project.home.root / row.folder).samefile(done.folder)


def broken(noise: list[float]) -> int:
    raise ValueError("no")


def noise(seed: int) -> list[float]:
    return [seed / 3]


def test_a_step_that_fails_is_named_and_makes_no_version(project: Project, home: Home) -> None:
    failing = replace(TOY, pipeline=Pipeline("toy.train", [noise, broken]))
    with open_project_of(home, failing) as other, pytest.raises(Exception, match="broken") as failure:
        train(other, run_id="r")
    assert "no" in str(failure.value)
    assert project.registry.runs.read("r").state == "failed"
    assert project.registry.models.versions("toy") == []
    assert not list(home.releases.rglob("model.json"))


def greedy(home: Home, at_us: int) -> int:
    home.check_readable(["titles"])
    return 1


def test_an_undeclared_read_stops_the_run(project: Project, home: Home) -> None:
    curious = replace(TOY, pipeline=Pipeline("toy.train", [step(greedy, reads=("plays",))]))
    with (
        open_project_of(home, curious) as other,
        pytest.raises(ConfigError, match=r'greedy.*table "titles" is read and not declared'),
    ):
        train(other)
    assert project.registry.models.versions("toy") == []


def test_a_run_that_is_done_is_left_and_one_that_asked_something_else_is_refused(project: Project) -> None:
    first = train(project, run_id="r", seed=1)
    assert train(project, run_id="r", seed=1).version == first.version  # as a second line of cron does
    with pytest.raises(InputError, match="run r"):
        train(project, run_id="r", seed=2)
    assert len(project.registry.models.versions("toy")) == 1


def test_a_disk_that_is_full_leaves_what_was_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(project)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(StorageError, match="No space left on device"):
        train(project, seed=1)
    assert [row.version for row in project.registry.models.versions("toy")] == [first.version]
    assert [path.name for path in first.folder.parent.iterdir() if path.is_dir()] == [first.version]
    monkeypatch.undo()
    assert states(train(project, seed=1).run) == dict.fromkeys(STEPS, "cached")


def test_a_registry_that_fails_at_the_end_is_told_and_the_next_training_registers(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_: object) -> None:
        raise StorageError("meta.db: is gone.")

    monkeypatch.setattr(training, "ModelRow", gone)
    with pytest.raises(StorageError, match="is gone"):
        train(project)
    assert project.registry.models.versions("toy") == []
    monkeypatch.undo()
    done = train(project)
    assert [row.version for row in project.registry.models.versions("toy")] == [done.version]
