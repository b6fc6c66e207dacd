"""Bounds that hold with a stated probability for any weights, however heavy: logarithmic smoothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from matinee.errors import InputError
from matinee.prove.offpolicy.distributions import Floats

UnitSum = Callable[[Floats], Floats]
STEPS = 60
"""Halvings of the range in which a bound is sought; exact to the last bits of a float."""
FIRST_GUESSES = 10.0
"""Units' worth of the first guess at the variance, before there are data."""
MOST = 0.9
"""A bet never risks more than this share of the capital."""


def smoothed_lower_bound(
    total: Floats,
    count: Floats,
    *,
    alpha: float = 0.05,
    least: float = 0.0,
    scale: float = 1.0,
    anytime: bool = False,
) -> float:
    """A value that the true mean is above, but for a probability of `alpha`, in samples of any size.

    Every reward counts through a logarithm, so a huge weight lifts the bound a little and never ruins it:
    what is not sure is not believed. Choose it to decide whether a policy may replace another one.

    Parameters
    ----------
    total : ndarray of float64, shape (n_units,)
        Sum over the decisions of each unit, in the order of time.
    count : ndarray of float64, shape (n_units,)
        Number of decisions of each unit.
    alpha : float, between 0 and 1
    least : float
        The least that one decision can add to `total`.
    scale : float, > 0
        First guess at the standard deviation of what one decision adds. A bad guess costs width, never
        validity.
    anytime : bool, default False
        Valid at every moment at which somebody may look, not only at the end of a log of this size.

    Returns
    -------
    float
        At least `least`.

    Raises
    ------
    InputError
        `alpha` is no share, `scale` is not above 0, or a total is below what `least` permits.

    Notes
    -----
    With X >= 0 of mean V, the product of (1 + lambda X) / (1 + lambda V) has expectation 1, and by Markov's
    (for `anytime`: Ville's) inequality it stays below 1 / alpha. Solved for V this is the bound of the paper,
    (exp(mean log(1 + lambda X) - log(1 / alpha) / n) - 1) / lambda.

    Departs from the paper: lambda follows from the units before (their mean and variance), which keeps the
    expectation and spares a choice; a unit of several decisions enters as their sum, with the largest number
    of decisions of a unit taken for known.

    References
    ----------
    Sakhi, Aouali, Alquier, Chopin (2024), Logarithmic smoothing for pessimistic off-policy evaluation,
    selection and learning, arXiv:2405.14335. Bets that follow the past: Waudby-Smith, Ramdas (2024),
    doi:10.1093/jrsssb/qkad009.

    Examples
    --------
    >>> bool(0.4 < smoothed_lower_bound(np.tile([0.0, 1.0], 500), np.ones(1000)) < 0.5)
    True
    """
    _check(alpha, scale)
    x = total - least * count
    if x.min() < -1e-9 * max(1.0, abs(least)) * count.max():
        raise InputError(f"lower bound: a total is {total.min():g}, expected {least:g} or more per decision.")
    x = np.maximum(x, 0.0)
    most = float(count.max())
    rate = _rates(x, count, alpha, scale, most, anytime=anytime)
    wanted = math.log(1.0 / alpha)

    def excludes(value: float) -> bool:
        grown = np.log1p(rate * (value * (most - count) + x)) - np.log1p(rate * value * most)
        capital = float(np.cumsum(grown).max() if anytime else grown.sum())
        return capital >= wanted

    low, high = 0.0, float(x.sum() / count.sum()) + 1e-300
    if not excludes(low):
        return least
    while excludes(high) and anytime:  # the past may have excluded more than the present mean
        low, high = high, 2.0 * high
        if not math.isfinite(high):
            return math.inf
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excludes(middle) else (low, middle)
    return least + low


def _check(alpha: float, scale: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise InputError(f"lower bound: alpha is {alpha}, expected between 0 and 1. Give 0.05.")
    if not (scale > 0.0 and math.isfinite(scale)):
        raise InputError(f"lower bound: scale is {scale}, expected above 0. Give a plain guess, as 1.")


def _rates(x: Floats, count: Floats, alpha: float, scale: float, most: float, *, anytime: bool) -> Floats:
    """Smoothing of each unit by what the units before it were like, shape (n_units,)."""
    n = len(x)
    seen = np.arange(n, dtype=np.float64)
    decisions = np.concatenate([[0.0], np.cumsum(count)[:-1]])
    mean = np.concatenate([[0.0], np.cumsum(x)[:-1]]) / np.maximum(decisions, 1.0)
    away = (x - mean * count) ** 2
    guess = FIRST_GUESSES * scale**2 * float(count[0])
    variance = (guess + np.concatenate([[0.0], np.cumsum(away)[:-1]])) / (seen + FIRST_GUESSES)
    settled = seen + FIRST_GUESSES
    horizon = settled * np.log(settled + 1.0) if anytime else np.full(n, float(n))
    bet = np.sqrt(2.0 * math.log(1.0 / alpha) / (np.maximum(variance, 1e-300) * horizon))
    share = bet * mean * most  # a bet b on x - V is a smoothing of b / (1 - b V)
    bet = np.where(share > MOST, MOST * bet / np.maximum(share, 1e-300), bet)
    found: Floats = bet / (1.0 - np.minimum(share, MOST))
    return found


def anytime_interval(
    weight: Floats,
    reward: Floats,
    unit_sum: UnitSum,
    count: Floats,
    *,
    low: float,
    high: float,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """An interval for the value of a policy that holds at all moments at once, for any weights.

    Two lower bounds: of the weighted rewards, and of what is missing to the largest reward, since weights
    have mean 1. It is the one to look at while a log grows, and the price is width.

    Parameters
    ----------
    unit_sum : callable
        Sums a figure per decision over each unit, in the order of time.
    low, high : float
        Bounds that hold for every reward.

    Raises
    ------
    InputError
        `low` is not below `high`, or `confidence` is no share.

    References
    ----------
    Karampatziakis, Mineiro, Ramdas (2021), Off-policy confidence sequences, arXiv:2102.09540, section 4
    (the upper end by the mirrored reward); Waudby-Smith et al. (2022), Anytime-valid off-policy inference for
    contextual bandits, arXiv:2210.10768.
    """
    if not low < high:
        raise InputError(f"anytime interval: rewards lie between {low} and {high}, expected low below high.")
    width, alpha = high - low, (1.0 - confidence) / 2.0
    above = smoothed_lower_bound(
        unit_sum(weight * (reward - low) / width), count, alpha=alpha, scale=0.5, anytime=True
    )
    below = smoothed_lower_bound(
        unit_sum(weight * (high - reward) / width), count, alpha=alpha, scale=0.5, anytime=True
    )
    return low + width * min(above, 1.0), high - width * min(below, 1.0)
