"""Symmetric matrices of which one triangle is computed."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def mirror(matrix: NDArray[np.float32]) -> None:
    """Copy the lower triangle of a square matrix into the upper one, in place.

    Examples
    --------
    >>> x = np.array([[1, 0], [5, 2]], np.float32)
    >>> mirror(x)
    >>> x.tolist()
    [[1.0, 5.0], [5.0, 2.0]]
    """
    _mirror(matrix)


@njit(cache=True)
def _mirror(matrix):  # type: ignore[no-untyped-def]
    """In blocks that stay in cache: one of the two triangles is always read or written against its order."""
    n = matrix.shape[0]
    step = 64
    for i0 in range(0, n, step):
        for j0 in range(0, i0 + 1, step):
            for i in range(i0, min(i0 + step, n)):
                for j in range(j0, min(j0 + step, i)):
                    matrix[j, i] = matrix[i, j]
