"""Mean reciprocal rank: how far down is the first thing that was watched?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.prove.metrics.ranks import TargetRanks


def mrr(ranks: TargetRanks, k: int) -> NDArray[np.float64]:
    """1 / rank of the best target of each query, 0 when it is below k; shape (n_queries,).

    References
    ----------
    Voorhees (1999), The TREC-8 question answering track report.

    Examples
    --------
    >>> mrr(TargetRanks(np.array([0, 2, 3]), np.array([4, 2, 11])), 10).tolist()
    [0.5, 0.0]
    """
    best = np.full(len(ranks), np.iinfo(np.int64).max)
    np.minimum.at(best, ranks.query, ranks.rank)
    return np.where(best <= k, 1.0 / best, 0.0)
