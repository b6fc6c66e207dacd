from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.stats.rates import rate_difference
from matinee.prove.stats.survival_difference import Lasting, kept_time_difference, survival_difference


def arm(n: int, hazard: float, rng: np.random.Generator) -> Lasting:
    """Exponential lives, watched for 30 to 90 days."""
    life, watched = rng.exponential(1 / hazard, n), rng.uniform(30, 90, n)
    return Lasting(np.minimum(life, watched), life <= watched)


def test_without_censoring_it_is_a_difference_of_rates() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.exponential(60, 400), rng.exponential(40, 500)
    found = survival_difference(Lasting(a, a > 0), Lasting(b, b > 0), [30.0])[0]
    k, m = int((a > 30).sum()), int((b > 30).sum())
    assert found.value == pytest.approx(k / 400 - m / 500, rel=1e-12)
    assert (found.low, found.high) == pytest.approx(rate_difference(k, 400, m, 500), abs=4e-3)
    kept = kept_time_difference(Lasting(a, a > 0), Lasting(b, b > 0), 30.0)
    cut = np.minimum(a, 30), np.minimum(b, 30)
    assert kept.value == pytest.approx(cut[0].mean() - cut[1].mean(), rel=1e-9)
    error = np.sqrt(cut[0].var() / 400 + cut[1].var() / 500)
    assert kept.high - kept.low == pytest.approx(2 * 1.959964 * error, rel=1e-3)


def test_intervals_hold_the_truth_under_censoring() -> None:
    rng, runs, held, mean_held = np.random.default_rng(1), 300, 0, 0
    truth = np.exp(-0.01 * 60) - np.exp(-0.015 * 60)
    mean = (1 - np.exp(-0.01 * 60)) / 0.01 - (1 - np.exp(-0.015 * 60)) / 0.015
    for _ in range(runs):
        arms = arm(250, 0.01, rng), arm(250, 0.015, rng)
        found = survival_difference(*arms, [60.0])[0]
        held += found.low <= truth <= found.high
        kept = kept_time_difference(*arms, 60.0)
        mean_held += kept.low <= mean <= kept.high
    assert abs(held / runs - 0.95) < 0.04
    assert abs(mean_held / runs - 0.95) < 0.04


def test_nothing_ended_and_everything_ended_still_have_intervals() -> None:
    ages = np.full(40, 10.0)
    found = survival_difference(Lasting(ages, ages < 0), Lasting(ages, ages > 0), [9.0, 10.0])
    assert found[0].value == 0.0
    assert found[0].low < 0 < found[0].high
    assert found[1].value == 1.0
    assert 0.8 < found[1].low < 1.0


def test_times_that_nobody_was_watched_for_and_empty_arms_are_refused() -> None:
    one, empty = Lasting(np.array([5.0]), np.array([True])), Lasting(np.array([]), np.array([], dtype=bool))
    with pytest.raises(
        InputError, match=r"time is 6, expected above 0 and at most 5, the greatest age in control"
    ):
        survival_difference(Lasting(np.array([9.0]), np.array([True])), one, [6.0])
    with pytest.raises(InputError, match="treated has no units"):
        kept_time_difference(empty, one, 3.0)
    with pytest.raises(InputError, match="age that is not finite"):
        survival_difference(Lasting(np.array([np.inf]), np.array([True])), one, [3.0])
