from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.policies.learned import LearnedPolicy
from matinee.decide.policies.uniform import UniformPolicy
from matinee.decide.question import Space
from matinee.decide.wrappers.budget import DailyBudget
from matinee.decide.wrappers.floor import Floor
from matinee.errors import ConfigError, InputError
from matinee.testing.bandits import START_US, Bandit
from matinee.testing.learning_policies import LearningPolicyContract
from matinee.types import DAY_US, stream

SPACE = Space(("none", "month", "scene"), context=("tv",))
BANDIT = Bandit(SPACE)


def inner() -> LearnedPolicy:
    return LearnedPolicy(ArmsBelief(SPACE))


class TestDailyBudget(LearningPolicyContract):
    def learning_policy(self) -> DailyBudget:
        return DailyBudget(inner(), {"month": 1.0}, per_day=4.0)


def test_no_day_spends_more_and_each_begins_anew():
    ledger: dict[int, float] = {}
    evenly, costs = LearnedPolicy(ArmsBelief(SPACE), UniformPolicy()), {"month": 3.0, "scene": 2.0}
    policy = Floor(DailyBudget(evenly, costs, per_day=20.0, ledger=ledger), 0.5)
    spent = np.zeros(4)
    for turn in range(800):  # 240 a day
        asked = BANDIT.question(turn)
        p = policy.probabilities(asked)
        choice = policy.choose(asked, stream(1, asked.unit_id))
        assert choice.propensity == p[choice.action]
        policy.note(asked, choice, f"d{turn}")
        spent[(asked.at_us - START_US) // DAY_US] += {0: 0.0, 1: 3.0, 2: 2.0}[choice.action]
    assert (spent <= 20.0).all()
    assert (spent >= 19.0).all()
    assert ledger == {START_US // DAY_US + day: one for day, one in enumerate(spent.tolist())}


def test_spending_does_not_run_further_ahead_of_the_clock_than_allowed():
    policy = DailyBudget(inner(), {"month": 1.0}, per_day=24.0, ahead=0.25)
    assert policy.left(START_US) == pytest.approx(6.0)
    assert policy.left(START_US + DAY_US // 2) == pytest.approx(18.0)
    assert policy.left(START_US + DAY_US - 1) == pytest.approx(24.0)


def test_asking_without_noting_spends_nothing():
    policy = DailyBudget(inner(), {"month": 1.0}, per_day=1.0)
    for turn in range(50):
        policy.choose(BANDIT.question(turn), stream(turn))
    assert policy.left(START_US) == 1.0


def test_what_is_wrong_is_named():
    with pytest.raises(ConfigError, match=r'cost of "month" is 0, expected a number above 0'):
        DailyBudget(inner(), {"month": 0}, per_day=1.0)
    with pytest.raises(ConfigError, match=r"per_day is -1, expected 0 or more"):
        DailyBudget(inner(), {}, per_day=-1)
    with pytest.raises(ConfigError, match=r"ahead is 2, expected 0 to 1"):
        DailyBudget(inner(), {}, per_day=1.0, ahead=2)
    only = replace(BANDIT.question(0), permitted=np.array([False, True, False]))
    with pytest.raises(
        InputError, match=r"0 of 1 permitted actions cost at most 0.*Permit an action that is"
    ):
        DailyBudget(inner(), {"month": 1.0}, per_day=0.0).probabilities(only)
