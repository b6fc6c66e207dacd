from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.beliefs.memory import MemoryConfig
from matinee.decide.policies.squarecb import SquareCBConfig, SquareCBPolicy
from matinee.decide.question import Space
from matinee.errors import ConfigError
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract

SPACE = Space(("face", "title", "scene"), context=("tv",))


class TestSquareCB(LearningPolicyContract):
    def learning_policy(self) -> SquareCBPolicy:
        return SquareCBPolicy(ArmsBelief(SPACE))


def test_by_hand():
    policy, bandit = SquareCBPolicy(ArmsBelief(SPACE), SquareCBConfig(scale=2.0)), Bandit(SPACE)
    policy.update(bandit.batch(100))
    assert policy.gamma == pytest.approx(2.0 * 10.0)
    asked = bandit.question(7)
    mean = policy.belief.coef_ @ np.array([1.0, asked.context[0]])
    others = 1.0 / (3.0 + 20.0 * (mean[2] - mean[:2]))
    assert policy.probabilities(asked) == pytest.approx([*others, 1.0 - others.sum()], abs=1e-6)


def test_where_the_belief_forgets_gamma_stays_bounded():
    policy, bandit = SquareCBPolicy(ArmsBelief(SPACE, memory=MemoryConfig(half_life_days=0.5))), Bandit(SPACE)
    policy.update(bandit.batch(2_000))
    # 240 decisions a day, half of them forgotten after half a day: 120 / ln 2 count
    assert policy.belief.n_counting == pytest.approx(120 / np.log(2), rel=0.01)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 0.0}, "scale is 0.0, expected a number above 0"),
        ({"power": 1.5}, "power is 1.5, expected 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        SquareCBConfig(**settings)
