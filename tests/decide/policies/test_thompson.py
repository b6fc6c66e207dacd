from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.beliefs.beta import BetaBelief
from matinee.decide.beliefs.memory import MemoryConfig
from matinee.decide.policies.thompson import ThompsonConfig, ThompsonPolicy
from matinee.decide.question import Question, Space
from matinee.errors import ConfigError
from matinee.testing.learning_policies import LearningPolicyContract

ARMS = ("face", "title", "scene", "dark")


class TestBetaThompson(LearningPolicyContract):
    def learning_policy(self) -> ThompsonPolicy:
        return ThompsonPolicy(BetaBelief(Space(ARMS, context=("tv",))))


class TestLinearThompson(LearningPolicyContract):
    def learning_policy(self) -> ThompsonPolicy:
        return ThompsonPolicy(ArmsBelief(Space(ARMS, context=("tv", "late"))))


class TestDiscountedLinearThompson(LearningPolicyContract):
    def learning_policy(self) -> ThompsonPolicy:
        return ThompsonPolicy(
            ArmsBelief(Space(ARMS, context=("tv",)), memory=MemoryConfig(half_life_days=2.0))
        )


class TestSlidingBetaThompson(LearningPolicyContract):
    def learning_policy(self) -> ThompsonPolicy:
        return ThompsonPolicy(BetaBelief(Space(ARMS), memory=MemoryConfig(window_days=2)))


def test_without_data_each_is_the_best_as_often_and_the_floor_is_kept_later():
    policy = ThompsonPolicy(BetaBelief(Space(ARMS)), ThompsonConfig(floor=0.2))
    assert policy.probabilities(Question(ARMS)) == pytest.approx([0.25] * 4, abs=1e-3)
    policy.belief.a_[0] = 1e6  # as if it had been right for ever
    policy.belief.solve({"successes": np.array([1e6, 0, 0, 0]), "failures": np.array([0, 1e6, 1e6, 1e6])}, 9)
    assert policy.probabilities(Question(ARMS)) == pytest.approx([0.85, 0.05, 0.05, 0.05], abs=1e-6)


def test_a_floor_outside_0_to_1_is_refused():
    with pytest.raises(ConfigError, match=r"ThompsonPolicy: floor is -0.1, expected 0 to 1"):
        ThompsonConfig(floor=-0.1)
