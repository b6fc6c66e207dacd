"""The difference between two retention curves: at given ages, and as time kept per unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from matinee.errors import InputError
from matinee.learn.models.kaplan_meier import KaplanMeier

Values = NDArray[np.float64]


class Lasting(NamedTuple):
    """Units of one arm; arrays of shape (n,).

    Attributes
    ----------
    age : ndarray of float64
        When last seen, in days or another unit of time since exposure.
    ended : ndarray of bool
        Whether it ended then; else it still lasts.
    """

    age: Values
    ended: NDArray[np.bool_]


class SurvivalDifference(NamedTuple):
    """Treated minus control: the share that lasts longer than `time`, or the mean time until `time`."""

    time: float
    value: float
    low: float
    high: float
    treated: float
    control: float


def survival_difference(
    treated: Lasting, control: Lasting, times: Sequence[float], *, multiplier: float | None = None
) -> list[SurvivalDifference]:
    """Difference in the share of units that last longer than each time.

    Parameters
    ----------
    times : sequence of float, above 0
        No later than units of both arms were watched.
    multiplier : float, default 1.96
        Standard errors on each side, for each time by itself.

    Raises
    ------
    InputError
        An arm is empty, or none of its units was watched until a time.

    Notes
    -----
    Kaplan and Meier's shares with Greenwood's variance on the scale of log(-log), which keeps intervals
    inside 0 to 1; both arms' are joined by the squares of their halves (Zou, Donner 2008). While nothing has
    ended in an arm, its interval is Wilson's for 0 of its units.

    References
    ----------
    Kaplan, Meier (1958). Greenwood (1926), The natural duration of cancer. Kalbfleisch, Prentice (2002), The
    statistical analysis of failure time data. Zou, Donner (2008), Statistics in Medicine 27(10).

    Examples
    --------
    >>> ages = np.arange(1.0, 201.0)
    >>> kept, lost = Lasting(ages, ages < 50), Lasting(ages, ages < 100)
    >>> found = survival_difference(kept, lost, [99.5])[0]
    >>> round(found.value, 3), found.low > 0
    (0.25, True)
    """
    z = float(norm.isf(0.025)) if multiplier is None else multiplier
    curves = [_Curve(name, arm) for name, arm in (("treated", treated), ("control", control))]
    out = []
    for time in times:
        (at_t, low_t, high_t), (at_c, low_c, high_c) = (curve.at(time, z) for curve in curves)
        value = at_t - at_c
        low = value - math.hypot(at_t - low_t, high_c - at_c)
        high = value + math.hypot(high_t - at_t, at_c - low_c)
        out.append(SurvivalDifference(time, value, low, high, at_t, at_c))
    return out


def kept_time_difference(
    treated: Lasting, control: Lasting, until: float, *, multiplier: float | None = None
) -> SurvivalDifference:
    """Difference in the mean time that a unit lasts within the first `until`: the area between the curves.

    One figure for the whole curve, in the unit of time, which needs no assumption on its shape (a hazard
    ratio needs proportional hazards).

    Raises
    ------
    InputError
        As in `survival_difference`.

    References
    ----------
    Royston, Parmar (2013), Restricted mean survival time: an alternative to the hazard ratio, BMC Medical
    Research Methodology 13, 152, doi:10.1186/1471-2288-13-152. Variance: Klein, Moeschberger (2003), Survival
    analysis, section 4.5.

    Examples
    --------
    >>> ages = np.array([10.0, 20.0, 30.0, 40.0])
    >>> found = kept_time_difference(Lasting(ages, ages < 0), Lasting(ages, ages > 0), 30.0)
    >>> found.treated, found.control
    (30.0, 22.5)
    """
    z = float(norm.isf(0.025)) if multiplier is None else multiplier
    (at_t, var_t), (at_c, var_c) = (
        _Curve(name, arm).mean(until) for name, arm in (("treated", treated), ("control", control))
    )
    half = z * math.sqrt(var_t + var_c)
    value = at_t - at_c
    return SurvivalDifference(until, value, value - half, value + half, at_t, at_c)


class _Curve:
    """An arm's curve with what Greenwood's formula adds at each of its times."""

    def __init__(self, name: str, arm: Lasting) -> None:
        self.name, self.n = name, len(arm.age)
        if not self.n:
            raise InputError(f"survival_difference: {name} has no units, expected one at least.")
        if not np.isfinite(arm.age).all():
            raise InputError(f"survival_difference: {name} has an age that is not finite. Leave it out.")
        self.last = float(arm.age.max())
        self.model = KaplanMeier().fit(arm.age, arm.ended)
        self.time = self.model.time_
        at_risk = self.n - np.searchsorted(np.sort(arm.age), self.time, side="left")
        gone = np.searchsorted(np.sort(arm.age[arm.ended]), self.time, side="right")
        gone = np.diff(gone, prepend=0)
        left = at_risk - gone
        self.added: Values = np.divide(
            gone, at_risk * left.astype(np.float64), out=np.zeros(len(gone)), where=left > 0
        )

    def at(self, time: float, z: float) -> tuple[float, float, float]:
        """Share that lasts longer than `time`, with both ends of its interval."""
        self._watched(time)
        share = float(self.model.survival(np.array([time]))[0])
        if share >= 1:
            return 1.0, self.n / (self.n + z * z), 1.0
        if share <= 0:
            return 0.0, 0.0, z * z / (self.n + z * z)
        error = math.sqrt(float(self.added[self.time <= time].sum())) / abs(math.log(share))
        return share, share ** math.exp(z * error), share ** math.exp(-z * error)

    def mean(self, until: float) -> tuple[float, float]:
        """Mean time within the first `until`, and its variance."""
        self._watched(until)
        within = self.time < until
        edges = np.concatenate([[0.0], self.time[within], [until]])
        steps = np.concatenate([[1.0], self.model.survival_[within]]) * np.diff(edges)
        rest = np.cumsum(steps[::-1])[::-1][1:]
        return float(steps.sum()), float((rest**2 * self.added[within]).sum())

    def _watched(self, time: float) -> None:
        if not 0 < time <= self.last:
            raise InputError(
                f"survival_difference: time is {time:g}, expected above 0 and at most {self.last:g}, the "
                f"greatest age in {self.name}. Ask for an earlier one."
            )
