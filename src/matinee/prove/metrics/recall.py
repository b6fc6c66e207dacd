"""Recall: which share of what was watched stands among the first k?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.prove.metrics.ranks import TargetRanks


def recall(ranks: TargetRanks, k: int) -> NDArray[np.float64]:
    """Recall@k of each query: targets with rank k or better / all targets; shape (n_queries,).

    The divisor is the number of targets, not min(k, targets) as in some papers: a member who watched
    100 titles cannot have a recall@20 above 0.2.

    Examples
    --------
    >>> recall(TargetRanks(np.array([0, 4]), np.array([1, 20, 21, 300])), 20).tolist()
    [0.5]
    """
    hits = np.bincount(ranks.query[ranks.rank <= k], minlength=len(ranks))
    return hits / np.maximum(ranks.n_targets, 1)
