import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.metrics.brier import brier
from matinee.prove.metrics.expected_calibration_error import expected_calibration_error, reliability


def forecasts(n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 5, n)
    return p, rng.random(n) < p


def test_true_probabilities_have_hardly_any_error():
    p, happened = forecasts()
    assert expected_calibration_error(p, happened) < 0.01
    assert expected_calibration_error(np.minimum(2 * p, 1), happened) > 0.1


def test_true_probabilities_have_the_least_brier_score():
    p, happened = forecasts()
    true = brier(p, happened).mean()
    assert true < min(brier(q, happened).mean() for q in (p**2, np.sqrt(p), np.full_like(p, p.mean())))
    assert true == pytest.approx((p * (1 - p)).mean(), abs=0.003)


def test_parts_are_of_equal_size_and_equal_probabilities_stay_together():
    p, happened = forecasts(1_000)
    assert reliability(p, happened, bins=5).n.tolist() == [200] * 5
    one = reliability(np.full(9, 0.5), np.arange(9) < 3)
    assert one.n.tolist() == [9]
    assert one.error == pytest.approx(1 / 6)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(InputError, match="at least one case"):
        reliability(np.zeros(0), np.zeros(0, bool))
