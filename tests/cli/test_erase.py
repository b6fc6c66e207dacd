from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.lifecycle.erasable import WHO, fill

from matinee.cli.main import main
from matinee.observe.erasure.search import search
from matinee.observe.home import Home
from matinee.platform.lifecycle import erasing


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing.time, "sleep", lambda _s: None)


def test_erase_says_what_was_removed_and_refuses_twice_nothing(
    tmp_path: Path, answer: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    home = fill(tmp_path / "shop")
    planned = answer("erase", WHO, "--dry-run", "--home", home.root)
    assert planned["state"] == "planned"
    assert list(search(home, WHO))
    done = answer("erase", WHO, "--home", home.root)
    assert done["removed"]["lake"] == {"plays": 4, "members": 1, "decisions": 2}
    assert list(search(home, WHO)) == []
    receipt = json.loads((home.root / "receipts" / f"erasure-{done['person'][:16]}.json").read_text())
    assert receipt == done
    assert WHO not in json.dumps(receipt)
    assert main(["erase", "--again", "--home", str(home.root)]) == 0
    assert "0 who were erased before were erased again." in capsys.readouterr().out


def test_erase_prints_a_table_and_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = fill(tmp_path / "shop")
    assert main(["erase", WHO, "--home", str(home.root)]) == 0
    told = capsys.readouterr()
    assert "Train again, since they learned from the member: toy/new" in told.out
    assert "Erased. The id is refused from now on." in told.out
    assert "left: Backups and copies outside the home" in told.err


def test_erase_needs_one_of_member_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home.create(tmp_path / "shop")
    home.settings.write_text("")
    for words in ([], ["m1", "--again"]):
        assert main(["erase", *words, "--home", str(home.root)]) == 2
        assert "name a MEMBER, or pass --again" in capsys.readouterr().err


def test_status_says_that_a_model_must_be_trained_again(
    toy_home: Path, answer: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["train", "toy"], ["evaluate", "toy"], ["release", "toy"]):
        assert main([*command, "--home", str(toy_home)]) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert [one["retrain"] for one in answer("status", "toy", "--home", toy_home)] == [0]
    answer("erase", "m3", "--home", toy_home)
    assert [one["retrain"] for one in answer("status", "toy", "--home", toy_home)] == [1]
    assert main(["status", "--home", str(toy_home)]) == 0
    assert "toy: holds what an erased member did: train again, and release" in capsys.readouterr().out
    for command in (["train", "toy"], ["evaluate", "toy"], ["release", "toy"]):
        assert main([*command, "--home", str(toy_home)]) == 0, capsys.readouterr().err
    assert [one["retrain"] for one in answer("status", "toy", "--home", toy_home)] == [0]
