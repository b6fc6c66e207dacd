"""Coverage: which share of the catalogue does anybody get to see?"""

from __future__ import annotations

import numpy as np

from matinee.types import Index


def coverage(lists: Index, n_titles: int) -> float:
    """Distinct titles in the lists of all members / titles that could have been there.

    It grows with the number of members: compare models on the same members only.

    Parameters
    ----------
    lists : ndarray of int32, any shape
        Title indices; -1 is an empty place.
    n_titles : int, above 0
        For a model: the titles in its training file.

    References
    ----------
    Herlocker et al. (2004), Evaluating collaborative filtering recommender systems, section 4.1,
    doi:10.1145/963770.963772.

    Examples
    --------
    >>> coverage(np.array([[0, 1, -1], [1, 2, 0]]), 10)
    0.3
    """
    return len(np.unique(lists[lists >= 0])) / n_titles
