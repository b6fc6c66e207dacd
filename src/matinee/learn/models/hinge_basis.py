"""A basis of hinges: turns plain columns into ones on which a linear model can bend.

Each column is compressed (sign(x) log(1 + |x|)), standardised, and repeated as max(0, x - knot) for knots at
its quantiles, so that an effect may grow, stop or turn round. Missing values become the median and, where
there were any in `fit`, a column that says so. Friedman (1991), Multivariate adaptive regression splines,
Annals of Statistics 19(1), has the hinges; here the knots are fixed beforehand and a penalty takes the place
of the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, InputError, NotFittedError
from matinee.learn.models.storage import load_arrays, save_arrays

Matrix = NDArray[np.float64]
LEARNED = ("median", "low", "high", "mean", "scale", "knots", "missing")


@dataclass(frozen=True, slots=True)
class HingeConfig:
    """Settings of the basis.

    Attributes
    ----------
    knots : int, 0 or more
        Quantiles of each column at which it may bend. 0: straight lines only.
    """

    knots: int = 3

    def __post_init__(self) -> None:
        if self.knots < 0:
            raise ConfigError(f"HingeBasis: knots is {self.knots}, expected 0 or more. Give 3.")


class HingeBasis:
    """Columns for a penalised linear model; the first is 1 everywhere.

    Good for tens of columns and few thousand rows, where trees would follow the noise. Not for interactions:
    the model on top is a sum over columns.

    Parameters
    ----------
    config : HingeConfig, optional

    Attributes
    ----------
    median_, low_, high_, mean_, scale_ : ndarray of float64, shape (n_columns,)
        All but the median on the compressed scale. Values outside low to high count as the nearer of the
        two: a line is not drawn on to where nothing was seen.
    knots_ : ndarray of float64, shape (n_columns, knots)
        On the compressed scale; NaN for those that fell together.
    missing_ : ndarray of bool, shape (n_columns,)
        Columns that had missing values.

    Examples
    --------
    >>> HingeBasis(HingeConfig(knots=0)).fit(np.array([[0.0], [2.0]])).transform(np.array([[0.0]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, config: HingeConfig | None = None) -> None:
        self.config = config or HingeConfig()

    def fit(self, x: Matrix) -> Self:
        """Learn scales and knots.

        Raises
        ------
        InputError
            No rows, or a value is infinite.
        """
        if x.ndim != 2 or not len(x):
            raise InputError(f"HingeBasis: x has shape {x.shape}, expected rows and columns. Give some rows.")
        if np.isinf(x).any():
            raise InputError(
                f"HingeBasis: column {int(np.isinf(x).any(0).argmax())} has an infinite value, expected "
                "finite ones, or NaN where a value is missing."
            )
        self.missing_ = np.asarray(np.isnan(x).any(axis=0), np.bool_)
        known = [column[~np.isnan(column)] for column in x.T]
        self.median_ = np.array([np.median(column) if len(column) else 0.0 for column in known])
        self.low_, self.high_ = np.full(x.shape[1], -np.inf), np.full(x.shape[1], np.inf)
        z = self._compressed(x)
        self.low_, self.high_ = z.min(0), z.max(0)
        self.mean_, self.scale_ = z.mean(0), np.maximum(z.std(0), 1e-9)
        at = np.linspace(0, 1, self.config.knots + 2)[1:-1]
        self.knots_ = np.full((x.shape[1], self.config.knots), np.nan)
        for j, column in enumerate(z.T):
            places = np.unique(np.quantile(column, at)) if self.config.knots else np.zeros(0)
            places = places[(places > column.min()) & (places < column.max())]
            self.knots_[j, : len(places)] = places
        return self

    def transform(self, x: Matrix) -> Matrix:
        """Columns of the basis, shape (n_rows, n_basis).

        Raises
        ------
        NotFittedError
            `fit` was not called.
        InputError
            `x` has another number of columns than in `fit`.
        """
        if not hasattr(self, "mean_"):
            raise NotFittedError("HingeBasis: transform before fit. Call fit(x) first.")
        if x.ndim != 2 or x.shape[1] != len(self.mean_):
            raise InputError(
                f"HingeBasis: x has shape {x.shape}, expected {len(self.mean_)} columns as in fit."
            )
        z = self._compressed(x)
        columns = [np.ones(len(x)), *((z - self.mean_) / self.scale_).T]
        for j in range(x.shape[1]):
            scale = self.scale_[j]
            columns += [np.maximum(z[:, j] - k, 0.0) / scale for k in self.knots_[j] if not np.isnan(k)]
        columns += [np.isnan(x[:, j]).astype(np.float64) for j in np.flatnonzero(self.missing_)]
        return np.column_stack(columns)

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        save_arrays(folder, self.config, **{name: getattr(self, f"{name}_") for name in LEARNED})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, HingeConfig)
        out = cls(config)
        for name in LEARNED:
            setattr(out, f"{name}_", arrays[name])
        return out

    def _compressed(self, x: Matrix) -> Matrix:
        filled = np.where(np.isnan(x), self.median_, x)
        z: Matrix = np.clip(np.sign(filled) * np.log1p(np.abs(filled)), self.low_, self.high_)
        return z
