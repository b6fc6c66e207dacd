"""matinee experiment: from a draft to a release, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import home_with_plays, in_home

from matinee.cli.main import commands, main, subcommands
from matinee.observe.home import Home
from matinee.platform.lifecycle.project import open_registry
from matinee.prove.experiment.findings import Look
from matinee.types import DAY_US, parse_at

Answer = Callable[..., Any]
START_US = parse_at("2024-11-06T20:15:00Z")


@pytest.fixture
def ready(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one version in production, and a newer one; made once and copied."""
    made = tmp_path_factory.getbasetemp() / "home-to-experiment-in"
    if not made.exists():
        in_home(home_with_plays(made))
        for bias in ("0", "1"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MATINEE_TOY__BIAS", bias)
                for command in ("evaluate", "train", *(["release"] if bias == "0" else [])):
                    assert main([command, "toy", "--home", str(made / "home"), "--json"]) == 0
    return Path(shutil.copytree(made / "home", tmp_path / "home"))


@pytest.fixture(autouse=True)
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings under which the newer version was made."""
    monkeypatch.setenv("MATINEE_TOY__BIAS", "1")


@pytest.fixture
def running(ready: Path, answer: Answer) -> Path:
    answer("experiment", "new", "toy-1", "--initiative", "toy", "--home", ready)
    answer("experiment", "start", "toy-1", "--by", "kim", "--salt", "s1", "--home", ready)
    return ready


def looked(home: Path, verdict: Any, winner: str | None) -> None:
    at_us = START_US + DAY_US
    one = Look(
        at_us=at_us, until_us=at_us, fraction=1.0, n={"control": 5_000, "treatment": 4_900}, verdict=verdict,
        winner=winner, estimate={"treatment": 0.1}, error={"treatment": 0.01}, bound={"treatment": 2.0},
    )  # fmt: skip
    with open_registry(Home(home)) as registry:
        registry.experiments.add_look("toy-1", one)


def test_from_draft_to_release(ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--home", ready]
    drafted = answer("experiment", "new", "toy-1", "--initiative", "toy", *place)
    assert drafted["next"] == "matinee experiment start toy-1 --home " + str(ready)
    assert answer("experiment", "list", *place) == {"experiments": [], "drafts": ["toy-1"]}
    assert answer("experiment", "start", "toy-1", "--dry-run", *place)["started"] is False
    begun = answer("experiment", "start", "toy-1", "--by", "kim", *place)["experiment"]
    assert (begun["started_us"], len(begun["definition"]["salt"])) == (START_US, 16)
    (listed,) = answer("experiment", "list", "--running", *place)["experiments"]
    assert (listed["name"], listed["state"]) == ("toy-1", "running")
    looked(ready, "ship", "treatment")
    later = ["--at", "2024-11-07", *place]
    stop = answer("experiment", "stop", "toy-1", "--dry-run", *later)
    assert (stop["stopped"], stop["experiment"]["verdict"]) == (False, "ship")
    capsys.readouterr()
    assert main(["experiment", "stop", "toy-1", *map(str, later)]) == 0
    version = begun["definition"]["arms"][1]["answers"]
    assert capsys.readouterr().out == (
        "Stopped: toy-1, verdict: ship treatment (the last look said: ship).\n"
        f"Ship it: matinee release toy --version {version} --home {ready}\n"
    )
    assert answer("release", "toy", "--version", version, *place)["released"] is True
    shown = answer("experiment", "show", "toy-1", *place)
    assert (shown["state"], shown["winner"], len(shown["looks"])) == ("stopped", "treatment", 1)


def test_what_a_person_reads(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--home", str(running)]
    looked(running, "go on", None)
    assert main(["experiment", "show", "toy-1", *place]) == 0
    text = capsys.readouterr().out
    for part in ("(running)", "treatment", "share 1", "look at 100% of the plan, 9,900 units: go on", "kim"):
        assert part in text
    assert main(["experiment", "list", *place]) == 0
    assert "toy 0-1" in capsys.readouterr().out
    path = running / "experiments" / "toy-1.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("alpha = 0.05", "alpha = 0.2"), encoding="utf-8")
    for command in (["show", "toy-1"], ["stop", "toy-1", "--dry-run", "--at", "2024-11-07"]):
        assert main(["experiment", *command, *place]) == 0
        assert "toy-1.toml was changed after the start" in capsys.readouterr().err
    assert main(["experiment", "stop", "toy-1", "--at", "2024-11-07", "--reason", "bored", *place]) == 0
    assert "verdict: undecided (bored)" in capsys.readouterr().out
    assert main(["experiment", "list", "--running", *place]) == 0
    assert "No experiment runs." in capsys.readouterr().out


def test_status_and_history_have_a_line_for_it(
    running: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--home", str(running)]
    for words in (["status"], ["status", "toy"], ["history", "toy"]):
        assert main([*words, *place]) == 0
        assert "toy-1 runs on 100% of layer toy, day 1 of 28" in capsys.readouterr().out
    answer("experiment", "stop", "toy-1", "--at", "2024-11-07", *place)
    for words in (["status", "--at", "2024-11-10"], ["history", "toy"]):
        assert main([*words, *place]) == 0
        assert "toy-1 ended 2024-11-07: undecided" in capsys.readouterr().out
    assert main(["status", "--at", "2025-01-10", *place]) == 0
    assert "toy-1" not in capsys.readouterr().out
    (listed,) = answer("history", "toy", *place)["experiments"]
    assert (listed["name"], listed["state"]) == ("toy-1", "stopped")
    one = next(one for one in answer("status", *place) if one["name"] == "toy")
    assert [tried["verdict"] for tried in one["experiments"]] == ["undecided"]


def test_an_interleaving_is_drafted(ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment", "new", "toy-1", "--initiative", "toy", "--interleaving", "--home", ready]
    draft = answer(*words)["experiment"]
    assert (draft["kind"], draft["guardrails"], draft["design"]["days"]) == ("interleaving", [], 14)
    answer("experiment", "start", "toy-1", "--home", ready)
    assert main(["experiment", "show", "toy-1", "--home", str(ready)]) == 0
    assert "Decided by the reward: whose slots earned it." in capsys.readouterr().out


def test_the_draft_says_what_comes_next(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "new", "toy-1", "--initiative", "toy", "--home", str(ready)]) == 0
    assert "then: matinee experiment start toy-1" in capsys.readouterr().out
    assert main(["experiment", "start", "toy-1", "--dry-run", "--home", str(ready)]) == 0
    told = capsys.readouterr().out
    assert "Nothing stands against it: toy-1 on 100% of layer toy" in told
    assert 'Its hypothesis is "If we ..., then ..., because ..."' in told
    assert "an A/A test" not in told
    assert main(["experiment", "start", "toy-1", "--home", str(ready)]) == 0
    assert "Started: toy-1 on 100% of layer toy" in capsys.readouterr().out


def test_arms_of_members(running: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--home", running]
    members = running / "who.csv"
    members.write_text("member_id\n" + "\n".join(f"m{n}" for n in range(300)) + "\n", encoding="utf-8")
    found = answer("experiment", "assign", "toy-1", "--members", members, *place)
    assert sum(found["counts"].values()) == 300
    out = running / "arms.csv"
    assert answer("experiment", "assign", "toy-1", "--members", members, "--out", out, *place)["out"]
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "member_id,arm,kept_out"
    assert lines[1] == f"m0,{found['members'][0]['arm']},false"
    one = answer("experiment", "assign", "toy-1", "--member", "m0", *place)["members"]
    assert one == found["members"][:1]
    assert main(["experiment", "assign", "toy-1", "--member", "m0", "--home", str(running)]) == 0
    assert one[0]["arm"] in capsys.readouterr().out
    for options in ([], ["--member", "m0", "--members", members]):
        wrong = answer("experiment", "assign", "toy-1", *options, *place, code=2)["error"]
        assert "from --members FILE or by --member ID, and not both" in wrong


def test_the_holdout_of_the_home(
    running: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATINEE_EXPERIMENTS__HOLDOUT", "0.9")
    options = [part for n in range(30) for part in ("--member", f"m{n}")]
    assert answer("experiment", "assign", "toy-1", *options, "--home", running)["counts"]["holdout"] > 15
    assert main(["experiment", "assign", "toy-1", *options, "--home", str(running)]) == 0
    assert "Write them to a file with --out." in capsys.readouterr().out


def test_a_ramp(ready: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--home", ready]
    path = Path(answer("experiment", "new", "toy-1", "--initiative", "toy", *place)["path"])
    text = path.read_text(encoding="utf-8").replace("share = 1 ", "share = 0.1 ")
    path.write_text(text, encoding="utf-8")
    answer("experiment", "start", "toy-1", *place)
    assert answer("experiment", "ramp", "toy-1", 0.4, "--dry-run", *place)["ramped"] is False
    assert main(["experiment", "ramp", "toy-1", "0.4", "--dry-run", "--home", str(ready)]) == 0
    assert main(["experiment", "ramp", "toy-1", "0.4", "--home", str(ready)]) == 0
    assert "Ramped: toy-1 on 40% of layer toy" in capsys.readouterr().out
    wrong = answer("experiment", "ramp", "toy-1", 0.2, *place, code=2)["error"]
    assert "share is 0.2, expected above 0.4" in wrong


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["start", "toy-1"], "toy-1: runs since 2024-11-06"),
        (["start", "toy-9"], "Write a draft: matinee experiment new toy-9"),
        (["new", "toy-1", "--initiative", "toy"], "is there already"),
        (["show", "toy-9"], 'unknown experiment "toy-9"'),
        (["stop", "toy-9"], 'unknown experiment "toy-9"'),
        (["stop", "toy-1", "--at", "2024-01-01"], "expected not before 2024-11-06"),
        (
            ["stop", "toy-1", "--at", "2024-11-09"],
            "the home's clock shows 2024-11-06T20:15:00Z, expected at most a",
        ),
        (["ramp", "toy-1", "1", "--at", "2024-11-09"], "units are assigned by the larger share from now on"),
        (["start", "toy-1", "--at", "2024-11-09"], "units are assigned from now on, and not from then"),
        (["ramp", "toy-1", "1"], "share is 1, expected above 1"),
        (["assign", "toy-9", "--member", "m1"], 'unknown experiment "toy-9"'),
    ],
)
def test_what_is_refused(running: Path, answer: Answer, command: list[str], said: str) -> None:
    assert said in answer("experiment", *command, "--home", running, code=2)["error"]


def test_files_of_sub_commands_are_no_commands() -> None:
    assert {"new", "start", "ramp", "stop", "list", "show", "assign"} <= set(subcommands("experiment"))
    assert not [name for name in commands() if name.startswith("experiment-")]
