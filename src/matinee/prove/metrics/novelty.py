"""Novelty: how surprising is it, in bits, that somebody knows the titles of a list?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.types import Index


def novelty(lists: Index, watchers: Index, n_members: int) -> NDArray[np.float64]:
    """Mean self-information of the titles of each list, in bits; NaN for an empty list.

    A title that half of the members watched has 1 bit, one that a member in 1,024 watched has 10. A
    title that nobody watched counts as if one member had.

    Parameters
    ----------
    lists : ndarray of int32, shape (n_lists, k)
        Title indices; -1 is an empty place.
    watchers : ndarray of int, shape (n_titles,)
        Members who watched each title in the training part.
    n_members : int
        Members in the training part.

    References
    ----------
    Zhou et al. (2010), Solving the apparent diversity-accuracy dilemma, doi:10.1073/pnas.1000488107.

    Examples
    --------
    >>> novelty(np.array([[0, 1], [1, -1]]), np.array([512, 1]), 1024).tolist()
    [5.5, 10.0]
    """
    bits = -np.log2(np.maximum(watchers, 1) / n_members)
    placed = lists >= 0
    total = np.where(placed, bits[lists], 0.0).sum(axis=1)
    size = placed.sum(axis=1)
    out: NDArray[np.float64] = np.full(len(lists), np.nan)
    np.divide(total, size, out=out, where=size > 0)
    return out
