"""Looking several times until a planned end: Lan and DeMets' spending of the O'Brien-Fleming kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy.optimize import brentq
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.walk import Crossing, Walk, crossing, details

HIGHEST = 8.0
"""No bound is higher: it costs 1e-15 of the error probability, and beyond it nothing can be computed."""


class Look(NamedTuple):
    """A look of a spending plan.

    Attributes
    ----------
    information : float
        As a share of what is planned at the end: units seen so far / units planned.
    bound : float
        Stop when |z| (one-sided: z) is at least this. Also the multiplier of the repeated confidence
        interval: `Estimate.interval(bound)` holds the truth at all looks with probability 1 - alpha.
    spent : float
        Error probability spent up to and including this look.
    """

    information: float
    bound: float
    spent: float


def spent(information: float, alpha: float, *, sides: int = 2) -> float:
    """Error probability that may be spent by a share of the information.

    Notes
    -----
    2 - 2 Phi(z_{a/2} / sqrt(t)) for each side, with a = alpha / sides (Lan, DeMets 1983): as in the published
    tables of two-sided tests, where alpha is halved first.

    Examples
    --------
    >>> [round(spent(t, 0.05), 5) for t in (0.2, 0.6, 1.0)]
    [0.0, 0.00762, 0.05]
    """
    if information <= 0:
        return 0.0
    each = alpha / sides
    return sides * 2 * float(norm.sf(norm.isf(each / 2) / math.sqrt(min(information, 1.0))))


def spending_bounds(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    sides: int = 2,
    past: Sequence[float] = (),
    last: bool = False,
) -> list[Look]:
    """Bounds of the looks taken so far; neither their number nor their times need be known ahead.

    Parameters
    ----------
    information : sequence of float, rising
        Of each look up to this one, as a share of the planned. After 1 is reached nothing is left for later
        looks; the last one may be above 1 (more units came than planned).
    sides : {1, 2}
        1: only high values of the statistic stop.
    past : sequence of float
        Bounds that earlier looks used. They stay, also if the planned end was moved since; what they have
        really spent is counted, and the rest is for the coming ones. Default: as the plan gives them.
    last : bool, default False
        This look ends the experiment whatever its information: all that is left is spent on it.

    Returns
    -------
    list of Look
        As many as `information` has. A bound depends only on its own and earlier looks.

    Raises
    ------
    InputError
        Information does not rise, continues after 1, more past bounds than looks, or alpha or sides are out
        of range.

    References
    ----------
    Lan, DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70(3), 659,
    doi:10.1093/biomet/70.3.659. O'Brien, Fleming (1979), doi:10.2307/2530245.

    Examples
    --------
    >>> [round(look.bound, 3) for look in spending_bounds([0.2, 0.4, 0.6, 0.8, 1.0])]
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    _check(alpha, sides)
    detail = details(information)
    if len(past) > len(information):
        raise InputError(f"spending: {len(past)} past bounds for {len(information)} looks, expected fewer.")
    if any(t >= 1 for t in information[:-1]):
        raise InputError(
            f"spending: a look follows one with information {max(information[:-1]):g}, expected none, "
            "when all error probability is spent. Read the last look, or begin a new experiment."
        )
    walk, gone, looks = Walk.start(), 0.0, list[Look]()
    for place, t in enumerate(information):
        ends = last and place == len(information) - 1
        left = (alpha if ends else spent(t, alpha, sides=sides)) / sides - gone
        bound = float(past[place]) if place < len(past) else _bound(walk, t, left)
        gone += walk.above(t, bound)
        looks.append(Look(t, bound, sides * gone))
        walk = walk.onward(t, -bound if sides == 2 else -math.inf, bound, detail[place])
    return looks


class Stopped(NamedTuple):
    """What to say after a look that stopped, or the last one, corrected for the chance to stop earlier.

    Attributes
    ----------
    p : float
        P-value by the stagewise order: an earlier stop is more extreme.
    median : float
        Median-unbiased estimate, on the scale of the statistic at this look; times the standard error it is
        the estimate. Below z: who stops at a bound was lucky.
    low, high : float
        Interval of level 1 - alpha on the same scale.
    """

    p: float
    median: float
    low: float
    high: float


def after_stop(z: float, looks: Sequence[Look], *, alpha: float = 0.05, sides: int = 2) -> Stopped:
    """P-value, estimate and interval after the experiment stopped at the last of `looks` with statistic `z`.

    Do not use it while the experiment goes on: there, the repeated interval (`Look.bound`) is the right one.

    Raises
    ------
    InputError
        An earlier look's bound is missing, or alpha or sides are out of range.

    References
    ----------
    Tsiatis, Rosner, Mehta (1984), Exact confidence intervals following a group sequential test, Biometrics
    40(3), 797. Jennison, Turnbull (2000), Group sequential methods, chapters 8 and 9.

    Examples
    --------
    >>> found = after_stop(2.5, spending_bounds([0.5, 0.8]))
    >>> round(found.p, 4), round(found.median, 2), round(found.low, 2), round(found.high, 2)
    (0.0138, 2.48, 0.51, 4.45)
    """
    _check(alpha, sides)
    information = [look.information for look in looks]
    upper = [look.bound for look in looks[:-1]] + [z]
    lower = [-look.bound if sides == 2 else -math.inf for look in looks[:-1]] + [-math.inf]
    root = math.sqrt(information[-1])

    def higher(at: float) -> float:
        """Probability of an outcome as high in the stagewise order, if the statistic expects `at`."""
        return sum(crossing(information, lower, upper, drift=at / root).above)

    def where(level: float) -> float:
        return float(brentq(lambda at: higher(at) - level, min(z, 0.0) - 12.0, max(z, 0.0) + 12.0, xtol=1e-9))

    one = higher(0.0)
    p = one if sides == 1 else 2 * min(one, 1 - one)
    return Stopped(min(p, 1.0), where(0.5), where(alpha / 2), where(1 - alpha / 2))


def spending_power(drift: float, looks: Sequence[Look], *, sides: int = 2) -> Crossing:
    """Probability to stop at each look above and below, if the statistic expects `drift` at information 1.

    Examples
    --------
    >>> looks = spending_bounds([0.2, 0.4, 0.6, 0.8, 1.0])
    >>> round(sum(spending_power(3.0, looks).above), 3)
    0.842
    """
    upper = [look.bound for look in looks]
    lower = [-bound if sides == 2 else -math.inf for bound in upper]
    return crossing([look.information for look in looks], lower, upper, drift=drift)


def _bound(walk: Walk, information: float, left: float) -> float:
    """The bound that spends `left` on this look, at most `HIGHEST`."""
    if left <= walk.above(information, HIGHEST):
        return HIGHEST
    return float(brentq(lambda b: walk.above(information, b) / left - 1, -HIGHEST, HIGHEST, xtol=1e-12))


def _check(alpha: float, sides: int) -> None:
    if not 0 < alpha < 0.5:
        raise InputError(f"spending: alpha is {alpha}, expected between 0 and 0.5. Give 0.05.")
    if sides not in (1, 2):
        raise InputError(f"spending: sides is {sides}, expected 1 or 2.")
