from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from matinee.errors import InputError
from matinee.prove.stats.walk import crossing


def test_repeated_tests_have_the_published_error() -> None:
    """Armitage, McPherson, Rowe (1969), table 2: looks at 5 % each."""
    for looks, error in ((1, 0.050), (2, 0.083), (3, 0.107), (5, 0.142), (10, 0.193), (20, 0.248)):
        times = [k / looks for k in range(1, looks + 1)]
        found = crossing(times, [-1.959964] * looks, [1.959964] * looks)
        assert sum(found.above + found.below) == pytest.approx(error, abs=5e-4)


def test_three_looks_equal_the_integral_of_the_joint_distribution() -> None:
    times, upper, drift = [0.3, 0.5, 1.2], [2.5, 1.5, 1.0], 1.3
    found = crossing(times, [-math.inf] * 3, upper, drift=drift)
    root = np.sqrt(times)
    shared = np.minimum.outer(times, times) / np.outer(root, root)
    stays = multivariate_normal(drift * root, shared, abseps=1e-10, releps=1e-10).cdf(upper)
    assert 1 - sum(found.above) == pytest.approx(stays, abs=1e-7)
    assert found.above[0] == pytest.approx(norm.sf(2.5 - drift * root[0]), abs=1e-12)


def test_all_paths_leave_through_bounds_of_zero_width_and_none_through_endless_ones() -> None:
    found = crossing([0.5, 1.0], [0.0, 0.0], [0.0, 0.0], drift=0.4)
    assert found.above[0] + found.below[0] == pytest.approx(1.0)
    assert found.above[1] + found.below[1] == pytest.approx(0.0, abs=1e-12)
    assert sum(crossing([0.5, 1.0], [-math.inf] * 2, [math.inf] * 2).above) == 0.0


def test_many_looks_close_together_still_sum_to_one() -> None:
    times = [0.2, 0.2001, 0.2002, 0.9, 0.9002, 1.0]
    low, high = [-3.0] * 5 + [0.3], [3.0] * 5 + [0.3]
    found = crossing(times, low, high, drift=1.0)
    assert sum(found.above + found.below) == pytest.approx(1.0, abs=1e-9)


def test_information_that_does_not_rise_is_named() -> None:
    with pytest.raises(InputError, match=r"information of look 2 is 0.5 after 0.5"):
        crossing([0.5, 0.5], [-2.0] * 2, [2.0] * 2)
    with pytest.raises(InputError, match="information of look 1 is nan"):
        crossing([math.nan], [-2.0], [2.0])
    with pytest.raises(InputError, match="none given"):
        crossing([], [], [])
