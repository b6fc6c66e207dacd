"""The difference of a quantile between two arms, without a density and also where units have many values."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from matinee.errors import InputError

Values = NDArray[np.float64]


class QuantileDifference(msgspec.Struct, frozen=True):
    """Result of `quantile_difference`.

    Attributes
    ----------
    value : float
        Treated minus control, in the unit of the values.
    low, high : float
    treated, control : float
        Quantile of each arm.
    error : float
        Width of the interval / (2 * multiplier). For a rough z; what decides is the interval.
    n_treated, n_control : int
        Units.
    """

    value: float
    low: float
    high: float
    treated: float
    control: float
    error: float
    n_treated: int
    n_control: int


def quantile_difference(
    treated: Values,
    control: Values,
    q: float,
    *,
    multiplier: float | None = None,
    treated_unit: NDArray[np.generic] | None = None,
    control_unit: NDArray[np.generic] | None = None,
) -> QuantileDifference:
    """Treated minus control at quantile `q`, with an interval.

    Parameters
    ----------
    treated, control : ndarray of float64, shape (n_values,)
        One value a unit, or several (delays of plays, sessions).
    q : float, between 0 and 1
    multiplier : float, default 1.96
        Standard errors on each side; also the bound of a look in a spending plan.
    treated_unit, control_unit : ndarray, shape (n_values,), optional
        Whose value it is. Without it each value counts as a unit of its own, which makes intervals too narrow
        when a unit has several that resemble each other.

    Raises
    ------
    InputError
        A value is missing, lengths differ, `q` is out of range, or an arm has fewer than two units.

    Notes
    -----
    Each arm (Woodruff 1952): the share of values at or below the quantile is a mean, or with several values
    a unit a ratio whose variance between units follows from the delta method. Its interval around `q` is
    carried to values by the arm's own order statistics, so no density is estimated. Both arms' intervals,
    which need not be symmetric, are joined by the squares of their halves (Zou, Donner 2008), as Newcombe
    does for rates. Assumed: n q and n (1 - q) of at least about 20, else an end of the data can be an end of
    the interval.

    References
    ----------
    Woodruff (1952), Confidence intervals for medians and other position measures, JASA 47, 635. Zou, Donner
    (2008), Construction of confidence limits about effect measures, Statistics in Medicine 27(10), 1693.
    Deng, Knoblich, Lu (2018), doi:10.1145/3219819.3219919 (quantiles of clustered values).

    Examples
    --------
    >>> times = np.arange(1_000.0)
    >>> found = quantile_difference(times + 5, times, 0.9)
    >>> found.value, found.low < 5 < found.high
    (5.0, True)
    """
    if not 0 < q < 1:
        raise InputError(f"quantile_difference: q is {q}, expected between 0 and 1. Give 0.9.")
    z = float(norm.isf(0.025)) if multiplier is None else multiplier
    if not z > 0:
        raise InputError(f"quantile_difference: multiplier is {multiplier}, expected above 0.")
    at_t, low_t, high_t, n_t = _arm("treated", treated, treated_unit, q, z)
    at_c, low_c, high_c, n_c = _arm("control", control, control_unit, q, z)
    value = at_t - at_c
    low = value - math.hypot(at_t - low_t, high_c - at_c)
    high = value + math.hypot(high_t - at_t, at_c - low_c)
    return QuantileDifference(value, low, high, at_t, at_c, (high - low) / (2 * z), n_t, n_c)


def _arm(
    name: str, values: Values, unit: NDArray[np.generic] | None, q: float, z: float
) -> tuple[float, float, float, int]:
    """Quantile of an arm, both ends of its interval, and its number of units."""
    if not np.isfinite(values).all():
        raise InputError(
            f"quantile_difference: {name} holds a value that is not finite. Leave such values out."
        )
    if unit is not None and unit.shape != values.shape:
        raise InputError(
            f"quantile_difference: {name} has {len(values)} values and {len(unit)} units, expected one each."
        )
    place = np.arange(len(values)) if unit is None else np.unique(unit, return_inverse=True)[1]
    n = int(place.max()) + 1 if len(values) else 0
    if n < 2:
        raise InputError(f"quantile_difference: {name} has {n} units, expected two or more.")
    ordered = np.sort(values)
    at = float(ordered[_rank(q, len(ordered))])
    below = np.bincount(place, values <= at, n)
    count = np.bincount(place, minlength=n).astype(float)
    share = below.sum() / count.sum()
    spread = (below - share * count) / count.mean()
    error = math.sqrt(float(spread @ spread) / (n - 1) / n)
    ends = (ordered[_rank(q + side * z * error, len(ordered))] for side in (-1, 1))
    low, high = map(float, ends)
    return at, min(low, at), max(high, at), n


def _rank(q: float, n: int) -> int:
    """Position of the least value with a share of at least `q` at or below it."""
    return min(max(math.ceil(q * n - 1e-9) - 1, 0), n - 1)
