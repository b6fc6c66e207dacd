import numpy as np
import pytest

from matinee.decide.policies.epsilon_greedy import EpsilonGreedyConfig, EpsilonGreedyPolicy
from matinee.errors import ConfigError
from matinee.testing.policies import PolicyContract


class TestEpsilonGreedy(PolicyContract):
    def policy(self) -> EpsilonGreedyPolicy:
        return EpsilonGreedyPolicy(EpsilonGreedyConfig(epsilon=0.2))


class TestGreedy(PolicyContract):
    def policy(self) -> EpsilonGreedyPolicy:
        return EpsilonGreedyPolicy(EpsilonGreedyConfig(epsilon=0.0))


def test_every_permitted_action_has_its_floor_and_ties_go_first():
    policy = EpsilonGreedyPolicy(EpsilonGreedyConfig(epsilon=0.3))
    p = policy.probabilities(np.float32([1, 1, 0, 9]), np.array([True, True, True, False]))
    assert p.round(9).tolist() == [0.8, 0.1, 0.1, 0.0]


def test_a_share_outside_0_to_1_is_refused():
    with pytest.raises(ConfigError, match=r"epsilon is 1.5, expected 0 to 1"):
        EpsilonGreedyConfig(epsilon=1.5)
