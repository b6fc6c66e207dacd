"""Brier score: squared error of probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def brier(p: Values, happened: NDArray[np.bool_]) -> Values:
    """(p - happened)**2 of each case; the mean is the score, less is better.

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78(1).

    Examples
    --------
    >>> brier(np.array([0.9, 0.2]), np.array([True, False])).round(2).tolist()
    [0.01, 0.04]
    """
    out: Values = (p - happened) ** 2
    return out
