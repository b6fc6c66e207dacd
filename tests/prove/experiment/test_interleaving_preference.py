"""Preference by units: known answers, exact probabilities, false positives, a broken coin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from matinee.errors import InputError
from matinee.prove.experiment.interleaving_preference import Credits, prefer, toss


def credits_of(a: list[float], b: list[float], top: list[int] | None = None) -> Credits:
    n = len(a)
    given = np.arange(n) % 2 if top is None else np.array(top)
    return Credits(np.array(a, float), np.array(b, float), np.zeros(n), given.astype(np.int64))


def drawn(n: int, rate_a: float, rate_b: float, seed: int) -> Credits:
    """Units that watch different amounts; each play is A's or B's."""
    rng = np.random.default_rng(seed)
    activity = rng.gamma(2.0, 0.5, n)
    a, b = rng.poisson(rate_a * activity), rng.poisson(rate_b * activity)
    return Credits(a.astype(float), b.astype(float), np.zeros(n), rng.integers(0, 2, n))


def test_the_estimate_is_the_difference_of_the_credits_over_their_sum() -> None:
    found = prefer(credits_of([1, 0, 2, 0], [0, 3, 2, 0]))
    assert (found.credit_a, found.credit_b) == (3, 5)
    assert found.estimate == pytest.approx(2 / 8)
    assert (found.n_units, found.for_a, found.for_b, found.ties) == (4, 1, 1, 2)
    rest = np.array([-1, 3, 0, 0]) - 0.25 * np.array([1, 3, 4, 0])
    assert found.standard_error == pytest.approx(math.sqrt(4 * rest.var(ddof=1)) / 8)


def test_few_units_are_judged_by_the_exact_sign_test() -> None:
    five = prefer(credits_of([0] * 5, [1] * 5))
    assert five.p == pytest.approx(2 * 0.5**5)
    assert five.winner() is None
    assert prefer(credits_of([0] * 6, [1] * 6)).winner() == "B"
    uneven = prefer(credits_of([1] * 12 + [0] * 3, [0] * 12 + [1] * 3))
    exact = binomtest(3, 15)
    assert uneven.p == pytest.approx(exact.pvalue)
    known = exact.proportion_ci(method="exact")
    assert (uneven.share_low, uneven.share_high) == pytest.approx((2 * known.low - 1, 2 * known.high - 1))
    assert uneven.winner() == "A"


def test_exchanging_the_teams_exchanges_the_answer() -> None:
    one = drawn(300, 0.5, 0.8, seed=1)
    other = prefer(Credits(one.b, one.a, one.shared, 1 - one.top))
    found = prefer(one)
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (-other.estimate, -other.high, -other.low)
    )
    assert found.p == pytest.approx(other.p)
    assert (found.winner(), other.winner()) == ("B", "A")


def test_equal_arms_are_told_apart_as_rarely_as_promised() -> None:
    n_runs = 1_000
    found = [prefer(drawn(400, 0.6, 0.6, seed)) for seed in range(n_runs)]
    wrong = sum(one.winner() is not None for one in found) / n_runs
    assert abs(wrong - 0.05) < 3 * math.sqrt(0.05 * 0.95 / n_runs)
    assert sum(one.winner(always=True) is not None for one in found) <= 0.05 * n_runs


def test_looking_at_every_step_seldom_misleads_the_sequence_and_often_the_interval() -> None:
    looks, n_runs = range(100, 1_001, 100), 150
    once = always = 0
    for seed in range(n_runs):
        whole = drawn(1_000, 0.6, 0.6, seed)
        found = [
            prefer(Credits(whole.a[:n], whole.b[:n], whole.shared[:n], whole.top[:n]), planned=500)
            for n in looks
        ]
        once += any(one.winner() for one in found)
        always += any(one.winner(always=True) for one in found)
    assert always <= 0.05 * n_runs
    assert once > 2 * always
    assert once > 0.08 * n_runs


def test_intervals_hold_the_truth() -> None:
    truth, n_runs = (0.8 - 0.5) / 1.3, 1_000
    held = sum(f.low <= truth <= f.high for f in (prefer(drawn(400, 0.5, 0.8, s)) for s in range(n_runs)))
    assert abs(held / n_runs - 0.95) < 3 * math.sqrt(0.05 * 0.95 / n_runs)


def test_a_broken_coin_lets_nobody_win() -> None:
    n = 60
    fair = credits_of([0] * n, [1] * n)
    assert fair.top.tolist() == [0, 1] * 30
    broken = prefer(credits_of([0] * n, [1] * n, top=[1] * 50 + [0] * 10))
    assert not broken.coin.fair
    assert broken.winner() is None
    assert broken.winner(always=True) is None
    assert prefer(fair).winner() == "B"
    assert toss(np.array([-1, -1])).p == 1


def test_nothing_earned_is_no_preference() -> None:
    for n in (0, 1, 5):
        found = prefer(credits_of([0] * n, [0] * n))
        assert found.winner() is None
        assert found.winner(always=True) is None
        assert math.isnan(found.estimate)
        assert math.isnan(found.share)
        assert (found.p, found.share_low, found.share_high) == (1.0, -1.0, 1.0)


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match=r"columns have \[1, 2\] entries"):
        Credits(np.zeros(1), np.zeros(2), np.zeros(1), np.zeros(1, np.int64))
    with pytest.raises(InputError, match="b has a value that is no number"):
        credits_of([1.0], [math.nan])
    with pytest.raises(InputError, match="alpha is 1, expected"):
        prefer(credits_of([1], [0]), alpha=1)
    with pytest.raises(InputError, match="planned is 0, expected"):
        prefer(credits_of([1], [0]), planned=0)


def test_few_units_that_agree_are_no_winner_at_all_looks() -> None:
    for n, winner in ((2, None), (7, None), (8, "B"), (40, "B")):
        b, none = np.ones(n), np.zeros(n)
        assert prefer(Credits(none, b, none, np.arange(n) % 2)).winner(always=True) == winner
