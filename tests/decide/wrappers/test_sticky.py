from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.policies.learned import LearnedPolicy
from matinee.decide.policies.uniform import UniformPolicy
from matinee.decide.question import Question, Space
from matinee.decide.wrappers.floor import Floor
from matinee.decide.wrappers.sticky import Sticky
from matinee.errors import ConfigError, InputError
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract
from matinee.types import HOUR_US, stream

SPACE = Space(("face", "title", "scene"), context=("tv",))
BANDIT = Bandit(SPACE)


class TestSticky(LearningPolicyContract):
    def learning_policy(self) -> Sticky:
        return Sticky(LearnedPolicy(ArmsBelief(SPACE)), hours=1.0)


def first_and_later(policy: Sticky | Floor, hours: float, asked: Question):
    choice = policy.choose(asked, stream(1))
    policy.note(asked, choice, "d1")
    later = replace(asked, at_us=asked.at_us + round(hours * HOUR_US))
    return choice, later


def uniform(**how) -> Sticky:
    return Sticky(LearnedPolicy(ArmsBelief(SPACE), UniformPolicy()), **how)


def test_a_choice_is_served_again_until_its_time_has_passed():
    policy = uniform(hours=2.0)
    first, later = first_and_later(policy, 1.9, BANDIT.question(0))
    assert (first.propensity, first.sticky_of) == (1 / 3, None)
    again = policy.choose(later, stream(2))
    assert (again.action, again.propensity, again.sticky_of) == (first.action, 1.0, "d1")
    policy.note(later, again, "d2")  # does not prolong it
    over = replace(later, at_us=later.at_us + HOUR_US)
    assert policy.choose(over, stream(2)).sticky_of is None
    assert (policy.forget(over.at_us), policy.memory) == (1, {})


def test_it_ends_with_evidence_another_set_of_actions_or_a_mask():
    policy = uniform(rows=30)
    first, later = first_and_later(policy, 1.0, BANDIT.question(0))
    other = replace(later, names=("face", "title"), features=np.empty((2, 0)), permitted=np.ones(2, np.bool_))
    assert policy.choose(other, stream(2)).sticky_of is None
    gone = later.within(np.arange(3) != first.action)
    assert policy.choose(gone, stream(2)).sticky_of is None
    turned = replace(later, names=later.names[::-1])
    assert turned.names[policy.choose(turned, stream(2)).action] == later.names[first.action]
    policy.update(BANDIT.batch(30))
    assert policy.choose(later, stream(2)).sticky_of is None


def test_a_floor_around_it_does_not_shake_what_is_held():
    policy = Floor(uniform(), 0.5)
    first, later = first_and_later(policy, 1.0, BANDIT.question(0))
    assert policy.choose(later, stream(2)).sticky_of == "d1"
    assert policy.probabilities(later)[first.action] == 1.0


def test_units_do_not_share_what_is_held():
    policy = uniform()
    _, later = first_and_later(policy, 1.0, BANDIT.question(0))
    assert policy.choose(replace(later, unit_id="somebody"), stream(2)).sticky_of is None


def test_what_is_wrong_is_named():
    with pytest.raises(ConfigError, match=r"hours is 0, expected a number above 0"):
        uniform(hours=0)
    with pytest.raises(ConfigError, match=r"rows is 0, expected at least 1"):
        uniform(rows=0)
    with pytest.raises(InputError, match=r'unit_id is "", expected whom'):
        uniform().probabilities(replace(BANDIT.question(0), unit_id=""))
