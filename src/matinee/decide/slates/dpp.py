"""Diverse slate: fast greedy MAP of a determinantal point process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.greedy import TagMix, Wish, greedy_slate
from matinee.errors import ConfigError
from matinee.types import Index, Scores

QUALITY_FLOOR = 1e-12
"""Stands for a quality of zero, whose logarithm does not exist."""


def diverse_slate(
    quality: Scores,
    vectors: NDArray[np.float32],
    k: int,
    *,
    diversity: float = 0.5,
    given: Index | None = None,
) -> Index:
    """Choose k actions that are good and unlike each other.

    Parameters
    ----------
    quality : ndarray of float, shape (n,), 0 or more
        Probability-like worth of each action; an action of quality 0 is taken last.
    vectors : ndarray of float32, shape (n, d)
        Rows of length at most 1; two actions are alike by (1 + inner product) / 2.
    k : int
        Actions to choose; fewer when n is smaller.
    diversity : float, 0 to 1
        0: the k best. 1: quality is ignored.
    given : ndarray of int, optional
        Actions that are in the slate already. They are not chosen again.

    Returns
    -------
    ndarray of int32
        Positions, in the order of choice.

    Raises
    ------
    ConfigError
        `diversity` is outside 0 to 1.

    Notes
    -----
    Cost: O(n * k * (d + k)). Departs from the paper: relevance enters as (1 - D) log q + D log d2, which
    does not depend on the scale of q, and a slate larger than the rank of the vectors is filled by quality
    instead of being cut.

    References
    ----------
    Chen, Zhang, Zhou (2018), algorithm 1, NeurIPS, arXiv 1709.05135.

    Examples
    --------
    >>> twins_and_other = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> diverse_slate(np.float32([0.5, 0.4, 0.3]), twins_and_other, 2, diversity=0.5).tolist()
    [0, 2]
    """
    if not 0 <= diversity <= 1:
        raise ConfigError(f"diverse_slate: diversity is {diversity}, expected 0 to 1.")
    n = len(quality)
    start = np.zeros(0, np.int32) if given is None else np.asarray(given, np.int32)
    candidates = np.setdiff1d(np.arange(n, dtype=np.int32), start).astype(np.int32)
    log_quality = np.log(np.maximum(quality[candidates].astype(np.float64), QUALITY_FLOOR))
    none = np.zeros(0, np.float64)
    chosen = greedy_slate(
        candidates,
        log_quality,
        start,
        k,
        len(start) + k,
        np.ascontiguousarray(vectors, np.float32),
        Wish(float(diversity), 0.0, 0.0),
        TagMix(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), none, none.copy(), none.copy(), 0.01),
        np.ones(k, np.float64),
    )
    return np.asarray(candidates[chosen], np.int32)
