from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.masks import Masks
from matinee.decide.policies.thompson import ThompsonPolicy
from matinee.decide.question import Question, Space
from matinee.decide.wrappers.constraints import Constraints
from matinee.errors import InputError
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract

SPACE = Space(("face", "title", "scene", "dark"), context=("tv",))


def cleared(asked: Question) -> Masks:
    rules = Masks(len(asked.names))
    rules.add("cleared", np.array([name != "dark" for name in asked.names]))
    return rules


class TestConstraints(LearningPolicyContract):
    def learning_policy(self) -> Constraints:
        return Constraints(ThompsonPolicy(ArmsBelief(SPACE)), cleared)


def test_what_a_rule_forbids_has_no_chance_and_why_not_is_told():
    policy, asked = TestConstraints().learning_policy(), Bandit(SPACE).question(0)
    p = policy.probabilities(asked)
    assert p[3] == 0.0
    assert p[:3] == pytest.approx([1 / 3] * 3, abs=0.15)
    assert policy.why_not(asked, 3) == "cleared"
    assert policy.why_not(asked, 0) is None


def test_when_the_rules_leave_nothing_they_are_named():
    asked = Bandit(SPACE).question(0, np.array([False, False, False, True]))
    with pytest.raises(InputError, match=r"0 of 1 permitted actions are left by the rules cleared \(1\)"):
        TestConstraints().learning_policy().probabilities(asked)


def test_rules_about_other_actions_are_refused():
    policy = Constraints(ThompsonPolicy(ArmsBelief(SPACE)), lambda _: Masks(2))
    with pytest.raises(InputError, match=r"rules are about 2 actions, expected 4"):
        policy.probabilities(Bandit(SPACE).question(0))
