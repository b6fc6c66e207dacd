"""Intra-list diversity: how different are the titles of one list from each other?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.types import Index


def intra_list_diversity(lists: Index, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 - mean cosine of all pairs of titles in each list; NaN for lists of fewer than two titles.

    0 for copies of one title, 1 for titles with nothing in common, above 1 for opposites.

    Parameters
    ----------
    lists : ndarray of int32, shape (n_lists, k)
        Title indices; -1 is an empty place.
    vectors : ndarray of float32, shape (n_titles, d)
        Unit rows, such as the share of each genre; a row of zeros is unlike everything.

    Notes
    -----
    The sum over pairs is (|sum of vectors|**2 - sum of |vector|**2) / 2: linear in k.

    References
    ----------
    Ziegler et al. (2005), Improving recommendation lists through topic diversification,
    doi:10.1145/1060745.1060754.

    Examples
    --------
    >>> intra_list_diversity(np.array([[0, 1], [0, 2]]), np.eye(2, dtype=np.float32)[[0, 0, 1]]).tolist()
    [0.0, 1.0]
    """
    placed = lists >= 0
    rows = np.where(placed[:, :, None], vectors[lists], 0.0).astype(np.float64)
    pairs = (rows.sum(axis=1) ** 2).sum(axis=1) - (rows**2).sum(axis=(1, 2))
    size = placed.sum(axis=1)
    out = np.full(len(lists), np.nan)
    np.divide(pairs, size * (size - 1), out=out, where=size > 1)
    return 1.0 - out
