"""Hit rate: was at least one target among the first k?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.prove.metrics.ranks import TargetRanks


def hit_rate(ranks: TargetRanks, k: int) -> NDArray[np.float64]:
    """HR@k of each query: 1.0 when a target has rank k or better, otherwise 0.0; shape (n_queries,).

    With one target per query it equals Recall@k. With many targets it saturates: use recall.

    References
    ----------
    Deshpande, Karypis (2004), Item-based top-N recommendation algorithms, doi:10.1145/963770.963776.

    Examples
    --------
    >>> hit_rate(TargetRanks(np.array([0, 1, 3]), np.array([11, 4, 90])), 10).tolist()
    [0.0, 1.0]
    """
    hits = np.bincount(ranks.query[ranks.rank <= k], minlength=len(ranks))
    return (hits > 0).astype(np.float64)
