"""Recall@m-by-n: which share of what was watched stands in the first m rows and n columns of the page?"""

from __future__ import annotations

import numpy as np

from matinee.types import Index


def recall_m_by_n(grid: Index, relevant: Index, m: int, n: int) -> float:
    """Distinct relevant titles in the corner of m rows by n columns / relevant titles; NaN without any.

    A title in two rows counts once, so duplicates waste their place; short rows need no special care.
    Recall@3-by-4 is what a device shows that has room for 3 rows of 4.

    Parameters
    ----------
    grid : ndarray of int32, shape (n_rows, n_cols)
        Title indices; -1 is an empty place.
    relevant : ndarray of int32
        Titles that the member watched afterwards.

    References
    ----------
    Alvino, Basilico (2015), Learning a personalized homepage, Netflix technology blog.

    Examples
    --------
    >>> recall_m_by_n(np.array([[1, 2, 3], [1, 4, -1]]), np.array([1, 3, 4, 9]), 2, 2)
    0.5
    """
    wanted = np.unique(relevant)
    if len(wanted) == 0:
        return float("nan")
    return float(np.isin(wanted, grid[:m, :n]).mean())
