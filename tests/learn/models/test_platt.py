import numpy as np
import pytest

from matinee.errors import InputError, NotFittedError
from matinee.learn.models.platt import Platt


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_overconfident_scores_are_drawn_together():
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 1, 20_000)
    platt = Platt().fit(3 * truth + 1, (rng.random(20_000) < sigmoid(truth)).astype(float))
    assert platt.slope_ == pytest.approx(1 / 3, abs=0.02)
    assert np.allclose(platt.probability(3 * truth + 1), sigmoid(truth), atol=0.02)


def test_few_rows_change_little():
    platt = Platt().fit(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert np.allclose(platt.probability(np.array([0.0, 1.0])), sigmoid(np.array([0.0, 1.0])), atol=0.25)
    assert Platt().fit(np.zeros(0), np.zeros(0)).slope_ == 1.0


def test_the_order_is_never_turned_round():
    platt = Platt().fit(np.linspace(-2, 2, 400), (np.linspace(-2, 2, 400) < 0).astype(float))
    assert platt.slope_ >= 0


def test_saved_and_loaded_it_is_the_same(tmp_path):
    platt = Platt().fit(np.array([0.0, 2.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    platt.save(tmp_path)
    assert Platt.load(tmp_path).probability(np.array([0.3])) == platt.probability(np.array([0.3]))


def test_messages():
    with pytest.raises(InputError, match="expected the same rows"):
        Platt().fit(np.zeros(2), np.zeros(3))
    with pytest.raises(NotFittedError, match="probability before fit"):
        Platt().probability(np.zeros(1))
