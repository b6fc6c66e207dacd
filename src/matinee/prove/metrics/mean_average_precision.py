"""MAP: precision at each place where a target stands, averaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.prove.metrics.ranks import TargetRanks


def average_precision(ranks: TargetRanks, k: int) -> NDArray[np.float64]:
    """AP@k of each query; its mean over queries is MAP@k; shape (n_queries,).

    The sum over targets with rank r <= k of (targets with rank <= r) / r, divided by min(k, targets).
    Targets that tie have the same, pessimistic rank and are counted one after the other.

    References
    ----------
    Manning, Raghavan, Schütze (2008), Introduction to information retrieval, chapter 8.4; the divisor
    min(k, targets) instead of the number of targets lets a perfect short list reach 1.

    Examples
    --------
    >>> average_precision(TargetRanks(np.array([0, 3]), np.array([30, 1, 4])), 10).tolist()
    [0.5]
    """
    order = np.lexsort((ranks.rank, ranks.query))
    rank, query = ranks.rank[order], ranks.query
    found = np.arange(len(rank)) - ranks.indptr[query] + 1
    precision = np.where(rank <= k, found / rank, 0.0)
    total = np.bincount(query, precision, minlength=len(ranks))
    return total / np.maximum(np.minimum(ranks.n_targets, k), 1)
