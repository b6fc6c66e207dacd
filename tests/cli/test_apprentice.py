"""`matinee apprentice`, and `matinee ope` of a version: reports, steps, exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.lifecycle.logged_toy import AT, decide, version

from matinee.cli.main import main
from matinee.observe.home import Home

OLD, BETTER = (1.0, 1.0, 2.0), (0.2, 3.0, 0.2)


@pytest.fixture
def versions(toy_home: Path) -> tuple[str, str]:
    home = Home(toy_home)
    old, new = version(home, OLD, release=True), version(home, BETTER)
    decide(home, old, OLD, 300, shadow=(new, BETTER))
    return old, new


def test_it_reports_and_steps_only_when_asked(
    toy_home: Path, versions: tuple[str, str], answer: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["apprentice", "toy", "--home", str(toy_home), "--at", AT]
    report = answer(*words)
    assert report["stepped"] is None
    found = report["apprentice"]
    assert (found["incumbent"], found["version"], found["stage"]) == (*versions, "new")
    assert found["agreement"]["n"] == 300
    assert answer(*words, "--step")["stepped"]["did"] == "started a shadow"
    assert (
        answer(*words, "--step", "--approver", "kim", code=1)["stepped"]["did"] == ""
    )  # gates: no evaluation
    capsys.readouterr()
    assert main([*words]) == 0
    printed = capsys.readouterr().out
    for said in ("as a shadow", "Agreement: it chose what was shown in", "gain, at every look", "Due: 1%."):
        assert said in printed
    assert main([*words, "--step", "--approver", "kim"]) == 1
    assert "said no. All stays as it is." in capsys.readouterr().out


def test_ope_asks_a_version_by_name(
    toy_home: Path, versions: tuple[str, str], answer: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["ope", "--initiative", "toy", "--home", str(toy_home), "--at", AT, "--policy-version"]
    report = answer(*words, "newest")
    assert (report["verdict"], report["version"], report["n_learned"]) == ("estimated", versions[1], 0)
    assert report["left_out"] == {"made in the shadow of another": 300}
    assert report["estimates"]["ips"]["value"] > report["logged"]["value"]
    assert answer(*words, "released")["estimates"]["ips"]["value"] == pytest.approx(report["logged"]["value"])
    assert "nope" in answer(*words, "nope", code=2)["error"]
    assert main([*words, "newest", "--learned"]) == 0
    assert "had learned until 2024-10-27T03:33:20Z, was asked as of" in capsys.readouterr().out


def test_words_that_do_not_fit_are_refused(tmp_path: Path, answer: Callable[..., Any]) -> None:
    log = tmp_path / "log.csv"
    said = answer("ope", "--log", log, "--policy-version", "v1", code=2)["error"]
    assert "expected the --initiative that the version belongs to" in said
    said = answer("ope", "--log", log, "--policy", log, "--narrowed", code=2)["error"]
    assert "expected --policy-version beside them" in said
    said = answer("ope", "--log", log, code=2)["error"]
    assert "--policy is None and --policy-version is None, expected one of the two" in said
    said = answer("ope", "--initiative", "toy", "--slates", "--policy-version", "v1", code=2)["error"]
    assert "a version is asked about decisions of one action only" in said
