from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from matinee.errors import InputError
from matinee.prove.stats.sample_ratio import sample_ratio


def test_many_units_give_pearsons_test() -> None:
    counts, shares = [5_100, 2_400, 2_500], [0.5, 0.25, 0.25]
    found = sample_ratio(counts, shares)
    theirs = chisquare(counts, np.array(shares) * 10_000)
    assert found.method == "chi-square"
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert found.statistic == pytest.approx(theirs.statistic, rel=1e-9)


def test_few_units_of_two_arms_give_the_binomial_test() -> None:
    found = sample_ratio([2, 18], [0.5, 0.5])
    assert (found.method, found.passed) == ("exact", False)
    assert found.p == pytest.approx(2 * binom.cdf(2, 20, 0.5), rel=1e-9)


def test_few_units_of_more_arms_are_counted_exactly_and_by_drawing() -> None:
    one = sample_ratio([3, 0, 0], [1 / 3, 1 / 3, 1 / 3])
    assert (one.method, one.p) == ("exact", pytest.approx(3 / 27))
    assert sample_ratio([4, 4, 4], [1 / 3] * 3).p == pytest.approx(1.0)
    many = sample_ratio([120, 80, 50, 60, 40], [0.3, 0.2, 0.2, 0.15, 0.15])
    near = chisquare([120, 80, 50, 60, 40], np.array([0.3, 0.2, 0.2, 0.15, 0.15]) * 350)
    assert many.method == "simulated"
    assert many.p == pytest.approx(near.pvalue, rel=0.1)


def test_the_arm_that_lacks_units_is_named_by_its_residual() -> None:
    found = sample_ratio([50_000, 48_000, 50_100], [1 / 3, 1 / 3, 1 / 3])
    assert not found.passed
    assert np.argmin(found.residuals) == 1
    assert found.residuals[1] < -5


def test_the_gate_lets_sound_experiments_pass() -> None:
    rng = np.random.default_rng(0)
    p = [sample_ratio([int(k), 20_000 - int(k)], [0.5, 0.5]).p for k in rng.binomial(20_000, 0.5, 2_000)]
    assert np.mean(np.array(p) < 0.001) < 0.005
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.03)


def test_bad_counts_are_named() -> None:
    with pytest.raises(InputError, match="1 counts for 2 shares"):
        sample_ratio([1], [0.5, 0.5])
    with pytest.raises(InputError, match=r"counts are \[0, 0\]"):
        sample_ratio([0, 0], [0.5, 0.5])
    with pytest.raises(InputError, match="shares are"):
        sample_ratio([1, 1], [0.5, 0.4])
