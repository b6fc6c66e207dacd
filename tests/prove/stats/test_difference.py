from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from matinee.errors import InputError
from matinee.prove.stats.difference import cuped_theta, difference
from matinee.prove.stats.moments import Moments


def arm(n: int, seed: int, lift: float = 0.0) -> np.ndarray:
    """Outcome, denominators, covariate and its denominators of n units who differ, shape (4, n)."""
    rng = np.random.default_rng(seed)
    taste = rng.gamma(2.0, 1.0, n)
    d, c = 1.0 + rng.poisson(3, n), rng.poisson(3, n).astype(float)
    return np.stack([taste * d * (1 + lift) + rng.normal(0, 1, n), d, taste * c + rng.normal(0, 1, n), c])


TREATED, CONTROL = arm(700, 1, 0.1), arm(900, 2)


def test_a_mean_equals_welchs_test() -> None:
    found = difference(Moments.of(TREATED[0]), Moments.of(CONTROL[0]))
    theirs = ttest_ind(TREATED[0], CONTROL[0], equal_var=False)
    assert found.z == pytest.approx(theirs.statistic, rel=1e-9)
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)
    low, high = found.interval(found.multiplier(0.05))
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval(0.95)), rel=1e-9)
    assert (found.base, found.treated) == pytest.approx((CONTROL[0].mean(), TREATED[0].mean()), rel=1e-9)


def test_a_ratio_equals_the_delta_method_on_arrays() -> None:
    found = difference(Moments.of(*TREATED[:2]), Moments.of(*CONTROL[:2]))
    value, variance = 0.0, 0.0
    for sign, (y, d) in ((1, TREATED[:2]), (-1, CONTROL[:2])):
        ratio = y.sum() / d.sum()
        value += sign * ratio
        variance += np.var((y - ratio * d) / d.mean(), ddof=1) / len(y)
    assert found.value == pytest.approx(value, rel=1e-9)
    assert found.error == pytest.approx(np.sqrt(variance), rel=1e-9)


@pytest.mark.parametrize("ratio", [False, True])
def test_cuped_equals_direct_computation_on_arrays(ratio: bool) -> None:
    arms = [
        (a[0], a[1] if ratio else np.ones(len(a[0])), a[2], a[3] if ratio else np.ones(len(a[0])))
        for a in (TREATED, CONTROL)
    ]
    lines = [
        ((y - y.sum() / d.sum() * d) / d.mean(), (x - x.sum() / c.sum() * c) / c.mean())
        for y, d, x, c in arms
    ]
    theta = sum(np.cov(*line)[0, 1] / len(line[0]) for line in lines) / sum(
        np.var(line[1], ddof=1) / len(line[1]) for line in lines
    )
    points = [(y.sum() / d.sum(), x.sum() / c.sum()) for y, d, x, c in arms]
    variance = sum(np.var(ly - theta * lx, ddof=1) / len(ly) for ly, lx in lines)
    found = difference(*(Moments.of(*one) for one in arms))
    assert cuped_theta(*(Moments.of(*one) for one in arms)) == pytest.approx(theta, rel=1e-9)
    assert found.value == pytest.approx(
        points[0][0] - points[1][0] - theta * (points[0][1] - points[1][1]), rel=1e-9
    )
    assert found.error == pytest.approx(np.sqrt(variance), rel=1e-9)
    plain = difference(*(Moments.of(*one) for one in arms), adjust=False)
    assert found.reduction == pytest.approx(1 - (found.error / plain.error) ** 2, rel=1e-9)
    assert found.reduction > 0.1


def test_with_arms_of_one_size_theta_is_the_slope_of_the_analysis_of_covariance() -> None:
    a, b = TREATED[:, :700], CONTROL[:, :700]
    design = np.column_stack([np.ones(1400), np.repeat([1.0, 0.0], 700), np.concatenate([a[2], b[2]])])
    found, *_ = np.linalg.lstsq(design, np.concatenate([a[0], b[0]]), rcond=None)
    arms = Moments.of(a[0], x=a[2]), Moments.of(b[0], x=b[2])
    assert cuped_theta(*arms) == pytest.approx(found[2], rel=1e-9)
    assert difference(*arms).value == pytest.approx(found[1], rel=1e-9)


def test_a_covariate_that_is_the_outcome_leaves_nothing_and_a_constant_one_changes_nothing() -> None:
    y = TREATED[0]
    same = difference(Moments.of(y, x=y), Moments.of(y + 2.0, x=y))
    assert same.value == pytest.approx(-2.0)
    assert same.error == pytest.approx(0.0, abs=1e-7)
    constant = Moments.of(y, x=np.full(len(y), 3.0)), Moments.of(CONTROL[0], x=np.full(900, 3.0))
    assert difference(*constant) == difference(*constant, adjust=False)
    nobody = Moments.of(y, x=0 * y, c=0 * y), Moments.of(CONTROL[0], x=0 * CONTROL[0], c=0 * CONTROL[0])
    assert difference(*nobody).reduction == 0.0


