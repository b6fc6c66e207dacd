"""Columns of a log that were known before the decision, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.prove.offpolicy.distributions import Floats

MOST_VALUES = 20
"""A text column with more values than this is taken for an id, and left out."""


def features(columns: Sequence[NDArray[Any]], n: int) -> Floats:
    """Numbers as they are (missing ones as the mean, with an indicator), texts of few values as indicators.

    Parameters
    ----------
    columns : sequence of arrays of str (masked where missing), shape (n,)

    Returns
    -------
    ndarray of float64, shape (n, n_features)

    Examples
    --------
    >>> features([np.array(["1", "3"], object), np.array(["tv", "phone"], object)], 2).tolist()
    [[1.0, 0.0, 1.0], [3.0, 1.0, 0.0]]
    """
    parts: list[Floats] = []
    for column in columns:
        missing = np.ma.getmaskarray(np.ma.asarray(column))
        values = np.where(missing, "", np.ma.getdata(column)).astype(np.str_)
        numbers = _numbers(values)
        if numbers is not None:
            parts += _filled(numbers)
            continue
        names, which = np.unique(values, return_inverse=True)
        if 1 < len(names) <= MOST_VALUES:
            parts.append(np.eye(len(names))[which])
    return np.concatenate(parts, axis=1) if parts else np.empty((n, 0))


def _numbers(values: NDArray[np.str_]) -> Floats | None:
    """The values as numbers, NaN where empty; None if one is no number or there is none."""
    try:
        found = np.where(values == "", "nan", values).astype(np.float64)
    except ValueError:
        return None
    return None if np.isinf(found).any() or np.isnan(found).all() else found


def _filled(numbers: Floats) -> list[Floats]:
    missing = np.isnan(numbers)
    if not missing.any():
        return [numbers[:, None]]
    return [np.where(missing, np.nanmean(numbers), numbers)[:, None], missing[:, None].astype(np.float64)]
