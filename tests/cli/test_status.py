"""matinee status: the next step of an initiative, from an empty home to a release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import in_home

from matinee.cli.main import main
from matinee.observe.home import Home

Answer = Callable[..., Any]


def test_the_next_step_follows_what_the_home_has(tmp_path: Path, answer: Answer) -> None:
    shop, plays = tmp_path / "shop", tmp_path / "plays.csv"
    plays.write_text("member_id,title_id,at\nm,a,5\n")
    answer("init", shop, "--now", "last_event")
    in_home(Home(shop))
    for command, code, then in (
        (["import", "titles", _titles(tmp_path)], 0, "matinee import events FILE"),
        (["import", "events", plays], 0, "matinee train toy"),
        (["train", "toy"], 0, "matinee evaluate toy"),
        (["evaluate", "toy"], 0, "matinee release toy"),
        (["release", "toy"], 0, "none"),
    ):
        answer(*command, "--home", shop, code=code)
        (found,) = answer("status", "toy", "--home", shop)
        assert (found["next_step"], found["planned"]) == (then, "none")


def test_after_a_refusal_its_gates_come_first(
    toy_home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATINEE_TOY__LIFT", "-0.1")
    answer("train", "toy", "--home", toy_home)
    answer("evaluate", "toy", "--home", toy_home)
    answer("release", "toy", "--home", toy_home, code=1)
    assert main(["status", "toy", "--home", str(toy_home)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "next step mend what its gates refused, then matinee release toy" in said
    assert "planned none" in said


def test_without_events_only_simulated_data_can_be_learned_from(tmp_path: Path, answer: Answer) -> None:
    shop = tmp_path / "shop"
    answer("init", shop)
    answer("new-initiative", "trial", "--home", shop)
    steps = {one["name"]: one["next_step"] for one in answer("status", "--home", shop)}
    assert steps["homepage"] == "matinee import events FILE"
    assert steps["trial"] == "matinee train trial"


def _titles(folder: Path) -> Path:
    path = folder / "titles.csv"
    path.write_text("title_id\na\n")
    return path
