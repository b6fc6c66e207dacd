"""Population stability index: how far has a distribution moved between two periods?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from matinee.errors import InputError

PRIOR = 0.5
"""Added to the count of each bin, so that an empty one costs much, not infinitely much."""


def population_stability(before: ArrayLike, now: ArrayLike) -> float:
    """PSI of two histograms over the same bins; 0 is no change.

    By custom below 0.1 is stable, 0.1 to 0.25 is worth a look, above 0.25 the population is another one. For
    few rows those bounds are reached by chance: compare with `psi_by_chance` too.

    Parameters
    ----------
    before, now : array_like of int, shape (n_bins,)
        Rows in each bin. Bins that are empty in both are left out.

    Raises
    ------
    InputError
        The histograms have different shapes, a count is negative, or one of them is empty.

    Notes
    -----
    sum((q - p) * ln(q / p)) with p and q the shares of `before` and `now`: the symmetric divergence of
    Jeffreys. Departs from the usual recipe: half a row is added to each bin.

    References
    ----------
    Jeffreys (1946), doi:10.1098/rspa.1946.0056. Siddiqi (2006), Credit risk scorecards, chapter 10.

    Examples
    --------
    >>> population_stability([50, 50], [50, 50])
    0.0
    >>> round(population_stability([80, 20], [50, 50]), 2)
    0.41
    """
    p, q = shares("population_stability", before, now, prior=PRIOR)
    return float(((q - p) * np.log(q / p)).sum())


def psi_by_chance(n_before: int, n_now: int, n_bins: int, *, p: float) -> float:
    """PSI that two samples of one and the same population exceed with probability `p`.

    Parameters
    ----------
    n_before, n_now : int, above 0
        Independent observations. Events of one member resemble each other: give the number of members.
    n_bins : int
    p : float, between 0 and 1

    References
    ----------
    Yurdakul, Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
    Validation 14(4): PSI is near (1 / n_before + 1 / n_now) times chi-square with n_bins - 1 degrees.

    Examples
    --------
    >>> round(psi_by_chance(200, 200, 10, p=0.001), 2)
    0.28
    """
    if min(n_before, n_now) < 1:
        raise InputError(f"psi_by_chance: n is {n_before} and {n_now}, expected at least 1 observation each.")
    return float((1 / n_before + 1 / n_now) * chi2.isf(p, max(n_bins - 1, 1)))


def shares(
    what: str, before: ArrayLike, now: ArrayLike, *, prior: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two histograms over the same bins as shares that sum to 1; bins that are empty in both left out.

    Raises
    ------
    InputError
        As in `population_stability`.
    """
    a, b = np.asarray(before, np.float64), np.asarray(now, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(
            f"{what}: the histograms have shapes {a.shape} and {b.shape}, expected two lists of counts over "
            "the same bins."
        )
    if (a < 0).any() or (b < 0).any() or a.sum() == 0 or b.sum() == 0:
        raise InputError(
            f"{what}: the counts are {a.tolist()[:5]} and {b.tolist()[:5]}, expected 0 or more with at least "
            "one row in each histogram. Leave out a period without rows."
        )
    used = (a > 0) | (b > 0)
    a, b = a[used] + prior, b[used] + prior
    return a / a.sum(), b / b.sum()
