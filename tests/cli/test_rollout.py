"""matinee rollout: start, show, stop, and what it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import home_with_plays, in_home

from matinee.cli.main import main
from matinee.observe.home import Home
from matinee.observe.state.open import open_store

Answer = Callable[..., Any]


@pytest.fixture
def ready(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one version in production, and a newer one; made once and copied."""
    made = tmp_path_factory.getbasetemp() / "home-with-two-versions"
    if not made.exists():
        home = home_with_plays(made)
        in_home(home)
        for bias in ("0", "1"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MATINEE_TOY__BIAS", bias)
                for command in ("evaluate", "train", *(["release"] if bias == "0" else [])):
                    assert main([command, "toy", "--home", str(home.root), "--json"]) == 0
    return Path(shutil.copytree(made / "home", tmp_path / "home"))


@pytest.fixture(autouse=True)
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings under which the newer version was made."""
    monkeypatch.setenv("MATINEE_TOY__BIAS", "1")


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


def test_what_the_servers_counted_is_shown(
    ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = answer("rollout", "toy", "--canary", 0.05, "--home", ready)["attempt"]["rollout"]
    assert answer("rollout", "toy", "--home", ready)["seen"] is None
    store = open_store(Home(ready))
    store.count(f"canary:{begun['id']}:canary:answers", 40)
    store.count(f"canary:{begun['id']}:canary:late", 3)
    assert answer("rollout", "toy", "--home", ready)["seen"]["canary"]["answers"] == 40
    assert main(["rollout", "toy", "--home", str(ready)]) == 0
    assert "over budget" in capsys.readouterr().out
    answer("rollout", "toy", "--stop", "--home", ready)
    begun = answer("rollout", "toy", "--shadow", "--home", ready)["attempt"]["rollout"]
    store.count(f"shadow:{begun['id']}:answers", 10)
    store.count(f"shadow:{begun['id']}:took_us", 20_000)
    store.close()
    assert answer("rollout", "toy", "--home", ready)["seen"]["took_ms"] == 2.0
    assert main(["rollout", "toy", "--home", str(ready)]) == 0
    assert "agreement" in capsys.readouterr().out
