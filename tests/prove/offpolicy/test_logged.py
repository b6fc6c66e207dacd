"""The outcomes of a home as a log: which decisions are examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.toys import TOY

from matinee.errors import InputError
from matinee.observe.decision_log import RewardRow, decision_line, new_decision_id, reward_id, reward_line
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.outcomes.join import join
from matinee.prove.offpolicy.logged import read_outcomes
from matinee.types import HOUR_US

AT = 1_730_000_000_000_000
LATER = AT + 100 * HOUR_US


def logged(
    home: Home, i: int, *slots: Slot, reward: float | None, seen_us: int = 0, **changes: object
) -> str:
    at_us = AT + i * 1_000_000
    given = {"policy": "p", "model": "v", "initiative": "toy", "unit_id": f"m{i % 3}"} | changes
    decision_id = new_decision_id(at_us)
    record = DecisionRecord(decision_id=decision_id, at_us=at_us, slots=list(slots), **given)  # type: ignore[arg-type]
    lines = [decision_line(record, at_us, 2 * i)]
    if reward is not None:
        row = RewardRow(
            reward_id(decision_id, TOY.reward.name), decision_id, "toy", record.unit_id, TOY.reward.name,
            reward, at_us + 1, at_us + 2,
        )  # fmt: skip
        lines.append(reward_line(row, 2 * i + 1))
    with (home.log / "1-a-0001.ndjson").open("ab") as file:
        file.writelines(lines)
    return decision_id


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path)


def test_only_decisions_that_are_examples_are_read(home: Home) -> None:
    mail = Slot("mail", 0.25, n_permitted=4)
    context = {"device": "tv", "plays": 3, "kids": False}
    first = logged(home, 0, mail, reward=2.5, context=context)
    logged(home, 1, Slot("wait", 0.75, n_permitted=4), reward=0.0, context={"device": "phone", "plays": 5})
    logged(home, 2, mail, reward=None, sticky_of=first)
    logged(home, 3, mail, reward=1.0, fallback=True)
    logged(home, 4, mail, reward=1.0, context={"shadow": True})
    logged(home, 5, mail, Slot("wait", 0.5), reward=None)
    logged(home, 6, mail, reward=None)
    logged(home, 7, mail, reward=9.0, initiative="other")
    join(home, TOY, now_us=LATER)
    log = read_outcomes(home, "toy", at_us=LATER)
    assert [log.names[i] for i in log.action] == ["mail", "wait"]
    assert log.propensity.tolist() == [0.25, 0.75]
    assert log.reward.tolist() == [2.5, 0.0]
    assert log.n_actions is not None
    assert log.n_actions.tolist() == [4, 4]
    assert log.decision_id[0] == first
    assert log.n_late == 0
    assert log.context.shape[0] == 2
    assert log.left_out == {
        "served again": 1,
        "made in the shadow of another": 1,
        "answered by the fallback": 1,
        "of several slots": 1,
        "without a known reward": 1,
    }


def test_late_rewards_are_counted(home: Home) -> None:
    logged(home, 0, Slot("mail", 0.5), reward=1.0)
    logged(home, 1, Slot("wait", 0.5), reward=1.0)
    join(home, TOY, now_us=LATER)
    outcome = read_outcomes(home, "toy", at_us=LATER)
    assert outcome.n_late == 0
    late = RewardRow("late", str(outcome.decision_id[0]), "toy", "m0", "worth", 3.0, AT + 5, LATER)
    with (home.log / "1-a-0001.ndjson").open("ab") as file:
        file.write(reward_line(late, 99))
    assert read_outcomes(home, "toy").n_late == 1


def test_a_home_without_examples_is_refused_with_the_reason(home: Home) -> None:
    with pytest.raises(InputError, match='no outcome of "toy" in the lake'):
        read_outcomes(home, "toy")
    logged(home, 0, Slot("mail", 0.5), reward=1.0, fallback=True)
    join(home, TOY, now_us=LATER)
    with pytest.raises(InputError, match="left out: 1 answered by the fallback"):
        read_outcomes(home, "toy")
