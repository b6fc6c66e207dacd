from __future__ import annotations

import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.policies.fixed import FixedPolicy
from matinee.decide.policies.learned import LearnedPolicy
from matinee.decide.question import Space
from matinee.decide.wrappers.budget import DailyBudget
from matinee.decide.wrappers.floor import Floor
from matinee.errors import ConfigError
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract

SPACE = Space(("face", "title", "scene"), context=("tv",))


def greedy() -> LearnedPolicy:
    return LearnedPolicy(ArmsBelief(SPACE), FixedPolicy())


class TestFloor(LearningPolicyContract):
    def learning_policy(self) -> Floor:
        return Floor(greedy(), epsilon=0.15)


def test_each_eligible_action_has_its_part():
    p = Floor(greedy(), epsilon=0.3).probabilities(Bandit(SPACE).question(0))
    assert p == pytest.approx([0.8, 0.1, 0.1])


def test_the_floor_gives_nothing_to_what_a_rule_inside_forbids():
    policy = Floor(DailyBudget(greedy(), {"title": 5.0}, per_day=1.0), epsilon=0.3)
    assert policy.probabilities(Bandit(SPACE).question(0)) == pytest.approx([0.85, 0.0, 0.15])


def test_a_floor_out_of_range_is_refused():
    with pytest.raises(ConfigError, match=r"Floor: epsilon is 0, expected above 0 and at most 1"):
        Floor(greedy(), epsilon=0)
