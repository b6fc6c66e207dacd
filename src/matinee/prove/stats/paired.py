"""Paired difference: is A better than B on the same members, by how much, and could it be chance?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.errors import InputError
from matinee.prove.stats.bootstrap import Values, check_interval, draw, per_member
from matinee.types import Index, Times


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of A minus mean of B on the same members.

    Attributes
    ----------
    mean : float
        Above 0: A is better (for metrics where more is better).
    low, high : float
        Percentile interval of the bootstrap over members.
    standard_error : float
    p : float
        Two-sided bootstrap p-value: how often a draw lands on the other side of 0, doubled; never 0.
    n : int
        Members.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    p: float
    n: int

    @property
    def is_above_zero(self) -> bool:
        """The whole interval is above 0."""
        return self.low > 0.0

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired_difference(
    a: Values,
    b: Values,
    *,
    member: Index | Times | None = None,
    confidence: float = 0.95,
    n_draws: int = 2_000,
    seed: int = 0,
) -> Difference:
    """A minus B, query by query, with a bootstrap interval over members.

    What makes a member easy or hard is common to both models and cancels, so the interval is much
    narrower than that of two separate means.

    Parameters
    ----------
    a, b : ndarray of float64, shape (n_queries,)
        The same metric of two models on the same queries. Queries where either is NaN are left out.
    member, confidence, n_draws, seed
        As in `bootstrap`.

    Raises
    ------
    InputError
        `a` and `b` have different lengths, or as in `bootstrap`.

    References
    ----------
    Efron, Tibshirani (1993), An introduction to the bootstrap, chapters 13 and 15.

    Examples
    --------
    >>> paired_difference(np.array([1.0, 0.5]), np.array([0.5, 0.0])).low
    0.5
    """
    if len(a) != len(b):
        raise InputError(
            f"paired_difference: a has {len(a)} values and b has {len(b)}, expected the same queries. "
            "Evaluate both models on one list of queries."
        )
    check_interval(confidence, n_draws)
    total, count = per_member(a - b, member)
    if len(total) == 0:
        return Difference(np.nan, np.nan, np.nan, np.nan, 1.0, 0)
    draws = np.concatenate(
        [total[rows].sum(axis=1) / count[rows].sum(axis=1) for rows in draw(len(total), n_draws, seed)]
    )
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    wrong_side = 1 + min(int((draws <= 0.0).sum()), int((draws >= 0.0).sum()))
    p = min(1.0, 2.0 * wrong_side / (n_draws + 1))
    mean = float(total.sum() / count.sum())
    return Difference(mean, float(low), float(high), float(draws.std()), p, len(total))
