from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.policies.thompson import ThompsonPolicy
from matinee.decide.question import Space
from matinee.decide.wrappers.holdout import Holdout
from matinee.errors import ConfigError, InputError
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract
from matinee.types import stream

SPACE = Space(("none", "title", "scene"), context=("tv",))
BANDIT = Bandit(SPACE)


class TestHoldout(LearningPolicyContract):
    def learning_policy(self) -> Holdout:
        return Holdout(ThompsonPolicy(ArmsBelief(SPACE)), share=0.1)


def test_the_share_is_kept_and_everybody_held_out_gets_the_baseline_and_is_marked():
    policy = Holdout(ThompsonPolicy(ArmsBelief(SPACE)), 0.2, baseline="none")
    policy.update(BANDIT.batch(100))
    held = 0
    for turn in range(1_000):
        asked = BANDIT.question(turn)
        choice = policy.choose(asked, stream(0, asked.unit_id))
        assert choice.held_out == policy.holds(asked.unit_id)
        if choice.held_out:
            held += 1
            assert (choice.action, choice.propensity) == (0, 1.0)
    assert abs(held / 1_000 - 0.2) < 4 * np.sqrt(0.16 / 1_000)


def test_without_an_eligible_baseline_each_is_as_likely():
    asked = BANDIT.question(0, np.array([False, True, True]))
    everybody = Holdout(ThompsonPolicy(ArmsBelief(SPACE)), 1.0, baseline="none")
    assert everybody.probabilities(asked).tolist() == [0.0, 0.5, 0.5]


def test_holdouts_of_two_salts_are_independent():
    one, two = (Holdout(ThompsonPolicy(ArmsBelief(SPACE)), 0.5, salt=salt) for salt in "ab")
    both = np.mean([one.holds(f"u{i}") and two.holds(f"u{i}") for i in range(2_000)])
    assert abs(both - 0.25) < 4 * np.sqrt(0.19 / 2_000)


def test_what_is_wrong_is_named():
    inner = ThompsonPolicy(ArmsBelief(SPACE))
    with pytest.raises(ConfigError, match=r"Holdout: share is 2, expected 0 to 1"):
        Holdout(inner, 2)
    with pytest.raises(ConfigError, match=r'baseline is "nothing", expected one of none, title, scene'):
        Holdout(inner, 0.1, baseline="nothing")
    with pytest.raises(InputError, match=r'unit_id is "", expected whom'):
        Holdout(inner, 0.1).probabilities(replace(BANDIT.question(0), unit_id=""))
