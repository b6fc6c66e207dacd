import numpy as np
import pytest

from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.value import realised, worth


def test_an_offer_that_does_harm_is_worth_less_than_nothing():
    money = worth(RetentionConfig(), np.array([0.9]), np.array([[0.0, -0.1, 0.0, 0.05]]), np.array([1_000.0]))
    assert money.value[0, 0] == 0
    assert money.value[0, 1] == pytest.approx(6_000 * -0.1 - 0.3 * 1_000 * 0.8)
    assert money.value[0, 3] == pytest.approx(6_000 * 0.05 - 5)


def test_nobody_stays_more_than_surely():
    money = worth(RetentionConfig(), np.array([0.95]), np.array([[0.0, 0.2, 0.0, 0.0]]), np.array([1_000.0]))
    assert money.value[0, 1] == pytest.approx(6_000 * 0.05 - 300)


def test_values_are_those_that_the_simulated_service_counts(service, config):
    """With the true probabilities our money is the world's, but for a discount's rounding to whole cents."""
    truth = service.truth
    price = (truth.net_minor[:, 0] / np.maximum(1 - truth.p_leave[:, 0], 1e-12)) / config.value_periods
    money = worth(config, 1 - truth.p_leave[:, 0], truth.uplift, price)
    assert np.allclose(money.value, truth.net_minor - truth.net_minor[:, :1], atol=0.5)


def test_what_came_of_a_decision():
    config, price = RetentionConfig(), np.full(4, 1_000.0)
    got = realised(config, np.array([0, 1, 3, 3]), np.array([1.0, 1.0, 1.0, 0.0]), price)
    assert got.tolist() == [6_000, 5_700, 5_995, -5]
