"""Opening: what is wrong is named before anything is computed; a model that does not open costs no answer."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import TOY, ToyForecaster, in_home

from matinee.errors import ConfigError, InputError, NotFoundError, StorageError
from matinee.observe.home import Home
from matinee.platform.answering import Answering
from matinee.platform.deciding import Request
from matinee.platform.forecasting import Forecasting
from matinee.platform.initiative import Fallback
from matinee.platform.lifecycle.project import Project, open_project, open_project_of
from matinee.platform.lifecycle.releasing import release
from matinee.platform.lifecycle.training import train


def refused(kind: type[Exception], text: str) -> AbstractContextManager[Any]:
    return pytest.raises(kind, match=text)


def test_an_initiative_of_the_home_is_opened_by_its_name(home: Home) -> None:
    in_home(home)
    with open_project(home, "toy") as project:
        assert project.initiative.title == "A toy"
        assert project.lake is home
        assert project.surroundings.home.readable == frozenset({"plays"})
        with pytest.raises(ConfigError, match='table "titles" is read and not declared'):
            project.surroundings.home.check_readable(["titles"])


def test_unknown_names_are_told_with_the_nearest(home: Home, project: Project) -> None:
    in_home(home)
    with (
        refused(NotFoundError, r'unknown initiative "tyo"\. Did you mean "toy"'),
        open_project(home, "tyo"),
    ):
        pass
    with pytest.raises(NotFoundError, match='unknown model version "v9"'):
        project.model(version="v9")
    with (
        pytest.raises(ConfigError, match=r'data is "real", expected home or simulated'),
        open_project_of(home, TOY, data="real"),
    ):  # type: ignore[arg-type]
        pass


def test_a_wrong_setting_is_named_with_its_place(home: Home) -> None:
    in_home(home)
    home.settings.write_text("[toy]\nbais = 1\n", encoding="utf-8")
    with (
        refused(ConfigError, r'unknown key "bais"\. Did you mean "bias"'),
        open_project(home, "toy"),
    ):
        pass
    home.settings.write_text('[platform]\ncurrency = "euro"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r'currency is "euro".*matinee\.toml'), open_project(home, "toy"):
        pass
    assert not home.meta_db.exists()


def test_without_a_model_the_fallback_answers_and_says_why(project: Project) -> None:
    answering = project.answering()
    assert isinstance(answering, Answering)
    record = answering.answer(Request("m1", project.at_us), decision_id="d")
    assert record.fallback
    assert (record.model, record.policy) == ("none", "toy/nothing")
    assert "no trained toy here" in str(record.context["fallback_reason"])
    with pytest.raises(NotFoundError, match="Run: matinee train toy --home"):
        project.model()
    train(project)
    with pytest.raises(NotFoundError, match=r"no toy in production.*Run: matinee release toy --home"):
        project.model()


def test_the_newest_and_the_released_model_are_told_apart(project: Project) -> None:
    first = train(project)
    release(project_without_gates(project), released_us=1)
    second = train(project, seed=1)
    assert project.model("released")[0] == first.folder
    assert project.model("newest")[0] == second.folder
    assert project.model(version=first.version)[0] == first.folder
    answering = project.answering()
    assert (answering.model, answering.trouble) == (first.version, None)


def project_without_gates(project: Project) -> Project:
    return replace(project, initiative=replace(project.initiative, gates=()))


@pytest.mark.parametrize("damage", ["changed", "added", "gone", "swapped", "card"])
def test_a_damaged_model_is_not_opened_and_the_fallback_says_which_file(
    project: Project, damage: str
) -> None:
    done, other = train(project), train(project, seed=1)
    weights = done.folder / "weights.npy"
    if damage == "changed":
        weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    elif damage == "added":
        (done.folder / "weights2.npy").write_bytes(b"")
    elif damage == "gone":
        weights.unlink()
    elif damage == "swapped":
        shutil.copy(other.folder / "weights.npy", weights)
    else:
        (done.folder / "model.json").write_text("{}")
    opened = project.open_model(done.folder, done.version)
    assert isinstance(opened, Answering)
    assert opened.decider is None
    assert str(done.folder) in str(opened.trouble)
    record = opened.answer(Request("m1", project.at_us), decision_id="d")
    assert record.fallback
    assert record.context["fallback_reason"] == opened.trouble


def test_one_that_forecasts_gets_a_forecaster(home: Home) -> None:
    forecasts = replace(
        TOY,
        actions=None,
        target="plays",
        open=ToyForecaster.open,
        fallback=Fallback("zero", ToyForecaster.without),
    )
    with open_project_of(home, forecasts) as project:
        without = project.answering("newest")
        assert isinstance(without, Forecasting)
        found = without.forecast(["m1"], project.at_us)
        assert (found.fallback, found.values[0].value) == (True, 0.0)
        train(project)
        found = project.answering("newest").forecast(["m1", "stranger"], project.at_us)  # type: ignore[union-attr]
    assert not found.fallback
    assert [one.value > 0 for one in found.values] == [True, True]


def test_a_registry_that_is_no_database_or_is_gone_is_named(home: Home, tmp_path: Path) -> None:
    home.meta_db.write_text("no database")
    with pytest.raises((StorageError, InputError), match=r"meta\.db"), open_project_of(home, TOY):
        pass
    home.meta_db.unlink()
    with open_project_of(home, TOY) as project:
        train(project)
        for path in home.root.glob("meta.db*"):
            path.rename(tmp_path / path.name)
        with pytest.raises(StorageError, match=r"meta\.db: cannot be opened"):
            train(project, seed=1)
    assert len(list(home.releases.rglob("model.json"))) == 1
    with (
        pytest.raises(
            StorageError, match=r"meta\.db: is gone, expected the registry of the models in .*releases"
        ),
        open_project_of(home, TOY),
    ):
        pass
    assert not home.meta_db.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions of files")
def test_a_registry_on_postgres_that_is_away_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    monkeypatch.setenv("MATINEE_PLATFORM__REGISTRY", "postgresql://x:secret@127.0.0.1:1/none")
    with pytest.raises(StorageError, match="cannot be reached") as failure, open_project_of(home, TOY):
        pass
    assert "secret" not in str(failure.value)


def test_the_declaration_in_the_registry_follows_the_code(project: Project, home: Home) -> None:
    before = project.registry.initiatives.read("toy")
    with open_project_of(home, TOY) as again:
        assert again.registry.initiatives.read("toy") == before
    with open_project_of(home, replace(TOY, owner="somebody else", tier=2)) as changed:
        now = changed.registry.initiatives.read("toy")
    assert (now.owner, now.tier, now.registered_us) == ("somebody else", 2, before.registered_us)
    assert now.definition["inputs"] == {"plays": "to count"}
    assert now.definition["gates"] == [gate.name for gate in TOY.gates]
