from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from matinee.errors import InputError
from matinee.prove.stats.welch import Sample, welch_difference


def sample(values: np.ndarray) -> Sample:
    return Sample(len(values), float(values.mean()), float(values.var(ddof=1)))


def test_it_equals_scipys_interval() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 2, 30), rng.normal(0, 0.5, 200)
    theirs = ttest_ind(a, b, equal_var=False).confidence_interval(0.99)
    assert welch_difference(sample(a), sample(b), p=0.01) == pytest.approx((theirs.low, theirs.high))


def test_samples_without_spread_have_no_interval_around_their_difference() -> None:
    assert welch_difference(Sample(5, 2.0, 0.0), Sample(5, 1.5, 0.0)) == (0.5, 0.5)


def test_a_sample_of_one_and_one_that_is_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="n=1"):
        welch_difference(Sample(1, 0.0, 0.0), Sample(9, 0.0, 1.0))
    with pytest.raises(InputError, match="nan"):
        welch_difference(Sample(9, float("nan"), 0.0), Sample(9, 0.0, 1.0))
