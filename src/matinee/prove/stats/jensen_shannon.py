"""Jensen-Shannon distance: how far apart are two mixes of categories, from 0 (equal) to 1 (disjoint)?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from matinee.errors import InputError
from matinee.prove.stats.population_stability import shares


def jensen_shannon(before: ArrayLike, now: ArrayLike) -> float:
    """Square root of the Jensen-Shannon divergence in bits: a metric between 0 and 1.

    Unlike PSI it needs no care for empty categories, which is why it suits categories that come and go.

    Parameters
    ----------
    before, now : array_like of int, shape (n_categories,)
        Rows of each category.

    Raises
    ------
    InputError
        The histograms have different shapes, a count is negative, or one of them is empty.

    References
    ----------
    Lin (1991), doi:10.1109/18.61115. A metric: Endres, Schindelin (2003), doi:10.1109/TIT.2003.813506.

    Examples
    --------
    >>> jensen_shannon([5, 5, 0], [0, 0, 7]), jensen_shannon([1, 2], [2, 4])
    (1.0, 0.0)
    """
    p, q = shares("jensen_shannon", before, now)
    middle = (p + q) / 2
    bits = (_bits(p, middle) + _bits(q, middle)) / 2
    return float(np.sqrt(min(max(bits, 0.0), 1.0)))


def jensen_shannon_by_chance(n_before: int, n_now: int, n_categories: int, *, p: float) -> float:
    """Distance that two samples of one and the same mix exceed with probability `p`.

    Parameters
    ----------
    n_before, n_now : int, above 0
        Independent observations: members, not events.

    Notes
    -----
    For near mixes the divergence is, in nats, an eighth of the chi-square distance between them, which is
    (1 / n_before + 1 / n_now) times chi-square with n_categories - 1 degrees of freedom.

    References
    ----------
    Grosse et al. (2002), Analysis of symbolic sequences using the Jensen-Shannon divergence,
    doi:10.1103/PhysRevE.65.041905, section III.

    Examples
    --------
    >>> round(jensen_shannon_by_chance(500, 500, 4, p=0.001), 3)
    0.108
    """
    if min(n_before, n_now) < 1:
        raise InputError(
            f"jensen_shannon_by_chance: n is {n_before} and {n_now}, expected at least 1 observation each."
        )
    nats = (1 / n_before + 1 / n_now) * chi2.isf(p, max(n_categories - 1, 1)) / 8
    return float(np.sqrt(min(nats / np.log(2), 1.0)))


def _bits(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence of p from q in bits; 0 * log 0 is 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return float((p * np.log2(ratio)).sum())
