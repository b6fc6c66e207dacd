from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaln, ndtr

from matinee.decide.best_arm import best_beta, best_gaussian


def test_two_normal_arms_have_a_closed_form_at_any_scale() -> None:
    for gap, s, t in (
        (0.0, 1.0, 1.0),
        (0.3, 1.0, 1e-4),
        (1e-3, 1e-3, 1e-4),
        (3.0, 1.0, 0.5),
        (-2.0, 1e3, 1.0),
    ):
        p = best_gaussian(np.array([gap, 0.0]), np.array([s, t]))
        assert p[0] == pytest.approx(ndtr(gap / np.hypot(s, t)), abs=1e-4)


def test_two_beta_arms_have_a_closed_form() -> None:
    # P(X > Y) for whole numbers: a finite sum (Evan Miller, Formulas for Bayesian A/B testing)
    def second_is_better(a: int, b: int, c: int, d: int) -> float:
        i = np.arange(c)
        return float(np.exp(betaln(a + i, b + d) - np.log(d + i) - betaln(1 + i, d) - betaln(a, b)).sum())

    for a, b, c, d in ((1, 1, 1, 1), (2, 30, 5, 40), (50, 1_000, 700, 9_000), (1, 1, 500, 500)):
        p = best_beta(np.array([a, c], float), np.array([b, d], float))
        assert p[1] == pytest.approx(second_is_better(a, b, c, d), abs=1e-4)


def test_many_arms_agree_with_draws() -> None:
    rng, n = np.random.default_rng(0), 200_000
    mean, sd = rng.normal(size=30), rng.uniform(0.05, 2.0, 30)
    share = np.bincount((mean + sd * rng.normal(size=(n, 30))).argmax(axis=1), minlength=30) / n
    assert np.abs(best_gaussian(mean, sd) - share).max() < 1e-3 + 4.5 * np.sqrt(0.25 / n)
    a, b = rng.uniform(1, 50, 8), rng.uniform(100, 900, 8)
    share = np.bincount(rng.beta(a, b, size=(n, 8)).argmax(axis=1), minlength=8) / n
    assert np.abs(best_beta(a, b) - share).max() < 1e-3 + 4.5 * np.sqrt(0.25 / n)


def test_a_single_arm_is_the_best_and_equal_arms_are_it_equally() -> None:
    assert best_gaussian(np.zeros(1), np.ones(1)).tolist() == [1.0]
    assert best_gaussian(np.zeros(700), np.ones(700)) == pytest.approx(np.full(700, 1 / 700), rel=1e-6)
    assert best_beta(np.ones(5), np.ones(5)) == pytest.approx(np.full(5, 0.2), rel=1e-6)


def test_an_arm_that_is_surely_worse_is_never_the_best() -> None:
    assert best_gaussian(np.array([0.0, 100.0]), np.ones(2)) == pytest.approx([0.0, 1.0], abs=1e-8)
