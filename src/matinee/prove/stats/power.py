"""How many units and days an experiment needs, or which effect it can find, for each way of looking."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Literal

import msgspec
from scipy.optimize import brentq
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.confidence_sequence import sequence_multiplier
from matinee.prove.stats.difference import linearised
from matinee.prove.stats.moments import Moments
from matinee.prove.stats.spending import spending_bounds
from matinee.prove.stats.walk import crossing

Analysis = Literal["fixed", "spending", "sequence"]


class Baseline(msgspec.Struct, frozen=True):
    """The metric as it is without the change, per unit.

    Attributes
    ----------
    mean : float, not 0
        Of the metric (a ratio: its value).
    variance : float, 0 or more
        Between units (a ratio: of its linearised values).
    reduction : float, 0 to below 1
        Share of the variance that the covariate removes.
    """

    mean: float
    variance: float
    reduction: float = 0.0

    @classmethod
    def of(cls, moments: Moments) -> Baseline:
        """The baseline of units observed over a time as long as the experiment's, with their covariate."""
        (value, _), covariance = linearised(moments)
        scale = float(covariance[0, 0] * covariance[1, 1])
        return cls(value, float(covariance[0, 0]), float(covariance[0, 1]) ** 2 / scale if scale > 0 else 0.0)


class Plan(msgspec.Struct, frozen=True):
    """How one looks, and what one wants of it.

    Attributes
    ----------
    analysis : {"fixed", "spending", "sequence"}
    alpha : float
        Two-sided error probability of one comparison: divide it by the number of treated arms.
    power : float
        Wanted probability to find the effect, at the planned end or before.
    looks : int, 1 or more
        Evenly over the planned units; "fixed" has one.

    Raises
    ------
    InputError
        From each function that uses it: a figure is out of its range.
    """

    analysis: Analysis = "spending"
    alpha: float = 0.05
    power: float = 0.8
    looks: int = 28


def power_at(drift: float, plan: Plan) -> float:
    """Probability to find an effect that is `drift` standard errors of the planned end.

    Notes
    -----
    The probability to cross the bound on the effect's side at one of the looks, by the integration in
    `walk.py`; for a confidence sequence up to the planned end.

    Examples
    --------
    >>> [round(power_at(2.8, Plan(way)), 2) for way in ("fixed", "spending", "sequence")]
    [0.8, 0.78, 0.5]
    """
    information, upper = _bounds(plan.analysis, plan.alpha, plan.looks)
    return sum(crossing(information, [-bound for bound in upper], upper, drift=drift).above)


def needed_drift(plan: Plan) -> float:
    """Effect in standard errors of the planned end that is found with the wanted power.

    Examples
    --------
    >>> [round(needed_drift(Plan(way)), 2) for way in ("fixed", "spending", "sequence")]
    [2.8, 2.87, 3.68]
    """
    _check(plan)
    return float(brentq(lambda drift: power_at(drift, plan) - plan.power, 0.0, 20.0, xtol=1e-6))


def units_needed(
    effect: float, baseline: Baseline, plan: Plan, *, shares: tuple[float, float] = (0.5, 0.5)
) -> int:
    """Units of both arms together that find a relative effect.

    Parameters
    ----------
    effect : float, not 0
        0.05: five percent of the baseline's mean.
    shares : tuple of two floats
        Parts of the treated and the control arm; only their proportion counts.

    Raises
    ------
    InputError
        The effect, the baseline, the plan or the shares are out of range.

    References
    ----------
    Jennison, Turnbull (2000), Group sequential methods, section 3.1: the drift is effect * sqrt(information).

    Examples
    --------
    >>> rate = Baseline(0.05, 0.05 * 0.95)
    >>> [units_needed(0.1, rate, Plan(way)) for way in ("fixed", "spending", "sequence")]
    [59652, 62581, 102740]
    """
    if not (math.isfinite(effect) and effect != 0):
        raise InputError(f"power: effect is {effect}, expected a relative difference such as 0.05.")
    spread = _spread(baseline, shares)
    return math.ceil(spread * (needed_drift(plan) / (effect * baseline.mean)) ** 2)


def smallest_effect(
    units: int, baseline: Baseline, plan: Plan, *, shares: tuple[float, float] = (0.5, 0.5)
) -> float:
    """Least relative effect that so many units of both arms together find.

    Raises
    ------
    InputError
        Fewer than two units, or as in `units_needed`.

    Examples
    --------
    >>> round(smallest_effect(62581, Baseline(0.05, 0.05 * 0.95), Plan()), 3)
    0.1
    """
    if units < 2:
        raise InputError(f"power: units is {units}, expected two or more.")
    return needed_drift(plan) * math.sqrt(_spread(baseline, shares) / units) / abs(baseline.mean)


def days_needed(units: int, new_per_day: float | Sequence[float]) -> int | None:
    """Days until so many units have been exposed; None when they never are.

    Parameters
    ----------
    new_per_day : float or sequence of float
        Units exposed for the first time, on every day or on each in turn. They become fewer as members come
        back, so give the counts of the lake rather than a mean; after the last day given no new ones come.

    Examples
    --------
    >>> days_needed(1_000, 300.0), days_needed(1_000, [600.0, 300.0, 150.0]), days_needed(1_000, [600.0])
    (4, 3, None)
    """
    if isinstance(new_per_day, float | int):
        return math.ceil(units / new_per_day) if new_per_day > 0 else None
    seen = 0.0
    for day, new in enumerate(new_per_day, start=1):
        seen += new
        if seen >= units:
            return day
    return None


@functools.lru_cache(maxsize=64)
def _bounds(analysis: Analysis, alpha: float, looks: int) -> tuple[list[float], list[float]]:
    """Information and bound of each planned look."""
    if analysis == "fixed":
        return [1.0], [float(norm.isf(alpha / 2))]
    information = [look / looks for look in range(1, looks + 1)]
    if analysis == "spending":
        return information, [look.bound for look in spending_bounds(information, alpha=alpha)]
    return information, [sequence_multiplier(t, alpha=alpha) for t in information]


def _spread(baseline: Baseline, shares: tuple[float, float]) -> float:
    """Variance of the difference times the number of units in both arms."""
    treated, control = shares
    if not (treated > 0 and control > 0):
        raise InputError(f"power: shares are {shares}, expected two above 0. Give (0.5, 0.5).")
    if not (math.isfinite(baseline.mean) and baseline.mean != 0):
        raise InputError(f"power: the metric's mean is {baseline.mean}, expected another than 0.")
    if not (baseline.variance >= 0 and 0 <= baseline.reduction < 1):
        raise InputError(
            f"power: variance is {baseline.variance} and reduction {baseline.reduction}, expected 0 or more, "
            "and 0 to below 1."
        )
    left = baseline.variance * (1 - baseline.reduction)
    return left * (treated + control) * (1 / treated + 1 / control)


def _check(plan: Plan) -> None:
    if not 0 < plan.alpha < 0.5:
        raise InputError(f"power: alpha is {plan.alpha}, expected between 0 and 0.5. Give 0.05.")
    if not plan.alpha < plan.power < 1:
        raise InputError(f"power: power is {plan.power}, expected above alpha and below 1. Give 0.8.")
    if plan.looks < 1:
        raise InputError(f"power: looks is {plan.looks}, expected 1 or more.")
