"""Histories as a sparse member-title matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from matinee.learn.interactions import Histories
from matinee.types import Scores

Csr = Any
"""A scipy csr_array of float32. (Its type stubs follow neither dtype nor shape from the constructor.)"""


def csr(data: Any, shape: tuple[int, int]) -> Csr:
    """`scipy.sparse.csr_array(data, shape)` in float32."""
    build: Any = scipy.sparse.csr_array
    return build(data, shape=shape, dtype=np.float32)


def play_matrix(histories: Histories, n_titles: int, value: Scores | None = None) -> Csr:
    """Matrix (n_members, n_titles): 1 where a member watched a title, or the sum of `value` there."""
    ones = np.ones(len(histories.title), np.float32) if value is None else value
    out = csr((ones, (histories.member_of_event(), histories.title)), (len(histories), n_titles))
    if value is None:
        out.data[:] = 1.0
    return out


def fading(histories: Histories, decay: float) -> Scores:
    """Weight of each event: `decay` to the power of its rank of recency."""
    return np.power(np.float32(decay), histories.age().astype(np.float32))


def faded_mean(histories: Histories, values: Any, decay: float) -> Scores:
    """Mean of the rows of a dense `values` (n_titles, d) over each history, later titles counting more.

    Zeros for an empty history. Shape (n_members, d).
    """
    x = play_matrix(histories, values.shape[0], fading(histories, decay))
    total = np.maximum(1e-9, np.asarray(x.sum(axis=1)).ravel())
    product = x @ values
    return np.asarray(product / total[:, None], np.float32)
