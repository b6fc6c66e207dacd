from __future__ import annotations

import pytest
from scipy.stats import binomtest

from matinee.errors import InputError
from matinee.prove.stats.rates import rate_difference, rate_interval


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (7, 9), (50, 1_000), (10, 10)])
def test_one_rate_equals_scipys_wilson_interval(k: int, n: int) -> None:
    theirs = binomtest(k, n).proportion_ci(0.99, method="wilson")
    assert rate_interval(k, n, p=0.01) == pytest.approx((theirs.low, theirs.high))


def test_two_rates_equal_the_published_example() -> None:
    """Newcombe (1998), table II, method 10: 56/70 - 48/80 and 9/10 - 3/10 and 10/10 - 0/10."""
    assert rate_difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert rate_difference(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert rate_difference(10, 10, 0, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)


def test_counts_that_make_no_rate_are_refused() -> None:
    for k, n in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(InputError, match=f"{k} of {n}, expected a count"):
            rate_interval(k, n)
