"""NDCG of a page: hits near the top left corner count more, and each title counts once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.types import Index


def page_discount(
    n_rows: int,
    n_cols: int,
    *,
    row_weight: float = 1.0,
    col_weight: float = 1.0,
    visible: tuple[int, int] | None = None,
) -> NDArray[np.float64]:
    """Gain of each place, shape (n_rows, n_cols): 1 / log2(row_weight * row + col_weight * col), both from 1.

    Parameters
    ----------
    row_weight, col_weight : float, together at least 2, default 1.0
        How fast attention falls downwards and to the right.
    visible : (rows, cols), optional
        What a device shows without an action; each scroll by so many rows, and each swipe by so many
        columns, that is needed to reach a place adds 1 inside the logarithm.
    """
    row = np.arange(1, n_rows + 1, dtype=np.float64)[:, None]
    col = np.arange(1, n_cols + 1, dtype=np.float64)[None, :]
    cost = row_weight * row + col_weight * col
    if visible is not None:
        cost = cost + np.ceil(np.maximum(row - visible[0], 0) / visible[0])
        cost = cost + np.ceil(np.maximum(col - visible[1], 0) / visible[1])
    gain: NDArray[np.float64] = 1.0 / np.log2(cost)
    return gain


def ndcg_2d(grid: Index, relevant: Index, discount: NDArray[np.float64]) -> float:
    """NDCG of one page with binary relevance; NaN when nothing is relevant.

    A title that stands in several places counts once, at the best of them. The ideal page has the
    relevant titles at the places with the highest gain.

    Parameters
    ----------
    grid : ndarray of int32, shape (n_rows, n_cols)
        Title indices; -1 is an empty place.
    relevant : ndarray of int32
        Titles that the member watched afterwards.
    discount : ndarray of float64, shape at least that of `grid`
        From `page_discount`, of the page's full size, so that a shorter page is not excused.

    References
    ----------
    Felicioni, Ferrari Dacrema, Cremonesi (2021), A methodology for the offline evaluation of recommender
    systems in a user interface with multiple carousels, UMAP, equation 2; visible places:
    Felicioni et al. (2021), Measuring the ranking quality of recommendations in a two-dimensional
    carousel setting.

    Examples
    --------
    >>> round(ndcg_2d(np.array([[9, 1], [1, 2]]), np.array([1, 2]), page_discount(2, 2)), 4)
    0.6934
    """
    wanted = np.unique(relevant)
    if len(wanted) == 0:
        return float("nan")
    hit = np.isin(grid, wanted)
    titles, gain = grid[hit], discount[: grid.shape[0], : grid.shape[1]][hit]
    order = np.argsort(-gain, kind="stable")
    _, first = np.unique(titles[order], return_index=True)
    ideal = np.sort(discount, axis=None)[::-1][: len(wanted)].sum()
    return float(gain[order][first].sum() / ideal)
