import numpy as np
import pytest

from matinee.errors import ConfigError, InputError, NotFittedError, StorageError
from matinee.learn.models.discrete_hazard import MODEL_FILE, DiscreteHazard, DiscreteHazardConfig
from matinee.prove.metrics.brier import brier
from matinee.prove.metrics.expected_calibration_error import expected_calibration_error


def hazard(x):
    return 1 / (1 + np.exp(2.0 - 1.5 * x[:, 0]))


def person_periods(n=1_500, periods=6, seed=0):
    """Units with one column that matters, until they end or the log does."""
    rng = np.random.default_rng(seed)
    x, ended, period = [], [], []
    alive = np.ones(n, bool)
    for p in range(periods):
        now = rng.normal(size=(n, 3))
        goes = rng.random(n) < hazard(now)
        x.append(now[alive])
        ended.append(goes[alive])
        period.append(np.full(alive.sum(), p))
        alive &= ~goes
    return np.concatenate(x), np.concatenate(ended), np.concatenate(period)


def test_probabilities_are_those_that_made_the_data():
    x, ended, period = person_periods()
    model = DiscreteHazard().fit(x, ended, period)
    new = np.random.default_rng(9).normal(size=(4_000, 3))
    p = model.p_end(new)
    happened = np.random.default_rng(10).random(4_000) < hazard(new)
    assert abs(p - hazard(new)).mean() < 0.04
    assert expected_calibration_error(p, happened) < 0.04
    assert brier(p, happened).mean() < 0.9 * brier(np.full(4_000, model.base_), happened).mean()


def test_same_seed_same_model(tmp_path):
    x, ended, period = person_periods(300)
    one, two = (DiscreteHazard(seed=3).fit(x, ended, period) for _ in range(2))
    assert np.array_equal(one.p_end(x), two.p_end(x))


def test_one_period_is_enough_and_missing_values_are_fine():
    x, ended, _ = person_periods(300, periods=1)
    x[::3, 1] = np.nan
    p = DiscreteHazard().fit(x, ended, np.zeros(300, np.int64)).p_end(x)
    assert ((p > 0) & (p < 1)).all()
    assert len(DiscreteHazard().fit(x, ended, np.zeros(300, np.int64)).p_end(x[:0])) == 0


def test_saved_and_loaded_it_is_the_same(tmp_path):
    x, ended, period = person_periods(300)
    model = DiscreteHazard().fit(x, ended, period)
    model.save(tmp_path)
    assert np.array_equal(DiscreteHazard.load(tmp_path).p_end(x), model.p_end(x))
    (tmp_path / MODEL_FILE).unlink()
    with pytest.raises(StorageError, match="Train again"):
        DiscreteHazard.load(tmp_path)


def test_messages():
    x, ended, period = person_periods(50)
    with pytest.raises(InputError, match="as many rows of each"):
        DiscreteHazard().fit(x, ended[:-1], period)
    with pytest.raises(InputError, match=r"0 of .* rows ended, expected some and not all"):
        DiscreteHazard().fit(x, np.zeros(len(x), bool), period)
    with pytest.raises(NotFittedError, match="p_end before fit"):
        DiscreteHazard().p_end(x)
    with pytest.raises(ConfigError, match="leaves is 1, expected 2 or more"):
        DiscreteHazardConfig(leaves=1)
    with pytest.raises(ConfigError, match="learning_rate is 0, expected above 0"):
        DiscreteHazardConfig(learning_rate=0)
