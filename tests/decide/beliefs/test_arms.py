from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.batch import Batch
from matinee.decide.beliefs.arms import ArmsBelief, ArmsBeliefConfig
from matinee.decide.question import Question, Space, Stack
from matinee.errors import ConfigError

SPACE = Space(("a", "b"), context=("x",))


def test_the_coefficients_are_those_of_a_ridge_regression_around_the_mean_reward():
    rng = np.random.default_rng(0)
    x, taken = rng.normal(size=(60, 1)), rng.integers(0, 2, 60)
    y = 0.3 + 0.5 * x[:, 0] * taken + 0.1 * rng.normal(size=60)
    belief = ArmsBelief(SPACE, ArmsBeliefConfig(ridge=2.0))
    belief.learn(Batch(tuple(SPACE.actions[a] for a in taken), y, np.full(60, 0.5), context=x))
    for arm in (0, 1):
        rows = np.concatenate([np.ones((60, 1)), x], axis=1)[taken == arm]
        direct = np.linalg.solve(rows.T @ rows + 2.0 * np.eye(2), rows.T @ (y[taken == arm] - y.mean()))
        assert belief.coef_[arm] == pytest.approx(direct + np.array([y.mean(), 0.0]), abs=1e-12)
    assert belief.noise_ == pytest.approx(0.01, rel=1.5)  # with the prior's 10 rows of 0.05
    assert belief.n_counting == 60


def test_an_action_without_data_is_expected_to_bring_what_the_others_do():
    belief = ArmsBelief(SPACE)
    belief.learn(Batch(("a",) * 40, np.array([1.0, 0.0] * 20), np.ones(40), context=np.zeros((40, 1))))
    stack = Stack.of([Question(SPACE.actions, np.array([0.0]))])
    assert belief.mean(stack) == pytest.approx([0.5, 0.5])
    assert belief.sd(stack)[1] > 5 * belief.sd(stack)[0]


def test_what_it_is_not_made_for_is_refused():
    with pytest.raises(ConfigError, match=r"no fixed actions or has features.*Take PooledBelief"):
        ArmsBelief(Space())
    with pytest.raises(ConfigError, match=r"ArmsBelief: ridge is 0, expected a number above 0"):
        ArmsBeliefConfig(ridge=0)
