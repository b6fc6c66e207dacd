import numpy as np
import pytest

from matinee.errors import ConfigError, InputError, NotFittedError
from matinee.learn.models.dr_learner import DrLearner, DrLearnerConfig, doubly_robust


def trial(n=6_000, seed=0):
    """Action 1 helps where the first column is large, harms where it is small; action 2 helps a bit."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    effect = np.column_stack([np.zeros(n), 0.2 * np.tanh(2 * x[:, 0]), np.full(n, 0.05)])
    base = 0.5 + 0.15 * np.tanh(x[:, 1])
    p = np.column_stack([np.full(n, 0.4), 0.1 + 0.4 / (1 + np.exp(-x[:, 1])), np.zeros(n)])
    p[:, 2] = 1 - p.sum(1)
    action = (p.cumsum(1) < rng.random((n, 1))).sum(1)
    outcome = (rng.random(n) < base + effect[np.arange(n), action]).astype(float)
    propensity = p[np.arange(n), action]
    return x, action, outcome, propensity, np.arange(n) // 2, effect


def test_it_finds_whom_an_action_helps_and_whom_it_harms():
    *seen, effect = trial()
    model = DrLearner(3, DrLearnerConfig(spread=0.2)).fit(*seen)
    found = model.effect(seen[0])
    assert (found[:, 0] == 0).all()
    assert np.corrcoef(found[:, 1], effect[:, 1])[0, 1] > 0.95
    assert (found[seen[0][:, 0] < -1, 1] < 0).mean() > 0.95
    assert found[:, 2].mean() == pytest.approx(0.05, abs=0.04)
    assert found[:, 2].std() < 0.05


def test_means_are_right_although_actions_were_not_given_evenly():
    *seen, effect = trial(20_000)
    model = DrLearner(3).fit(*seen)
    assert np.allclose(model.mean_effect_, effect.mean(0), atol=0.025)


def test_without_any_effect_little_is_found():
    x, action, outcome, propensity, group, _ = trial()
    shuffled = np.random.default_rng(1).permutation(outcome)
    assert abs(DrLearner(3).fit(x, action, shuffled, propensity, group).effect(x)).mean() < 0.04


def test_a_small_spread_gives_everybody_the_mean():
    *seen, _ = trial(2_000)
    found = DrLearner(3, DrLearnerConfig(spread=1e-4, mean=10)).fit(*seen)
    assert found.effect(seen[0])[:, 1].std() < 1e-3
    assert found.effect(seen[0])[:, 1].mean() == pytest.approx(found.mean_effect_[1], abs=1e-3)


def test_expected_outcomes_are_probabilities():
    *seen, _ = trial(1_000)
    expected = DrLearner(3).fit(*seen).expected(seen[0])
    assert expected.shape == (1_000, 3)
    assert ((expected > 0) & (expected < 1)).all()


def test_doubly_robust_is_right_on_average_with_a_wrong_model():
    _, action, outcome, propensity, _, effect = trial(40_000)
    scores = doubly_robust(np.full((40_000, 3), 0.9), action, outcome, propensity)
    assert np.allclose((scores - scores[:, :1]).mean(0), effect.mean(0), atol=0.03)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    *seen, _ = trial(500)
    model = DrLearner(3, DrLearnerConfig(knots=1)).fit(*seen)
    model.save(tmp_path)
    again = DrLearner.load(tmp_path)
    assert np.array_equal(again.effect(seen[0]), model.effect(seen[0]))
    assert np.array_equal(again.expected(seen[0]), model.expected(seen[0]))
    assert (again.n_actions, again.config) == (3, model.config)


def test_what_cannot_be_learned_from_is_refused():
    x, action, outcome, propensity, group, _ = trial(100)
    with pytest.raises(InputError, match=r"above 0 and below 1. Leave out decisions that were certain"):
        DrLearner(3).fit(x, action, outcome, np.ones(100), group)
    with pytest.raises(InputError, match="expected each of 4 at least twice"):
        DrLearner(4).fit(x, action, outcome, propensity, group)
    with pytest.raises(InputError, match="expected one number above 0"):
        DrLearner(3).fit(x, action[:-1], outcome, propensity, group)
    with pytest.raises(NotFittedError, match="asked before fit"):
        DrLearner(3).effect(x)
    with pytest.raises(ConfigError, match="spread is 0, expected a number above 0"):
        DrLearnerConfig(spread=0)
    with pytest.raises(ConfigError, match="folds is 1, expected 2 or more"):
        DrLearnerConfig(folds=1)
