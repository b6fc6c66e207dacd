"""Files of slates, and the pages of a home."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.platform.toys import TOY
from tests.prove.offpolicy.slates.worlds import SmallSlates, cascade, slates
from tests.prove.offpolicy.test_logged import LATER, logged

from matinee.cli.main import main
from matinee.errors import InputError
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.platform.outcomes.join import join
from matinee.prove.offpolicy.log import EmptyLogError
from matinee.prove.offpolicy.slates.evaluating import evaluate_slates
from matinee.prove.offpolicy.slates.logged import read_slates
from matinee.prove.offpolicy.slates.reading import has_slots, read_slate_log, read_slate_policy


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(*command: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert main([*map(str, command), "--json"]) == code, capsys.readouterr().err
        printed = capsys.readouterr()
        return json.loads(printed.out or printed.err)

    return run


def write(folder: Path, given: SmallSlates, *, whole: bool = True) -> tuple[Path, Path]:
    problem, log = given.problem, given.problem.log
    assert problem.target is not None
    rows = ["decision_id,unit_id,slot,action,propensity,reward,n_actions"]
    policy = ["decision_id,slot,action,p"]
    for i, page in enumerate(log.page):
        one = f"{log.decision_id[page]}"
        slot = log.position[i] + 1
        rows.append(
            f"{one},u{log.unit[page]},{slot},{'abcd'[log.action[i]]},{log.propensity[i]!r},{log.reward[i]},"
            f"{log.n_actions[i]:g}"  # type: ignore[index]
        )
        table = problem.target.p[4 * i : 4 * i + 4]
        kept = range(4) if whole else [log.action[i]]
        policy += [f"{one},{slot},{'abcd'[a]},{table[a]!r}" for a in kept]
    paths = folder / "slates.csv", folder / "policy.csv"
    for path, lines in zip(paths, (rows, policy), strict=True):
        path.write_text("\n".join(lines).replace("np.float64(", "").replace(")", "") + "\n")
    return paths


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given = slates(300, cascade)
    path, policy = write(tmp_path, given)
    assert has_slots(path)
    log = read_slate_log(path)
    problem = read_slate_policy(policy, log)
    for name in ("page", "position", "action", "propensity", "reward", "n_actions"):
        assert np.array_equal(getattr(log, name), getattr(given.problem.log, name)), name
    assert np.allclose(problem.p, given.problem.p)
    read, made = evaluate_slates(problem).estimates, evaluate_slates(given.problem).estimates
    for name in ("iips", "rips", "snrips", "sips"):
        assert read[name].value == pytest.approx(made[name].value, rel=1e-9)
    path.write_text("\n".join(reversed(path.read_text().splitlines()[1:])))
    path.write_text("decision_id,unit_id,slot,action,propensity,reward,n_actions\n" + path.read_text())
    assert read_slate_log(path).position[:3].tolist() == [0, 1, 2]


def test_logged_actions_alone_are_enough_for_weights(tmp_path: Path) -> None:
    path, policy = write(tmp_path, slates(300, cascade), whole=False)
    report = evaluate_slates(read_slate_policy(policy, read_slate_log(path)))
    assert set(report.estimates) == {"iips", "rips", "snrips", "sips"}
    assert "every action in each slot" in report.not_run["cascade_dr"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("d99,u9,1,a,0,1,4", "line 62: propensity is \"0\", expected a probability above 0 and at most 1"),
        ("d99,u9,1,a,1.5,1,4", "propensity is \"1.5\""),
        ("d99,u9,1,a,nan,1,4", "propensity is \"nan\""),
        ("d99,u9,1,a,,1,4", "propensity is empty"),
        ("d99,u9,0,a,0.5,1,4", "slot is \"0\", expected a whole number from 1"),
        ("d99,u9,1,a,0.5,nan,4", "reward is \"nan\""),
        ("d99,u9,1,a,0.5,1,", "line 62: n_actions is empty, expected a number in every row"),
        ("d1,u1,2,a,0.5,1,4", "slot 2 of decision \"d1\" stands twice, expected each once"),
        ("d1,u7,4,a,0.5,1,4", "decision \"d1\" is about two units"),
    ],
)  # fmt: skip
def test_bad_lines_are_named(tmp_path: Path, line: str, said: str) -> None:
    path, _ = write(tmp_path, slates(20, cascade))
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError) as problem:
        read_slate_log(path)
    assert said in str(problem.value)


def test_a_reward_before_its_decision_and_an_empty_log_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "decision_id,unit_id,slot,action,propensity,reward,at,reward_at\n"
        "d1,u1,1,a,0.5,1,2025-01-02T00:00:00Z,2025-01-01T00:00:00Z\n"
    )
    with pytest.raises(InputError, match="line 2: reward_at is before at"):
        read_slate_log(path)
    path.write_text("decision_id,unit_id,slot,action,propensity,reward\n")
    with pytest.raises(InputError, match=r"0 slots|no row|empty"):
        read_slate_log(path)


def test_policies_of_another_log_are_refused(tmp_path: Path) -> None:
    path, policy = write(tmp_path, slates(20, cascade))
    log, lines = read_slate_log(path), policy.read_text().splitlines()

    def refused(rows: list[str]) -> str:
        policy.write_text("\n".join(rows) + "\n")
        with pytest.raises(InputError) as problem:
            read_slate_policy(policy, log)
        return str(problem.value)

    assert 'it lacks 1 of 60 slots of the log, as slot 1 of decision "d0"' in refused([lines[0], *lines[5:]])
    assert 'has action "a" twice' in refused([*lines, lines[1]])
    assert "sums to 3, expected at most 1" in refused(
        [lines[0], "d0,1,a,1", "d0,1,b,1", "d0,1,c,1", *lines[5:]]
    )
    assert "lacks the logged action" in refused([lines[0], "d0,1,zzz,0.5", *lines[5:]])


def test_the_command_prints_positions_and_refuses(
    tmp_path: Path, answer: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    given = slates(400, cascade)
    path, policy = write(tmp_path, given)
    words = ["ope", "--log", str(path), "--policy", str(policy)]
    report = answer(*words)
    one = report["estimates"]["cascade_dr"]
    assert one["low"] < given.truth < one["high"]
    assert len(report["diagnostics"]["positions"]) == 3
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.index("By position: own weight") < printed.index("Reward per decision")
    assert "iips: it takes for granted that a slot's reward depends on its own action alone." in printed
    head, *rest = path.read_text().splitlines()
    cells = [line.split(",") for line in rest]
    broken = [",".join([*c[:4], str(float(c[4]) / 2), *c[5:]]) for c in cells]
    path.write_text("\n".join([head, *broken]))
    assert answer(*words, code=1)["verdict"] == "refused"
    assert main(words) == 1
    assert "Refused: no estimate is given." in capsys.readouterr().out


def test_pages_of_a_home(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    with pytest.raises(EmptyLogError, match='no outcome of "toy" in the lake'):
        read_slates(home, "toy")
    first = logged(home, 0, Slot("mail", 0.25, row=1, col=1, n_permitted=4), reward=1.0)
    logged(home, 1, Slot("wait", 0.75, n_permitted=4), reward=0.0)
    logged(home, 2, Slot("wait", 0.75), Slot("mail", 0.5), reward=None)
    logged(home, 3, Slot("wait", 0.75), reward=1.0, fallback=True)
    logged(home, 4, Slot("wait", 0.75), reward=None, sticky_of=first)
    join(home, TOY, now_us=LATER)
    log = read_slates(home, "toy", at_us=LATER)
    assert log.decision_id[0] == first
    assert (log.n_pages, log.n_late, log.propensity.tolist()) == (2, 0, [0.25, 0.75])
    assert log.left_out == {"answered by the fallback": 1, "served again": 1, "without a known reward": 1}
