"""`matinee ope`: the forms of its answers, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.prove.offpolicy.worlds import NEW, OLD, Small, small

from matinee.cli.main import main


def write(folder: Path, given: Small, *, wrong: float = 1.0, only: str = "abc") -> list[str]:
    """Log and policy in the layout of the design; `wrong` multiplies every propensity."""
    log = given.problem.log
    lines = ["decision_id,unit_id,action,propensity,reward,n_actions,p_all,device"]
    policy = ["decision_id,action,p"]
    for i, x in enumerate(given.row):
        p_all = json.dumps(dict(zip("abc", OLD[x], strict=True))).replace('"', '""')
        lines.append(
            f"d{i},u{log.unit[i]},{'abc'[log.action[i]]},{log.propensity[i] * wrong},{log.reward[i]},3,"
            f'"{p_all}",k{x}'
        )
        policy += [f"d{i},{a},{p}" for a, p in zip("abc", NEW[x], strict=True)]
    (folder / "log.csv").write_text("\n".join(lines))
    (folder / "policy.csv").write_text("\n".join(policy))
    (folder / "clusters.csv").write_text("action,cluster\na,x\nb,y\nc,x\n")
    return ["ope", "--log", str(folder / "log.csv"), "--policy", str(folder / "policy.csv")]


def test_estimates_come_with_intervals_and_diagnostics(tmp_path: Path, answer: Callable[..., Any]) -> None:
    given = small(3000)
    words = write(tmp_path, given)
    report = answer(*words, "--clusters", tmp_path / "clusters.csv", "--estimator", "all")
    assert (report["verdict"], report["reasons"]) == ("estimated", [])
    assert set(report["not_run"]) == {"replay"}
    for name in ("ips", "snips", "dr", "mips", "offcem"):
        one = report["estimates"][name]
        assert one["low"] < one["value"] < one["high"]
    for name in ("ips", "snips", "dr"):
        assert report["estimates"][name]["low"] < given.truth < report["estimates"][name]["high"]
    weight = NEW[given.row, given.problem.log.action] / given.problem.log.propensity
    found = report["diagnostics"]
    assert found["mean_weight"] == pytest.approx(weight.mean())
    assert found["ess"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert found["max_weight"] == pytest.approx(weight.max())
    assert found["identity_mean"] == pytest.approx(np.mean(1 / (3 * given.problem.log.propensity)))
    assert report["bounds"]["lower"] < report["estimates"]["ips"]["value"]


def test_the_table_begins_with_the_diagnostics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*write(tmp_path, small(1000)), "--estimator", "dr", "dm"]) == 0
    printed = capsys.readouterr()
    assert printed.out.index("identity_mean") < printed.out.index("Reward per decision")
    assert "dm: its interval leaves out the error of the model." in printed.out
    assert "as logged" in printed.out
    assert main([*write(tmp_path, small(1000))]) == 0
    assert "Not run: offcem, it needs a cluster for each action" in capsys.readouterr().err


def test_a_broken_log_is_refused_in_the_form_of_the_design(
    tmp_path: Path, answer: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = write(tmp_path, small(1000), wrong=0.4)
    report = answer(*words, code=1)
    assert (report["verdict"], report["estimates"]) == ("refused", {})
    assert any("Mean of 1 / (actions * propensity) is 2.5" in reason for reason in report["reasons"])
    assert {"mean_weight", "identity_mean", "ess", "max_weight"} <= set(report["diagnostics"])
    assert main(words) == 1
    printed = capsys.readouterr().out
    assert "Refused: no estimate is given." in printed
    assert "Reward per decision" not in printed


def test_a_policy_for_other_actions_and_a_log_of_one_are_refused(
    tmp_path: Path, answer: Callable[..., Any]
) -> None:
    words = write(tmp_path, small(200))
    policy = tmp_path / "policy.csv"
    policy.write_text("decision_id,action,p\n" + "".join(f"d{i},zzz,1\n" for i in range(200)))
    reasons = " ".join(answer(*words, code=1)["reasons"])
    assert 'actions that the log could not take, most on "zzz"' in reasons
    log = tmp_path / "log.csv"
    log.write_text(
        "decision_id,unit_id,action,propensity,reward\n" + "".join(f"d{i},u{i},a,1,1\n" for i in range(200))
    )
    policy.write_text("decision_id,action,p\n" + "".join(f"d{i},a,1\n" for i in range(200)))
    assert 'The log holds one action, "a"' in " ".join(answer(*words, code=1)["reasons"])


def test_bad_input_is_exit_code_2(tmp_path: Path, answer: Callable[..., Any]) -> None:
    words = write(tmp_path, small(50))
    assert "expected one of the two" in answer("ope", "--policy", tmp_path / "policy.csv", code=2)["error"]
    unknown = answer(*words, "--estimator", "drr", code=2)["error"]
    assert 'unknown estimator "drr". Did you mean "dr"?' in unknown
    assert "confidence is 95" in answer(*words, "--confidence", 95, "--min-ess", 0, code=2)["error"]
    assert "expected at most 0.5" in answer(*words, "--reward-high", 0.5, code=2)["error"]
    log = tmp_path / "log.csv"
    log.write_text(log.read_text().replace("d1,u1,", "d1,,", 1))
    assert "line 3: unit_id is empty" in answer(*words, code=2)["error"]
    for wrong, said in (("d1,u1,a,b,", "number of values"), ("d1,u1", "number of values")):
        write(tmp_path, small(50))
        lines = log.read_text().splitlines()
        lines[2] = wrong * 9 if wrong.endswith(",") else wrong
        log.write_text("\n".join(lines))
        error = answer(*words, code=2)["error"]
        assert said in error
        assert "Correct the line." in error
    write(tmp_path, small(50))
    lines = log.read_text().splitlines()
    place = lines[0].split(",").index("propensity")
    lines[2] = ",".join("1.5" if i == place else part for i, part in enumerate(lines[2].split(",")))
    log.write_text("\n".join(lines))
    error = answer(*words, code=2)["error"]
    assert "line 3: propensity is" in error
    assert "--on-error" not in error


def test_rewards_without_known_bounds_leave_the_bounds_out(
    tmp_path: Path, answer: Callable[..., Any]
) -> None:
    given = small(500)
    words = write(tmp_path, given)
    log = tmp_path / "log.csv"
    log.write_text(log.read_text().replace(",1.0,3,", ",7.5,3,").replace(",0.0,3,", ",-1,3,"))
    report = answer(*words)
    assert report["not_run"]["lower_bound"] == "the least reward is not known (--reward-low)"
    report = answer(*words, "--reward-low", "-1", "--reward-high", "10")
    assert report["bounds"]["low"] < report["estimates"]["ips"]["value"] < report["bounds"]["high"]


def test_an_initiative_of_a_home(tmp_path: Path, answer: Callable[..., Any]) -> None:
    assert main(["init", str(tmp_path / "shop"), "--now", "last_event"]) == 0
    policy = tmp_path / "policy.csv"
    policy.write_text("decision_id,action,p\nd,a,1\n")
    words = ["ope", "--initiative", "toy", "--home", tmp_path / "shop", "--policy", policy]
    assert 'no outcome of "toy" in the lake' in answer(*words, code=2)["error"]