@given(seed=st.integers(0, 10_000), n=st.integers(3, 200), m=st.integers(3, 200))
@settings(max_examples=40, deadline=None)
def test_the_adjustment_never_costs_precision(seed: int, n: int, m: int) -> None:
    a, b = arm(n, seed), arm(m, seed + 1)
    found = difference(Moments.of(a[0], x=a[2]), Moments.of(b[0], x=b[2]))
    assert -1e-9 <= found.reduction <= 1.0 + 1e-9


@pytest.mark.parametrize("multiplier", [1.0, 1.96, 4.9])
def test_the_relative_interval_holds_exactly_the_lifts_whose_linear_hypothesis_is_not_rejected(
    multiplier: float,
) -> None:
    arms = Moments.of(*TREATED), Moments.of(*CONTROL)
    relative = difference(*arms, relative=True)
    absolute = difference(*arms)
    assert relative.z == pytest.approx(absolute.z, rel=1e-9)
    assert relative.value == pytest.approx(absolute.value / absolute.base, rel=1e-12)
    low, high = relative.interval(multiplier)
    assert low < relative.value < high
    for end, side in ((low, 1), (high, -1)):
        assert relative.z_against(end) == pytest.approx(side * multiplier, rel=1e-6)


def test_the_relative_error_is_that_of_the_delta_method() -> None:
    arms = Moments.of(TREATED[0]), Moments.of(CONTROL[0])
    found = difference(*arms, relative=True)
    t, c = TREATED[0], CONTROL[0]
    direct = np.sqrt(
        t.var(ddof=1) / len(t) / c.mean() ** 2 + t.mean() ** 2 * c.var(ddof=1) / len(c) / c.mean() ** 4
    )
    assert found.error == pytest.approx(direct, rel=1e-9)


def test_a_control_that_may_be_zero_has_no_bounded_lift() -> None:
    rng = np.random.default_rng(0)
    arms = Moments.of(rng.normal(1, 1, 50)), Moments.of(rng.normal(0.05, 1, 50))
    assert difference(*arms, relative=True).interval(1.96) == (-np.inf, np.inf)


def test_arms_without_spread_have_a_difference_without_error() -> None:
    found = difference(Moments.of([2.0, 2.0]), Moments.of([1.0, 1.0]))
    assert (found.value, found.error, found.z) == (1.0, 0.0, np.inf)
    assert difference(Moments.of([1.0, 1.0]), Moments.of([1.0, 1.0])).z == 0.0


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="denominators of 2 units sum to 0"):
        difference(Moments.of([0.0, 0.0], d=[0.0, 0.0]), Moments.of([1.0, 2.0]))
    with pytest.raises(InputError, match="control's value is 0"):
        difference(Moments.of([1.0, 2.0]), Moments.of([0.0, 0.0]), relative=True)
    with pytest.raises(InputError, match="at least two"):
        difference(Moments.of([1.0]), Moments.of([0.0, 0.0]))
    found = difference(Moments.of([1.0, 2.0]), Moments.of([0.0, 1.0]))
    with pytest.raises(InputError, match="multiplier is -1"):
        found.interval(-1.0)
    with pytest.raises(InputError, match="alpha is 5"):
        found.multiplier(5)


@pytest.mark.parametrize("ratio", [False, True])
def test_without_a_difference_the_adjusted_lift_is_as_seldom_found_as_promised(ratio: bool) -> None:
    wrong, runs = 0, 1_500
    for seed in range(runs):
        a, b = arm(150, 2 * seed), arm(300, 2 * seed + 1)
        arms = [Moments.of(*one) if ratio else Moments.of(one[0], x=one[2]) for one in (a, b)]
        low, high = (found := difference(*arms, relative=True)).interval(found.multiplier(0.05))
        wrong += not low <= 0 <= high
    assert abs(wrong / runs - 0.05) < 3 * np.sqrt(0.05 * 0.95 / runs)


def test_a_ratio_that_one_arm_had_nothing_of_before_is_not_adjusted() -> None:
    """Else the other arm's whole covariate would be taken for a difference."""
    rng = np.random.default_rng(0)
    n = 200
    d, y = np.full(n, 10.0), rng.binomial(10, 0.5, n).astype(float)
    c = np.where(np.arange(n) < 6, 10.0, 0.0)
    new, old = Moments.of(y, d, 0 * y, 0 * y), Moments.of(y, d, np.where(c > 0, y, 0.0), c)
    found = difference(new, old)
    assert (found.value, found.reduction) == (0.0, 0.0)
    assert cuped_theta(new, old) == 0.0
