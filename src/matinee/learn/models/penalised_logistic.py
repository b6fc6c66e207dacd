"""Logistic regression with a quadratic penalty of its own on each coefficient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError

Matrix = NDArray[np.float64]
STEPS = 50


def fit_logistic(
    x: Matrix, y: Matrix, penalty: Matrix, *, weight: Matrix | None = None, tolerance: float = 1e-8
) -> Matrix:
    """Coefficients that minimise the log-loss plus sum(penalty * b**2) / 2.

    Parameters
    ----------
    x : ndarray of float64, shape (n_rows, n_columns)
    y : ndarray of float64, shape (n_rows,)
        0 to 1.
    penalty : ndarray of float64, shape (n_columns,)
        Above 0 where columns may depend on each other.
    weight : ndarray of float64, shape (n_rows,), optional
        How often each row counts.
    tolerance : float
        Of the decrease of the objective, as a share of it.

    Returns
    -------
    ndarray of float64, shape (n_columns,)

    Raises
    ------
    InputError
        Shapes that do not fit, or a target outside 0 to 1.

    Notes
    -----
    Newton's method with halved steps (iteratively reweighted least squares). Cost: O(n_rows * n_columns**2)
    for each of about 8 steps.

    References
    ----------
    Hastie, Tibshirani, Friedman (2009), The elements of statistical learning, sections 4.4.1 and 4.4.4.

    Examples
    --------
    >>> b = fit_logistic(np.ones((4, 1)), np.array([1.0, 1.0, 1.0, 0.0]), np.array([1e-9]))
    >>> round(float(1 / (1 + np.exp(-b[0]))), 4)
    0.75
    """
    if x.ndim != 2 or len(x) != len(y) or penalty.shape != (x.shape[1],):
        raise InputError(
            f"fit_logistic: x is {x.shape}, y is {y.shape} and penalty is {penalty.shape}, expected "
            "(n, columns), (n,) and (columns,)."
        )
    if len(y) and not (y.min() >= 0 and y.max() <= 1):
        raise InputError(f"fit_logistic: y is from {y.min()} to {y.max()}, expected 0 to 1.")
    w = np.ones(len(y)) if weight is None else weight
    b = np.zeros(x.shape[1])
    loss = _loss(x, y, w, penalty, b)
    for _ in range(STEPS):
        p = _sigmoid(x @ b)
        slope = x.T @ (w * (p - y)) + penalty * b
        bend = (x * (w * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        size = 1.0
        while (lower := _loss(x, y, w, penalty, b - size * step)) > loss and size > 1e-6:
            size /= 2
        if loss - lower <= tolerance * max(abs(loss), 1.0):
            return b - size * step if lower <= loss else b
        b, loss = b - size * step, lower
    return b


def _loss(x: Matrix, y: Matrix, w: Matrix, penalty: Matrix, b: Matrix) -> float:
    z = x @ b
    return float(w @ (np.logaddexp(0, z) - y * z) + 0.5 * penalty @ (b * b))


def _sigmoid(z: Matrix) -> Matrix:
    out: Matrix = np.exp(-np.logaddexp(0, -z))
    return out
