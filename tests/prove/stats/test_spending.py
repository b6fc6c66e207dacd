from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.spending import HIGHEST, after_stop, spending_bounds, spending_power, spent

EQUAL = [0.2, 0.4, 0.6, 0.8, 1.0]


def bounds(*args: object, **kwargs: object) -> list[float]:
    return [look.bound for look in spending_bounds(*args, **kwargs)]  # type: ignore[arg-type]


def test_bounds_are_the_published_ones() -> None:
    """Reboussin, DeMets, Kim, Lan (2000), Controlled Clinical Trials 21, 190: two-sided 5 %, five looks."""
    assert bounds(EQUAL) == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_bounds_of_unequal_looks_are_those_of_another_implementation() -> None:
    """Made with gsdesign 0.1.5 (its `h1` and `hupdate` with 128 grid points), see benchmarks/oracles."""
    assert bounds([0.3, 0.45, 0.8, 1.1]) == pytest.approx(
        [3.92857254, 3.1489759, 2.25927371, 2.05209297], abs=1e-6
    )


def test_one_look_is_a_plain_test() -> None:
    assert bounds([1.0]) == pytest.approx([norm.isf(0.025)])
    assert bounds([1.0], sides=1) == pytest.approx([norm.isf(0.05)])


def test_one_side_of_half_the_level_is_nearly_the_same_as_two_sides() -> None:
    assert bounds(EQUAL, alpha=0.025, sides=1) == pytest.approx(bounds(EQUAL), abs=1e-3)
    assert spent(0.7, 0.05) == pytest.approx(2 * spent(0.7, 0.025, sides=1))
    assert (spent(0.0, 0.05), spent(1.0, 0.05), spent(2.0, 0.05)) == pytest.approx((0.0, 0.05, 0.05))


@given(steps=st.lists(st.floats(0.01, 0.5), min_size=2, max_size=8), sides=st.sampled_from([1, 2]))
@settings(max_examples=25, deadline=None)
def test_a_bound_depends_on_its_own_and_earlier_looks_only_and_all_is_spent(
    steps: list[float], sides: int
) -> None:
    times = list(np.cumsum(steps) / sum(steps))
    looks = spending_bounds(times, sides=sides)
    for k in range(1, len(times)):
        assert bounds(times[:k], sides=sides) == pytest.approx([look.bound for look in looks[:k]], abs=1e-9)
    assert looks[-1].spent == pytest.approx(0.05, abs=1e-10)
    assert all(
        look.spent == pytest.approx(spent(look.information, 0.05, sides=sides), abs=1e-10) for look in looks
    )
    wrong = spending_power(0.0, looks, sides=sides)
    assert sum(wrong.above) + (sum(wrong.below) if sides == 2 else 0) == pytest.approx(0.05, abs=1e-9)


def test_past_bounds_stay_when_the_plan_is_moved_and_the_rest_is_spent() -> None:
    before = bounds([0.25, 0.5])
    moved = spending_bounds([0.2, 0.4, 0.8, 1.0], past=before)
    assert [look.bound for look in moved[:2]] == before
    assert moved[-1].spent == pytest.approx(0.05)
    greedy = spending_bounds([0.2, 0.4], past=[2.0])
    assert greedy[1].bound == HIGHEST


def test_the_last_look_spends_what_is_left_though_fewer_units_came() -> None:
    planned, ended = spending_bounds([0.5, 0.9]), spending_bounds([0.5, 0.9], last=True)
    assert ended[0] == planned[0]
    assert ended[1].bound < planned[1].bound
    assert ended[1].spent == pytest.approx(0.05)


def test_daily_looks_cost_little_power() -> None:
    looks = spending_bounds([day / 28 for day in range(1, 29)])
    assert looks[0].bound == HIGHEST
    drift = norm.isf(0.025) + norm.isf(0.2)
    assert 0.76 < sum(spending_power(drift, looks).above) < 0.80


def test_an_adjusted_result_at_the_first_look_is_the_plain_one() -> None:
    found = after_stop(5.0, spending_bounds([0.4]))
    assert found.p == pytest.approx(2 * norm.sf(5.0), rel=1e-6)
    assert (found.median, found.low, found.high) == pytest.approx((5.0, 5 - 1.959964, 5 + 1.959964), abs=1e-5)


def test_an_adjusted_p_at_a_bound_is_what_was_spent_and_the_interval_agrees() -> None:
    looks = spending_bounds(EQUAL)
    at = after_stop(looks[-1].bound, looks)
    assert at.p == pytest.approx(0.05, abs=1e-6)
    assert at.low == pytest.approx(0.0, abs=1e-5)
    assert at.median < looks[-1].bound
    mirrored = after_stop(-looks[-1].bound, looks)
    assert (mirrored.p, mirrored.median) == pytest.approx((at.p, -at.median), abs=1e-6)


@pytest.mark.slow
def test_after_stopping_the_interval_holds_the_truth_and_the_estimate_is_in_the_middle() -> None:
    rng = np.random.default_rng(5)
    looks, drift, n = spending_bounds(EQUAL), 2.5, 600
    times = np.array(EQUAL)
    path = np.cumsum(rng.normal(drift * 0.2, math.sqrt(0.2), (n, 5)), axis=1) / np.sqrt(times)
    crossed = np.abs(path) >= [look.bound for look in looks]
    stop = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 4)
    held = below = naive = 0
    for z, k in zip(path[np.arange(n), stop], stop, strict=True):
        truth = drift * math.sqrt(times[k])
        found = after_stop(float(z), looks[: k + 1])
        held += found.low <= truth <= found.high
        below += found.median <= truth
        naive += z <= truth
    assert abs(held / n - 0.95) < 3 * math.sqrt(0.05 * 0.95 / n)
    assert abs(below / n - 0.5) < 3 * math.sqrt(0.25 / n)
    assert naive < below


def test_bad_plans_are_named() -> None:
    with pytest.raises(InputError, match=r"a look follows one with information 1, expected none"):
        spending_bounds([0.5, 1.0, 1.2])
    with pytest.raises(InputError, match="2 past bounds for 1 looks"):
        spending_bounds([0.5], past=[3.0, 2.0])
    with pytest.raises(InputError, match=r"alpha is 0.7"):
        spending_bounds([0.5], alpha=0.7)
    with pytest.raises(InputError, match="sides is 3"):
        spending_bounds([0.5], sides=3)
