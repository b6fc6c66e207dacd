"""Calibration error: does a page mix the genres as the member's history does?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.types import Index, Times

Mix = NDArray[np.float64]
"""Shares of genres, shape (n_members, n_genres); each row sums to 1, or to 0 when nothing is known."""


def genre_mix(
    member: Index | Times,
    title: Index,
    genres: NDArray[np.float32],
    n_members: int,
    *,
    weight: NDArray[np.float64] | None = None,
) -> Mix:
    """Share of each genre in the titles of each member; a title with g genres gives 1/g to each.

    Parameters
    ----------
    member, title : ndarray of int, shape (n_pairs,)
        Who, and which title: events of the histories, or tiles of the pages.
    genres : ndarray of float32, shape (n_titles, n_genres)
        1 where the title has the genre. Titles without a genre are left out.
    n_members : int
    weight : ndarray of float64, shape (n_pairs,), optional
        How much each pair counts, such as recency or attention. Default 1.
    """
    share = genres / np.maximum(genres.sum(axis=1, keepdims=True), 1.0)
    out: Mix = np.zeros((n_members, genres.shape[1]))
    for genre in range(genres.shape[1]):
        amount = share[title, genre] if weight is None else share[title, genre] * weight
        out[:, genre] = np.bincount(member, amount, minlength=n_members)
    total = out.sum(axis=1, keepdims=True)
    out /= np.where(total > 0, total, 1.0)
    return out


def calibration_error(wanted: Mix, shown: Mix, *, alpha: float = 0.01) -> NDArray[np.float64]:
    """KL(wanted || shown) of each member in nats; 0 is perfect; NaN where either is unknown.

    Parameters
    ----------
    wanted : ndarray, shape (n_members, n_genres)
        Mix of the history.
    shown : ndarray, shape (n_members, n_genres)
        Mix of the page.
    alpha : float, above 0 and below 1, default 0.01
        `shown` is smoothed to (1 - alpha) * shown + alpha * wanted, so a missing genre costs much, not
        infinitely much.

    References
    ----------
    Steck (2018), Calibrated recommendations, section 3, doi:10.1145/3240323.3240372.

    Examples
    --------
    >>> calibration_error(np.array([[0.7, 0.3]]), np.array([[1.0, 0.0]])).round(3).tolist()
    [1.134]
    """
    smooth = (1.0 - alpha) * shown + alpha * wanted
    ratio = np.divide(wanted, smooth, out=np.ones_like(wanted), where=(wanted > 0) & (smooth > 0))
    error = (wanted * np.log(ratio)).sum(axis=1)
    known = (wanted.sum(axis=1) > 0) & (shown.sum(axis=1) > 0)
    return np.where(known, np.maximum(error, 0.0), np.nan)
