"""Intervals against direct computations, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t
from tests.prove.offpolicy.worlds import small

from matinee.errors import ConfigError, InputError
from matinee.prove.offpolicy.evaluating import assumed_bounds, bounds_of, evaluate, gain_lower_bound
from matinee.prove.offpolicy.intervals import effective_number, interval
from matinee.prove.offpolicy.lower_bound import anytime_interval, smoothed_lower_bound
from matinee.prove.offpolicy.problem import Problem

X = np.random.default_rng(2).exponential(size=200)


def test_normal_interval_of_a_mean_is_the_textbook_one() -> None:
    one = interval(X, np.ones(200), kind="normal")
    reach = norm.ppf(0.975) * X.std(ddof=1) / np.sqrt(200)
    assert (one.low, one.high) == (pytest.approx(X.mean() - reach), pytest.approx(X.mean() + reach))


def test_a_ratio_has_the_error_of_the_delta_method() -> None:
    y = np.random.default_rng(3).poisson(3, 200) + 1.0
    one = interval(X * y, y)
    r = (X * y).sum() / y.sum()
    cov = np.cov(X * y, y)
    variance = (cov[0, 0] - 2 * r * cov[0, 1] + r**2 * cov[1, 1]) / 200 / y.mean() ** 2
    assert one.standard_error == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_heavy_tails_widen_the_interval_on_their_side() -> None:
    psi = X - X.mean()
    degrees = (psi**2).sum() ** 2 / (psi**4).sum() - 1
    assert effective_number(psi) == pytest.approx(degrees + 1)
    one, plain = interval(X, np.ones(200)), interval(X, np.ones(200), kind="normal")
    error = one.standard_error
    assert one.low == pytest.approx(X.mean() - t.ppf(0.975, degrees) * error)
    # Hall's transformation, applied to the end, gives back the normal quantile.
    end, g, n = (X.mean() - one.high) / error, ((X - X.mean()) ** 3).mean() / X.std() ** 3, 200
    s = end / np.sqrt(n)
    assert np.sqrt(n) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * n)) == pytest.approx(-norm.ppf(0.975))
    assert one.high > plain.high
    mirrored = interval(-X, np.ones(200))
    assert (mirrored.low, mirrored.high) == (pytest.approx(-one.high), pytest.approx(-one.low))


def test_bootstrap_is_near_and_seeded() -> None:
    one = interval(X, np.ones(200), kind="bootstrap", seed=4)
    plain = interval(X, np.ones(200), kind="normal")
    assert one == interval(X, np.ones(200), kind="bootstrap", seed=4)
    assert one.low == pytest.approx(plain.low, abs=0.03)
    assert one.high == pytest.approx(plain.high, abs=0.03)


def test_edges_of_intervals() -> None:
    assert interval(np.ones(1), np.ones(1)).high == np.inf
    assert np.isnan(interval(np.zeros(3), np.zeros(3)).value)
    flat = interval(np.ones(5), np.ones(5))
    assert (flat.low, flat.high) == (1.0, 1.0)
    with pytest.raises(InputError, match='kind is "exact", expected one of heavy_tail, normal, bootstrap'):
        interval(X, X, kind="exact")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="confidence is 95"):
        interval(X, X, confidence=95)


def test_repeated_units_widen_the_interval() -> None:
    alone, together = small(3000).problem, small(3000, units=3000).problem
    doubled = np.repeat(np.arange(1500), 2)
    same = Problem(
        alone.log.kept(np.repeat(np.arange(1500), 2)), alone.target.kept(np.repeat(np.arange(1500), 2))
    )
    units = doubled[np.argsort(doubled, kind="stable")]
    half = Problem(alone.log.kept(np.arange(1500)), alone.target.kept(np.arange(1500)))
    from dataclasses import replace

    pairs = replace(same, log=replace(same.log, unit=units))
    one, other = (evaluate(p, ["ips"]).estimates["ips"] for p in (half, pairs))
    assert one.value == pytest.approx(other.value)
    assert one.standard_error == pytest.approx(other.standard_error)
    assert evaluate(together, ["ips"]).estimates["ips"].standard_error < one.standard_error


def test_the_smoothed_bound_is_the_papers_where_smoothing_is_constant() -> None:
    """With a variance that never changes, the rate is constant and the bound has a closed form."""
    x = np.tile([0.0, 2.0], 500)
    bound = smoothed_lower_bound(x, np.ones(1000), alpha=0.05)
    best = max(
        (np.exp(np.log1p(rate * x).mean() - np.log(20) / 1000) - 1) / rate for rate in np.geomspace(0.001, 1)
    )
    assert bound == pytest.approx(best, rel=0.01)
    assert bound < x.mean()


def test_bounds_hold_for_heavy_weights() -> None:
    rng = np.random.default_rng(7)
    misses = {False: 0, True: 0}
    for _ in range(200):
        weight = rng.choice([0.0, 0.5, 20.0], p=[0.3, 0.6826, 0.0174], size=(400, 2))
        weight /= 0.5 * 0.6826 + 20 * 0.0174
        x = (weight * (rng.random((400, 2)) < 0.2)).sum(axis=1)
        for anytime in misses:
            bound = smoothed_lower_bound(x, np.full(400, 2.0), anytime=anytime)
            misses[anytime] += bound > 0.2
    assert max(misses.values()) <= 18  # 5 % of 200, and three standard errors less one


def test_a_scale_and_a_shift_of_the_rewards_move_the_bound_along() -> None:
    one = smoothed_lower_bound(X, np.ones(200), scale=1.0)
    assert smoothed_lower_bound(10 * X, np.ones(200), scale=10.0) == pytest.approx(10 * one)
    assert smoothed_lower_bound(X - 1, np.ones(200), least=-1.0, scale=1.0) == pytest.approx(one - 1)
    assert smoothed_lower_bound(np.zeros(50), np.ones(50)) == 0.0
    assert smoothed_lower_bound(X, np.ones(200), anytime=True) < one


def test_what_bounds_refuse() -> None:
    for changes, words in (
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"scale": 0.0}, "scale is 0.0"),
        ({"least": 5.0}, "a total is 0.0"),
    ):
        with pytest.raises(InputError, match=words):
            smoothed_lower_bound(X, np.ones(200), **changes)
    with pytest.raises(InputError, match="rewards lie between 1 and 1"):
        anytime_interval(X, X, lambda v: v, np.ones(200), low=1, high=1)


def test_bounds_of_a_problem_and_what_they_lack() -> None:
    given = small()
    bounds, missing = bounds_of(given.problem, 0.95)
    assert not missing
    assert bounds.low is not None
    assert bounds.high is not None
    assert bounds.lower is not None
    assert bounds.low < bounds.lower < given.truth < bounds.high
    gain = gain_lower_bound(given.problem)
    plain = (given.problem.weight - 1) * given.problem.log.reward
    assert plain.mean() - 3 * plain.std() / np.sqrt(3000) < gain < plain.mean()
    unknown = Problem(given.problem.log, given.problem.target)
    assert set(bounds_of(unknown, 0.95)[1]) == {"lower_bound", "anytime"}
    with pytest.raises(ConfigError, match="gain: rewards lie between None and None"):
        gain_lower_bound(unknown)
    half = Problem(given.problem.log, given.problem.target, reward_low=0.0)
    assert set(bounds_of(half, 0.95)[1]) == {"anytime"}
    assert assumed_bounds(np.array([-1.0])) == (None, None)
