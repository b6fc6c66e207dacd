"""NDCG: hits near the top count more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.prove.metrics.ranks import TargetRanks


def ndcg(ranks: TargetRanks, k: int) -> NDArray[np.float64]:
    """NDCG@k of each query with binary relevance; shape (n_queries,).

    A target at rank r <= k gains 1 / log2(r + 1); the sum is divided by that of the ideal list, in which
    the first min(k, targets) places are targets.

    References
    ----------
    Järvelin, Kekäläinen (2002), Cumulated gain-based evaluation, doi:10.1145/582415.582418.

    Examples
    --------
    >>> ndcg(TargetRanks(np.array([0, 1, 3]), np.array([3, 1, 2])), 10).tolist()
    [0.5, 1.0]
    """
    discount = 1.0 / np.log2(np.arange(k) + 2.0)
    hit = ranks.rank <= k
    dcg = np.bincount(ranks.query[hit], discount[ranks.rank[hit] - 1], minlength=len(ranks))
    ideal = np.concatenate([[1.0], np.cumsum(discount)])  # a query without targets scores 0 / 1
    out: NDArray[np.float64] = dcg / ideal[np.minimum(ranks.n_targets, k)]
    return out
