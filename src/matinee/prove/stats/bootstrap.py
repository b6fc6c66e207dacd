"""Bootstrap intervals over members: how far could the figure move with other members?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.types import Index, Times

Values = NDArray[np.float64]
CHUNK_DRAWS = 4_000_000
"""Random draws held at a time; bounds the memory to about 100 MB."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its uncertainty.

    Attributes
    ----------
    mean : float
    low, high : float
        Percentile interval of the bootstrap.
    standard_error : float
        Standard deviation of the bootstrap means.
    n : int
        Members (not queries) that it rests on.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


def bootstrap(
    values: Values,
    *,
    member: Index | Times | None = None,
    confidence: float = 0.95,
    n_draws: int = 2_000,
    seed: int = 0,
) -> Estimate:
    """Mean of `values` with a percentile interval, drawing members with replacement.

    Parameters
    ----------
    values : ndarray of float64, shape (n_queries,)
        NaN marks a query for which the metric is not defined; it is left out.
    member : ndarray of int, shape (n_queries,), optional
        Whose query it is. All queries of a member are drawn together, because they resemble each other.
        Default: each query is a member of its own.
    confidence : float, between 0 and 1, default 0.95
    n_draws : int, default 2,000
    seed : int, default 0

    Raises
    ------
    InputError
        `confidence` is not between 0 and 1, or `n_draws` is below 1.

    Notes
    -----
    Without any value all figures are NaN and n is 0; with one member the interval is that value alone.

    References
    ----------
    Efron, Tibshirani (1993), An introduction to the bootstrap, chapters 6 and 13; drawing whole members:
    Davison, Hinkley (1997), Bootstrap methods and their application, section 3.8.

    Examples
    --------
    >>> bootstrap(np.array([1.0, 1.0, 1.0])).standard_error
    0.0
    """
    check_interval(confidence, n_draws)
    total, count = per_member(values, member)
    if len(total) == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0)
    draws = np.concatenate(
        [total[rows].sum(axis=1) / count[rows].sum(axis=1) for rows in draw(len(total), n_draws, seed)]
    )
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    mean = float(total.sum() / count.sum())
    return Estimate(mean, float(low), float(high), float(draws.std()), len(total))


def check_interval(confidence: float, n_draws: int) -> None:
    """Refuse a confidence or a number of draws that makes no interval."""
    if not 0.0 < confidence < 1.0:
        raise InputError(f"bootstrap: confidence is {confidence}, expected between 0 and 1. Give 0.95.")
    if n_draws < 1:
        raise InputError(f"bootstrap: n_draws is {n_draws}, expected at least 1. Give 2000.")


def per_member(values: Values, member: Index | Times | None) -> tuple[Values, Values]:
    """Sum and number of the values of each member who has any; NaN left out."""
    known = ~np.isnan(values)
    if member is None:
        return values[known].astype(np.float64), np.ones(int(known.sum()))
    _, group = np.unique(member[known], return_inverse=True)
    return np.bincount(group, values[known]).astype(np.float64), np.bincount(group).astype(np.float64)


def draw(n: int, n_draws: int, seed: int) -> Iterator[Times]:
    """Positions drawn with replacement, shape (some draws, n), until there are `n_draws`."""
    rng = np.random.default_rng(seed)
    size = max(1, CHUNK_DRAWS // n)
    for start in range(0, n_draws, size):
        yield rng.integers(0, n, (min(size, n_draws - start), n))
