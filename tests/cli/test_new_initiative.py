"""matinee new-initiative, and the whole path from it to production."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matinee.cli.main import main
from matinee.platform.loading import find

Answer = Callable[..., Any]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "shop")]) == 0
    return tmp_path / "shop"


def test_it_says_what_it_wrote_and_what_comes_next(
    shop: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer("new-initiative", "winback", "--title", "Win them back", "--home", shop)
    assert found["initiative"] == "winback"
    assert sorted(path.name for path in Path(found["folder"]).iterdir()) == found["files"]
    assert main(["new-initiative", "second", "--home", str(shop)]) == 0
    text = capsys.readouterr().out
    for command in ("train", "evaluate", "release"):
        assert f"matinee {command} second --home {shop}" in text
    listed = answer("config", "show", "--home", shop)
    assert "candidates" in str(listed)


@pytest.mark.parametrize("name", ["9x", "Home", "class", "clock", "winback", "win-back"])
def test_a_name_that_cannot_be_is_exit_2_and_nothing_is_written(
    shop: Path, answer: Answer, name: str
) -> None:
    answer("new-initiative", "winback", "--home", shop)
    said = answer("new-initiative", name, "--home", shop, code=2)["error"]
    assert f'"{name}"' in said
    assert [path.name for path in (shop / "initiatives").iterdir()] == ["winback"]


def test_the_name_of_an_installed_one_is_refused(shop: Path, answer: Answer) -> None:
    for name in find():
        assert "is there already" in answer("new-initiative", name, "--home", shop, code=2)["error"]
    assert not (shop / "initiatives").exists()


def test_outside_of_a_home_it_says_how_to_make_one(tmp_path: Path, answer: Answer) -> None:
    said = answer("new-initiative", "winback", "--home", tmp_path, code=2)["error"]
    assert "expected a service home. Make one: matinee init" in said


@pytest.mark.slow
def test_from_an_empty_folder_to_production(shop: Path, answer: Answer) -> None:
    answer("new-initiative", "winback", "--home", shop)
    version = answer("train", "winback", "--home", shop)["version"]
    report = answer("evaluate", "winback", "--home", shop)["result"]
    assert report["differences"][report["baseline"]]["played"]["low"] > 0
    released = answer("release", "winback", "--home", shop)
    assert released["released"] is True
    assert {one["verdict"] for one in released["attempt"]["gates"]} == {"passed", "not_measured"}
    standing = {one["name"]: one for one in answer("status", "--home", shop)}
    assert standing["winback"]["version"] == version
    assert {*find()} < {*standing}
    assert answer("history", "winback", "--home", shop)["releases"][0]["version"] == version
