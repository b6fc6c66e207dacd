from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.policies.regcb import RegCBConfig, RegCBPolicy
from matinee.decide.question import Question, Space
from matinee.errors import ConfigError
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract

SPACE = Space(("face", "title", "scene"), context=("tv",))


class TestOptimisticRegCB(LearningPolicyContract):
    def learning_policy(self) -> RegCBPolicy:
        return RegCBPolicy(ArmsBelief(SPACE), RegCBConfig(width=2.0))


class TestEliminationRegCB(LearningPolicyContract):
    def learning_policy(self) -> RegCBPolicy:
        return RegCBPolicy(ArmsBelief(SPACE), RegCBConfig(width=2.0, choose="elimination"))


def test_before_any_data_all_are_equally_promising():
    for choose in ("optimistic", "elimination"):
        policy = RegCBPolicy(ArmsBelief(SPACE), RegCBConfig(choose=choose))
        p = policy.probabilities(Question(SPACE.actions, np.array([1.0])))
        assert p == pytest.approx([1 / 3] * 3)


def test_elimination_is_even_among_those_whose_upper_bound_reaches_the_highest_lower_one():
    bandit, asked = Bandit(SPACE), Bandit(SPACE).question(3)
    policy = RegCBPolicy(ArmsBelief(SPACE), RegCBConfig(width=1.5, choose="elimination"))
    policy.update(bandit.batch(40))
    x = np.array([1.0, asked.context[0]])
    mean, sd = policy.belief.coef_ @ x, np.sqrt([x @ cov @ x for cov in policy.belief.cov_])
    left = mean + 1.5 * sd >= (mean - 1.5 * sd).max()
    assert policy.probabilities(asked).tolist() == (left / left.sum()).tolist()


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"width is 0, expected a number above 0"):
        RegCBConfig(width=0)
    with pytest.raises(ConfigError, match=r'choose is "best", expected "elimination" or "optimistic"'):
        RegCBConfig(choose="best")
