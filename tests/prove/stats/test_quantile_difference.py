from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from matinee.errors import InputError
from matinee.prove.stats.quantile_difference import quantile_difference


def test_the_median_of_numbers_in_a_row() -> None:
    found = quantile_difference(np.arange(11.0), np.arange(11.0) - 3, 0.5)
    assert (found.treated, found.control, found.value) == (5.0, 2.0, 3.0)
    assert (found.n_treated, found.n_control) == (11, 11)


def test_an_arms_interval_is_that_of_order_statistics() -> None:
    """Against a constant, the interval of the difference is the arm's own, with nearly binomial ranks."""
    n, q = 2_000, 0.9
    found = quantile_difference(np.arange(float(n)), np.zeros(2), q)
    low, high = binom.ppf([0.025, 0.975], n, q)
    assert (found.low, found.high) == pytest.approx((low, high), abs=3)


@pytest.mark.parametrize(("q", "clustered"), [(0.5, False), (0.95, False), (0.5, True), (0.9, True)])
def test_intervals_hold_the_truth(q: float, clustered: bool) -> None:
    rng, held, runs = np.random.default_rng(7), 0, 400
    shift, ignored = 0.3, 0
    for _ in range(runs):
        arms, units = [], []
        for add in (shift, 0.0):
            n = 400
            if clustered:
                size = rng.poisson(4, n) + 1
                unit = np.repeat(np.arange(n), size)
                values = rng.normal(0, 1, n)[unit] + rng.normal(0, 0.5, len(unit))
            else:
                unit, values = np.arange(n), rng.normal(0, 1, n)
            arms.append(values + add)
            units.append(unit)
        found = quantile_difference(*arms, q, treated_unit=units[0], control_unit=units[1])
        naive = quantile_difference(*arms, q)
        held += found.low <= shift <= found.high
        ignored += naive.low <= shift <= naive.high
    assert abs(held / runs - 0.95) < 0.035
    if clustered:
        assert ignored / runs < 0.85


def test_the_error_is_that_of_theory_and_the_multiplier_widens() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 40_000), rng.normal(0, 1, 40_000)
    theory = np.sqrt(2 * 0.9 * 0.1 / 40_000) / norm.pdf(norm.isf(0.1))
    found, wide = quantile_difference(a, b, 0.9), quantile_difference(a, b, 0.9, multiplier=4.0)
    assert found.error == pytest.approx(theory, rel=0.1)
    assert wide.high - wide.low == pytest.approx(4 / 1.96 * (found.high - found.low), rel=0.1)


def test_ties_have_an_interval_without_width_where_all_are_equal() -> None:
    found = quantile_difference(np.zeros(50), np.zeros(40), 0.9)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_bad_arguments_are_named() -> None:
    x = np.arange(5.0)
    with pytest.raises(InputError, match=r"q is 1.0"):
        quantile_difference(x, x, 1.0)
    with pytest.raises(InputError, match="multiplier is 0"):
        quantile_difference(x, x, 0.5, multiplier=0.0)
    with pytest.raises(InputError, match="control holds a value that is not finite"):
        quantile_difference(x, np.array([1.0, np.nan]), 0.5)
    with pytest.raises(InputError, match="treated has 5 values and 2 units"):
        quantile_difference(x, x, 0.5, treated_unit=np.arange(2))
    with pytest.raises(InputError, match="control has 1 units"):
        quantile_difference(x, x, 0.5, control_unit=np.zeros(5))
    with pytest.raises(InputError, match="treated has 0 units"):
        quantile_difference(np.array([]), x, 0.5)
