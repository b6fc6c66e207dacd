import math

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.stats.bootstrap import bootstrap
from matinee.prove.stats.paired import paired_difference


def two_models(shift, n=500, seed=0):
    """Members differ much, models little."""
    rng = np.random.default_rng(seed)
    member = rng.normal(0, 5, n)
    return member + rng.normal(shift, 1, n), member + rng.normal(0, 1, n)


def test_pairing_sees_a_difference_that_separate_means_do_not():
    a, b = two_models(0.3)
    difference = paired_difference(a, b)
    assert difference.is_above_zero
    assert difference.p < 0.01
    assert difference.mean == pytest.approx(a.mean() - b.mean())
    assert difference.standard_error == pytest.approx((a - b).std() / math.sqrt(500), rel=0.06)
    assert bootstrap(a).low < bootstrap(b).high  # the separate intervals overlap


def test_no_difference_is_rarely_called_one():
    alarms = sum(paired_difference(*two_models(0.0, 100, seed), n_draws=300).p < 0.05 for seed in range(200))
    assert alarms / 200 < 0.11


def test_it_is_antisymmetric():
    a, b = two_models(0.1)
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (there.mean, there.low, there.high) == pytest.approx((-back.mean, -back.high, -back.low))
    assert there.p == back.p


def test_equal_models():
    a, _ = two_models(0.0)
    same = paired_difference(a, a)
    assert (same.mean, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    assert not same.is_above_zero


def test_members_are_drawn_whole():
    a, b = two_models(0.3, 60)
    repeat = np.repeat(np.arange(60), 5)
    copies = paired_difference(a[repeat], b[repeat], member=repeat)
    once = paired_difference(a, b)
    assert copies.n == 60
    assert copies.standard_error == pytest.approx(once.standard_error)


def test_different_lengths_are_refused():
    with pytest.raises(InputError, match="a has 2 values and b has 3"):
        paired_difference(np.ones(2), np.ones(3))


def test_nothing_to_compare():
    assert paired_difference(np.array([np.nan]), np.array([1.0])).p == 1.0


def test_it_reads_as_text():
    assert str(paired_difference(np.array([1.0, 0.5]), np.array([0.5, 0.0]))) == "+0.5000 [+0.5000, +0.5000]"
