"""Coverage: give some slots of every list to titles that few other members were shown.

A ranker concentrates on few titles. A share of each list is filled, after the ranker's own picks, with the
candidates that the taste models place high and that were shown least so far:
value = -log(1 + rank by taste) - log(1 + shows so far per 1,000 members).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.types import Index


def diverse_slots(k: int, diversity: float) -> int:
    """Slots of a list of k that go to rarely shown titles.

    Examples
    --------
    >>> [diverse_slots(10, d) for d in (0.0, 0.3, 1.0)]
    [0, 3, 10]
    """
    if not 0 <= diversity <= 1:
        raise InputError(f"--diversity is {diversity}, expected 0 to 1. 0.3 gives 3 of 10 places.")
    return round(k * diversity)


def spread(
    ranked: Index, taste: Index, k: int, n_slots: int, n_titles: int, *, shown: NDArray[np.float64]
) -> Index:
    """Lists of k titles: the ranker's first k - n_slots, then rarely shown ones.

    Parameters
    ----------
    ranked : ndarray of int32, shape (n_members, n_candidates)
        By the ranker, best first; -1 for none.
    taste : ndarray of int32, shape (n_members, n_candidates)
        The same titles by taste, best first.
    n_slots : int
        Places given to rarely shown titles.
    shown : ndarray of float64, shape (n_titles + 1,)
        How often each title was shown so far; the last cell counts members. Updated.

    Returns
    -------
    ndarray of int32, shape (n_members, k)
    """
    out = np.full((len(ranked), k), -1, np.int32)
    _spread(ranked, taste, k - n_slots, n_titles, shown, out)
    return out


@njit(cache=True)
def _spread(ranked, taste, n_kept, n_titles, shown, out):  # type: ignore[no-untyped-def]
    k = out.shape[1]
    used = np.zeros(n_titles, np.bool_)
    for m in range(len(ranked)):
        n = 0
        while n < min(n_kept, ranked.shape[1]) and ranked[m, n] >= 0:
            out[m, n] = ranked[m, n]
            used[ranked[m, n]] = True
            n += 1
        per_1000 = 1000.0 / (shown[n_titles] + 1.0)
        while n < k:
            best, best_value = -1, -np.inf
            for r in range(taste.shape[1]):
                t = taste[m, r]
                if t < 0 or used[t]:
                    continue
                value = -np.log(1.0 + r) - np.log(1.0 + shown[t] * per_1000)
                if value > best_value:
                    best, best_value = t, value
            if best < 0:
                break
            out[m, n] = best
            used[best] = True
            n += 1
        for c in range(n):
            used[out[m, c]] = False
            shown[out[m, c]] += 1.0
        shown[n_titles] += 1.0
