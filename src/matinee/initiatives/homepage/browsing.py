"""Browsing model: how likely a member looks at a place on the page. Rows go down, columns to the right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def examine(rows: int, cols: int, *, row_decay: float, col_decay: float) -> NDArray[np.float64]:
    """Probability that each place is looked at, shape (rows, cols).

    The first place is looked at surely; each step down multiplies by `row_decay`, each step to the right by
    `col_decay`.

    References
    ----------
    Moffat, Zobel (2008), Rank-biased precision, doi 10.1145/1416950.1416952, in two dimensions as in
    Felicioni, Ferrari Dacrema, Cremonesi (2021), UMAP, doi 10.1145/3450613.3456852.

    Examples
    --------
    >>> examine(2, 3, row_decay=0.5, col_decay=0.8).round(2).tolist()
    [[1.0, 0.8, 0.64], [0.5, 0.4, 0.32]]
    """
    down = row_decay ** np.arange(rows, dtype=np.float64)
    right = col_decay ** np.arange(cols, dtype=np.float64)
    return np.outer(down, right)
