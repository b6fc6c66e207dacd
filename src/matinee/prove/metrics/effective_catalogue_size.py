"""Effective catalogue size: over how many titles is the attention really spread?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.types import Index


def effective_catalogue_size(plays: NDArray[np.float64] | Index) -> float:
    """ECS = 2 * sum(i * p_i) - 1, with p the titles' shares in falling order and i from 1.

    1 when everything goes to one title, `len(plays)` when all titles get the same; NaN without plays.

    Parameters
    ----------
    plays : ndarray, shape (n_titles,)
        Hours, plays or places on pages of each title; not negative, any scale. For lists of
        recommendations: `np.bincount(lists[lists >= 0])`.

    References
    ----------
    Gomez-Uribe, Hunt (2015), The Netflix recommender system, doi:10.1145/2843948.

    Examples
    --------
    >>> round(effective_catalogue_size(np.array([10.0, 6.0, 3.0])), 3)
    2.263
    """
    total = float(plays.sum())
    if total == 0:
        return float("nan")
    share = np.sort(plays.astype(np.float64))[::-1] / total
    return float(2.0 * (np.arange(1, len(share) + 1) * share).sum() - 1.0)
