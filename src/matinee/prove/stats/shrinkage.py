"""Shrinkage: what a difference probably is, given that others like it are small."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import norm

from matinee.errors import InputError

LIFT_SD = 0.05
"""Default standard deviation of true relative effects: 95 % of changes move a metric by less than 10 %."""
GRID = 400

Values = NDArray[np.float64]


class Shrunken(msgspec.Struct, frozen=True):
    """An estimate after shrinkage.

    Attributes
    ----------
    value : float
        Posterior mean.
    sd : float
        Posterior standard deviation.
    low, high : float
        Interval that holds the true difference with the wanted probability, if the prior is right.
    kept : float, 0 to 1
        Share of the distance to the prior's mean that is left.
    """

    value: float
    sd: float
    low: float
    high: float
    kept: float


class Prior(msgspec.Struct, frozen=True):
    """What is known of effects before one is measured: normal.

    Attributes
    ----------
    mean, sd : float
    n : int
        Past estimates that it rests on; 0: an assumption.
    """

    mean: float = 0.0
    sd: float = LIFT_SD
    n: int = 0


def shrink_one(value: float, error: float, *, prior: Prior | None = None, alpha: float = 0.05) -> Shrunken:
    """One estimate, corrected for the winner's curse: that it is shown because it is large.

    Parameters
    ----------
    value, error : float
        A relative difference and its standard error (at the stop; when and why one stopped does not matter).
        With a prior of their own, absolute ones.
    prior : Prior, optional
        Default: mean 0 and standard deviation `LIFT_SD`, to be stated beside the result. With an archive of
        ten past experiments or more use `archive_prior`.

    Raises
    ------
    InputError
        A figure is not finite, `error` is negative, or the prior's sd is not above 0.

    References
    ----------
    van Zwet, Cator (2021), The significance filter, the winner's curse and the need to shrink, Statistica
    Neerlandica 75(4), 437, doi:10.1111/stan.12241.

    Examples
    --------
    >>> found = shrink_one(0.12, 0.05)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.06, -0.009, 0.129)
    """
    used = Prior() if prior is None else prior
    _check([value], [error])
    if not (math.isfinite(used.sd) and used.sd > 0):
        raise InputError(f"shrinkage: sd of the prior is {used.sd}, expected above 0.")
    kept = used.sd**2 / (used.sd**2 + error**2)
    middle, sd = used.mean + kept * (value - used.mean), math.sqrt(kept) * error
    half = float(norm.isf(alpha / 2)) * sd
    return Shrunken(middle, sd, middle - half, middle + half, kept)


def shrink_many(values: Sequence[float], errors: Sequence[float], *, alpha: float = 0.05) -> list[Shrunken]:
    """Estimates of one kind, such as the segments of an experiment, shrunk towards each other.

    The more they agree beyond their errors, the more; so the best of ten segments is no longer simply the
    luckiest. Segments should be declared before the data are seen.

    Parameters
    ----------
    values, errors : sequence of float, shape (n,)
        Estimates of units that differ (a unit in one segment only), and their standard errors, above 0.

    Returns
    -------
    list of Shrunken
        In the order given. A single estimate is returned as it is.

    Raises
    ------
    InputError
        Lengths differ, a figure is not finite, or an error is not above 0.

    Notes
    -----
    Normal estimates around true values that are normal around an unknown mean (flat prior). The spread tau of
    the true values is not fixed at an estimate, which is 0 too often with few segments and then makes
    intervals too narrow; it is averaged over, with the uniform-shrinkage prior: s^2 / (s^2 + tau^2) uniform
    between 0 and 1, s^2 the harmonic mean of the squared errors. Everything else is in closed form (Gelman et
    al., section 5.4), so the average is a sum over a grid of 400.

    References
    ----------
    Efron, Morris (1975), Data analysis using Stein's estimator and its generalizations, JASA 70, 311. Daniels
    (1999), A prior for the variance in hierarchical models, Canadian Journal of Statistics 27(3), 567.
    Gelman, Carlin, Stern, Dunson, Vehtari, Rubin (2013), Bayesian data analysis, 3rd edition, section 5.4.

    Examples
    --------
    >>> schools = shrink_many([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
    >>> round(schools[0].value), round(schools[2].value)
    (12, 6)
    """
    _check(values, errors, positive=True)
    y, s = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if y.size < 2:
        half = float(norm.isf(alpha / 2))
        return [
            Shrunken(v, e, v - half * e, v + half * e, 1.0)
            for v, e in zip(map(float, y), map(float, s), strict=True)
        ]
    weight, tau2, mean, mean_variance = _posterior(y, s, None)
    kept = tau2[:, None] / (tau2[:, None] + s**2)
    middle = mean[:, None] + kept * (y - mean[:, None])
    variance = kept * s**2 + (1 - kept) ** 2 * mean_variance[:, None]
    out = []
    for one in range(y.size):
        value = float(weight @ middle[:, one])
        sd = math.sqrt(float(weight @ (variance[:, one] + (middle[:, one] - value) ** 2)))
        ends = _quantiles(weight, middle[:, one], np.sqrt(variance[:, one]), alpha)
        out.append(Shrunken(value, sd, *ends, float(weight @ kept[:, one])))
    return out


def archive_prior(values: Sequence[float], errors: Sequence[float], *, mean: float | None = 0.0) -> Prior:
    """Prior of a new experiment's effect from the estimates of past ones.

    Parameters
    ----------
    values, errors : sequence of float
        Of all past experiments, not only of those that won.
    mean : float, optional
        Default 0: changes help as often as they harm; None: estimate it.

    Raises
    ------
    InputError
        Fewer than ten estimates, or as in `shrink_many`.

    Notes
    -----
    tau as in `shrink_many`; the prior's variance is the posterior mean of tau squared, plus the variance of
    the estimated mean.

    Examples
    --------
    >>> past = archive_prior([0.03, -0.02, 0.01, 0.0, 0.05, -0.01, 0.02, -0.03, 0.0, 0.01], [0.01] * 10)
    >>> past.n, 0.01 < past.sd < 0.03
    (10, True)
    """
    _check(values, errors, positive=True)
    if len(values) < 10:
        raise InputError(
            f"archive_prior: {len(values)} past estimates, expected ten or more. "
            "Use the default prior until then."
        )
    weight, tau2, at, uncertainty = _posterior(np.asarray(values, float), np.asarray(errors, float), mean)
    middle = float(weight @ at)
    variance = float(weight @ (tau2 + uncertainty + (at - middle) ** 2))
    return Prior(middle, math.sqrt(variance), len(values))


def _posterior(y: Values, s: Values, mean: float | None) -> tuple[Values, Values, Values, Values]:
    """For each tau of the grid: its posterior weight, tau^2, and the mean's posterior mean and variance."""
    typical = 1 / float(np.mean(s**-2.0))
    logit = np.linspace(-20.0, 20.0, GRID)
    tau2: Values = typical * np.exp(-logit)
    precision = 1 / (s**2 + tau2[:, None])
    total = precision.sum(axis=1)
    at = np.full(GRID, mean) if mean is not None else precision @ y / total
    log_weight = -np.log1p(np.exp(logit)) - np.log1p(np.exp(-logit))  # shrinkage is uniform
    log_weight += 0.5 * (np.log(precision) - precision * (y - at[:, None]) ** 2).sum(axis=1)
    if mean is None:
        log_weight -= 0.5 * np.log(total)
    weight: Values = np.exp(log_weight - log_weight.max())
    return weight / weight.sum(), tau2, at, np.zeros(GRID) if mean is not None else 1 / total


def _quantiles(weight: Values, middle: Values, sd: Values, alpha: float) -> tuple[float, float]:
    """Both ends of the central interval of a mixture of normal distributions, by halving."""
    ends = []
    for level in (alpha / 2, 1 - alpha / 2):
        low, high = float((middle - 10 * sd).min()), float((middle + 10 * sd).max())
        for _ in range(80):
            at = (low + high) / 2
            low, high = (at, high) if float(weight @ ndtr((at - middle) / sd)) < level else (low, at)
        ends.append((low + high) / 2)
    return ends[0], ends[1]


def _check(values: Sequence[float], errors: Sequence[float], *, positive: bool = False) -> None:
    if len(values) != len(errors):
        raise InputError(f"shrinkage: {len(values)} values and {len(errors)} errors, expected one each.")
    for value, error in zip(values, errors, strict=True):
        if not (math.isfinite(value) and math.isfinite(error)) or error < 0 or (positive and error == 0):
            raise InputError(
                f"shrinkage: {value} with standard error {error}, expected finite figures and an error above "
                "0. Leave out what could not be estimated."
            )
