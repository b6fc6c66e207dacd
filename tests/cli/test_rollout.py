"""matinee rollout: start, show, stop, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matinee.cli.main import main

Answer = Callable[..., Any]


@pytest.fixture
def ready(toy_home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one version in production, and a newer one."""
    for bias in (0, 1):
        monkeypatch.setenv("MATINEE_TOY__BIAS", str(bias))
        answer("evaluate", "toy", "--home", toy_home)
        answer("train", "toy", "--home", toy_home)
        if bias == 0:
            answer("release", "toy", "--home", toy_home)
    return toy_home


def test_from_start_to_release(ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer("rollout", "toy", "--canary", 0.05, "--dry-run", "--home", ready)["started"] is False
    begun = answer("rollout", "toy", "--canary", 0.05, "--approver", "kim", "--home", ready)
    assert begun["started"] is True
    assert (begun["attempt"]["rollout"]["share"], len(begun["attempt"]["gates"])) == (0.05, 3)
    assert answer("rollout", "toy", "--home", ready)["running"]["kind"] == "canary"
    for command in (["status"], ["status", "toy"], ["rollout", "toy"], ["history", "toy"]):
        assert main([*command, "--home", str(ready)]) == 0
        assert "canary" in capsys.readouterr().out
    answer("rollout", "toy", "--shadow", "--home", ready, code=2)
    answer("release", "toy", "--home", ready)
    shown = answer("rollout", "toy", "--home", ready)
    assert shown["running"] is None
    assert [one["verdict"] for one in answer("history", "toy", "--home", ready)["rollouts"]] == ["released"]


def test_a_shadow_is_stopped_by_hand(ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", "toy", "--shadow", "--share", "0.25", "--home", str(ready)]) == 0
    assert "Started: shadow of" in capsys.readouterr().out
    assert answer("rollout", "toy", "--stop", "--dry-run", "--home", ready)["stopped"] is False
    assert main(["rollout", "toy", "--stop", "--note", "seen", "--home", str(ready)]) == 0
    assert "for 25% of the requests" in capsys.readouterr().out
    assert "expected one to stop" in answer("rollout", "toy", "--stop", "--home", ready, code=1)["error"]


def test_gates_that_refuse_a_canary_say_why(
    ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_TOY__LIFT", "-0.3")
    answer("evaluate", "toy", "--home", ready)
    answer("train", "toy", "--home", ready)
    assert main(["rollout", "toy", "--canary", "0.05", "--home", str(ready)]) == 1
    text = capsys.readouterr().out
    assert "beats_baseline" in text
    assert "Not started: " in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shadow", "--stop"], "--shadow and --stop were given, expected one of them"),
        (["--canary", "0.1", "--share", "0.2"], "expected it with --shadow only"),
        (["--version", "v9"], "expected it with --shadow or --canary"),
        (["--canary", "2"], "share is 2.0, expected above 0 and at most 1"),
    ],
)
def test_options_that_do_not_go_together(
    toy_home: Path, answer: Answer, options: list[str], said: str
) -> None:
    answer("train", "toy", "--home", toy_home)
    assert said in answer("rollout", "toy", *options, "--home", toy_home, code=2)["error"]
