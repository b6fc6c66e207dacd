from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from matinee.decide.batch import Batch
from matinee.decide.beliefs.pooled import PooledBelief, PooledBeliefConfig
from matinee.decide.policies.thompson import ThompsonConfig, ThompsonPolicy
from matinee.decide.question import Question, Space, Stack
from matinee.errors import ConfigError

SPACE = Space(context=("tv",), features=("face", "bright"))


def made(n: int = 2_000, n_actions: int = 40, *, between: float = 0.05, seed: int = 0):
    """A log whose actions differ by their features and by terms of their own."""
    rng = np.random.default_rng(seed)
    features, own = rng.normal(size=(n_actions, 2)), between * rng.normal(size=n_actions)
    x, a = rng.normal(size=(n, 1)), rng.integers(0, n_actions, n)
    worth = 0.5 + 0.1 * features[a, 0] + 0.05 * x[:, 0] * features[a, 1] + own[a]
    reward = worth + 0.2 * rng.normal(size=n)
    names = tuple(f"t{i:02d}" for i in a)
    return Batch(names, reward, np.full(n, 0.5), context=x, features=features[a]), features, own


def question(features: np.ndarray, first: int, n: int, x: float = 0.5) -> Question:
    return Question(tuple(f"t{i:02d}" for i in range(first, first + n)), np.array([x]), features)


def test_mean_and_spread_are_those_of_the_full_gaussian_model():
    batch, features, _ = made(300, 12)
    belief = PooledBelief(SPACE)
    belief.learn(batch)
    asked = question(np.concatenate([features, np.ones((2, 2))]), 0, 14)  # the last two are new
    stack = Stack.of([asked])

    def columns(x, f):
        return np.concatenate([np.ones((len(x), 1)), x, f, x * f], axis=1)

    one_hot = np.array([[name == f"t{k:02d}" for k in range(14)] for name in batch.names], float)
    rows = np.concatenate([columns(batch.context, batch.features), one_hot], axis=1)
    prior = np.diag([0.01, 1, 1, 1, 1, 1, *[belief.trials_] * 14])
    cov = np.linalg.inv(rows.T @ rows + prior)
    pool = batch.reward.mean()
    b = cov @ rows.T @ (batch.reward - pool)
    new = np.concatenate([columns(stack.context, stack.features), np.eye(14)], axis=1)
    assert belief.mean(stack) == pytest.approx(pool + new @ b, abs=1e-9)
    direct = np.sqrt(belief.noise_ * np.einsum("ni,ij,nj->n", new, cov, new))
    assert belief.sd(stack) == pytest.approx(direct, abs=1e-9)


def test_the_variances_are_found():
    for between in (0.02, 0.1):
        batch, _, _ = made(20_000, 200, between=between)
        belief = PooledBelief(SPACE)
        belief.learn(batch)
        assert belief.noise_ == pytest.approx(0.04, rel=0.05)
        assert np.sqrt(belief.noise_ / belief.trials_) == pytest.approx(between, rel=0.25)


def test_a_new_action_is_drawn_to_what_its_features_say_and_known_ones_to_their_own_data():
    batch, features, own = made(20_000, 40, between=0.1)
    belief = PooledBelief(SPACE)
    belief.learn(batch)
    known = Stack.of([question(features, 0, 40, 0.0)])
    assert np.corrcoef(belief.mean(known), 0.5 + 0.1 * features[:, 0] + own)[0, 1] > 0.98
    fresh = Stack.of([question(features, 50, 40, 0.0)])
    assert belief.mean(fresh) == pytest.approx(0.5 + 0.1 * features[:, 0], abs=0.06)
    assert (belief.sd(fresh) > 3 * belief.sd(known)).all()


def test_the_share_of_draws_approaches_the_ideal_probability():
    batch, features, _ = made(400, 12, between=0.1)
    belief = PooledBelief(SPACE, PooledBeliefConfig(n_draws=4_000))
    belief.learn(batch)
    asked = Question(("t01", "fresh"), np.array([0.5]), np.array([features[1], [-0.3, 0.2]]))
    stack = Stack.of([asked])
    mean = belief.mean(stack)
    own = belief._own(stack)
    row = own[0] - own[3][:, None] * own[1]
    cov = belief.noise_ * (np.diag(own[3]) + row @ np.linalg.solve(belief._factor @ belief._factor.T, row.T))
    ideal = ndtr((mean[0] - mean[1]) / np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]))
    assert belief.p_best(stack)[0] == pytest.approx(ideal, abs=4 * np.sqrt(0.25 / 4_000))


def test_draws_are_renewed_by_an_update_and_by_nothing_else():
    batch, features, _ = made(200, 12)
    policy = ThompsonPolicy(PooledBelief(SPACE), ThompsonConfig(floor=0.0))
    policy.update(batch)
    before = policy.belief.draws_.copy()
    policy.probabilities(question(features, 0, 12))
    assert np.array_equal(before, policy.belief.draws_)
    policy.update(batch.rows(slice(0, 1)))
    assert not np.array_equal(before, policy.belief.draws_)


def test_the_order_of_the_actions_does_not_matter():
    batch, features, _ = made(200, 12)
    policy = ThompsonPolicy(PooledBelief(SPACE))
    policy.update(batch)
    asked = question(features, 0, 12)
    turned = Question(asked.names[::-1], asked.context, asked.features[::-1])
    assert policy.probabilities(turned)[::-1] == pytest.approx(policy.probabilities(asked), abs=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ridge": 0}, "ridge is 0, expected above 0"),
        ({"trials": 0.5}, r"trials is 0.5, expected 1 to 1e\+07"),
        ({"n_draws": 7}, "n_draws is 7, expected an even number from 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        PooledBeliefConfig(**settings)
