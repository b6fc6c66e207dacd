from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.difference import difference
from matinee.prove.stats.moments import Moments
from matinee.prove.stats.power import (
    Baseline,
    Plan,
    days_needed,
    needed_drift,
    power_at,
    smallest_effect,
    units_needed,
)

RATE = Baseline(0.05, 0.05 * 0.95)


def test_a_fixed_plan_needs_the_textbooks_number_of_units() -> None:
    drift = norm.isf(0.025) + norm.isf(0.2)
    textbook = 4 * RATE.variance * (drift / 0.005) ** 2
    assert units_needed(0.1, RATE, Plan("fixed")) == pytest.approx(textbook, rel=1e-5)


def test_known_power_of_three_ways_of_looking() -> None:
    """20,000 units an arm, 5 % and 28 looks, as in benchmarks/sequential.py."""
    for lift, known in ((0.10, (61, 58, 29)), (0.15, (92, 91, 70)), (0.20, (99, 99, 94))):
        a, b = 0.05 * (1 + lift), 0.05
        drift = (a - b) / math.sqrt((a * (1 - a) + b * (1 - b)) / 20_000)
        found = [power_at(drift, Plan(way)) for way in ("fixed", "spending", "sequence")]
        assert [100 * p for p in found] == pytest.approx(known, abs=2.0)


@pytest.mark.parametrize("way", ["fixed", "spending", "sequence"])
def test_units_effect_and_power_agree_with_each_other(way: str) -> None:
    plan = Plan(way, power=0.9, looks=10)  # type: ignore[arg-type]
    assert power_at(needed_drift(plan), plan) == pytest.approx(0.9, abs=1e-5)
    n = units_needed(0.03, RATE, plan, shares=(0.1, 0.9))
    assert smallest_effect(n, RATE, plan, shares=(0.1, 0.9)) == pytest.approx(0.03, rel=1e-3)


def test_the_covariate_saves_its_share_of_units_and_uneven_arms_cost() -> None:
    plan = Plan("fixed")
    plain = units_needed(0.1, RATE, plan)
    assert units_needed(0.1, Baseline(0.05, RATE.variance, 0.4), plan) == pytest.approx(0.6 * plain, rel=1e-4)
    assert units_needed(0.1, RATE, plan, shares=(0.2, 0.8)) == pytest.approx(
        plain / (4 * 0.2 * 0.8), rel=1e-4
    )
    assert units_needed(-0.1, RATE, plan) == plain


def test_a_baseline_comes_from_moments_and_knows_what_the_adjustment_will_remove() -> None:
    rng = np.random.default_rng(0)
    taste = rng.gamma(2.0, 1.0, 4_000)
    y, x = taste + rng.normal(0, 1, 4_000), taste + rng.normal(0, 1, 4_000)
    base = Baseline.of(Moments.of(y, x=x))
    assert (base.mean, base.variance) == pytest.approx((y.mean(), y.var(ddof=1)))
    assert base.reduction == pytest.approx(np.corrcoef(y, x)[0, 1] ** 2)
    seen = difference(Moments.of(y[::2], x=x[::2]), Moments.of(y[1::2], x=x[1::2]))
    assert seen.reduction == pytest.approx(base.reduction, abs=0.02)
    assert Baseline.of(Moments.of(y)).reduction == 0.0


def test_days_follow_the_units_that_come() -> None:
    assert days_needed(100, 10) == 10
    assert days_needed(100, [60, 30, 9, 1]) == 4
    assert days_needed(100, [60, 30]) is None
    assert days_needed(100, 0.0) is None


def test_bad_plans_are_named() -> None:
    with pytest.raises(InputError, match="effect is 0"):
        units_needed(0, RATE, Plan())
    with pytest.raises(InputError, match="mean is 0"):
        units_needed(0.1, Baseline(0.0, 1.0), Plan())
    with pytest.raises(InputError, match=r"reduction 1.0"):
        units_needed(0.1, Baseline(1.0, 1.0, 1.0), Plan())
    with pytest.raises(InputError, match="shares are"):
        units_needed(0.1, RATE, Plan(), shares=(0.0, 1.0))
    with pytest.raises(InputError, match=r"power is 1.0"):
        units_needed(0.1, RATE, Plan(power=1.0))
    with pytest.raises(InputError, match=r"alpha is 0.6"):
        needed_drift(Plan(alpha=0.6))
    with pytest.raises(InputError, match="looks is 0"):
        needed_drift(Plan(looks=0))
    with pytest.raises(InputError, match="units is 1"):
        smallest_effect(1, RATE, Plan())
