"""Kaplan-Meier: how long units last, from records in which many are not over yet."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError, NotFittedError
from matinee.learn.models.storage import load_arrays, save_arrays

Values = NDArray[np.float64]


class KaplanMeier:
    """Share that lasts longer than a time, without any model of why.

    It knows nothing of the units but how long they have lasted: a baseline for models that do, and a check of
    their mean.

    Attributes
    ----------
    time_ : ndarray of float64, shape (n_times,)
        Times at which something ended, ascending.
    survival_ : ndarray of float64, shape (n_times,)
        Share that lasts longer than each.

    Notes
    -----
    A unit that was first seen at age `entry` is at risk from then on only (left truncation); one that still
    lasts counts until it was last seen (right censoring). Both must not depend on what would come.

    References
    ----------
    Kaplan, Meier (1958), Nonparametric estimation from incomplete observations, JASA 53(282).
    Tsai, Jewell, Wang (1987), A note on the product-limit estimator under right censoring and left
    truncation, Biometrika 74(4).

    Examples
    --------
    >>> km = KaplanMeier().fit(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    >>> km.survival(np.array([0.5, 1.0, 3.0])).round(3).tolist()
    [1.0, 0.667, 0.0]
    """

    def fit(self, age: Values, ended: NDArray[np.bool_], entry: Values | None = None) -> Self:
        """Learn from units: their age when last seen, whether they ended then, and the age when first seen.

        Raises
        ------
        InputError
            Shapes that differ, or a unit that was last seen before it was first seen.
        """
        start = np.zeros(len(age)) if entry is None else entry
        if not age.shape == ended.shape == start.shape:
            raise InputError(
                f"KaplanMeier: age is {age.shape}, ended {ended.shape} and entry {start.shape}, expected one "
                "value of each per unit."
            )
        if wrong := int((start > age).sum()):
            raise InputError(
                f"KaplanMeier: {wrong} units have an age below that of their entry, expected none. "
                "Leave them out."
            )
        self.time_ = np.unique(age[ended])
        ends = np.searchsorted(np.sort(age[ended]), self.time_, side="right")
        ended_at = np.diff(ends, prepend=0)
        came = np.searchsorted(np.sort(start), self.time_, side="left")  # seen before this time
        left = np.searchsorted(np.sort(age), self.time_, side="left")
        at_risk = np.maximum(came - left, 1)
        self.survival_ = np.cumprod(1.0 - np.minimum(ended_at / at_risk, 1.0))
        return self

    def survival(self, time: Values) -> Values:
        """Share that lasts longer than each time; after the last known one it stays as it is.

        Raises
        ------
        NotFittedError
            `fit` was not called.
        """
        if not hasattr(self, "time_"):
            raise NotFittedError("KaplanMeier: survival before fit. Call fit(age, ended) first.")
        steps = np.concatenate([[1.0], self.survival_])
        out: Values = steps[np.searchsorted(self.time_, time, side="right")]
        return out

    def p_end(self, age: Values, within: float) -> Values:
        """Probability that a unit of each age ends within so much more time."""
        now, then = self.survival(age), self.survival(age + within)
        out: Values = 1.0 - np.divide(then, now, out=np.ones_like(now), where=now > 0)
        return out

    def save(self, folder: Path) -> None:
        """Write the curve."""
        save_arrays(folder, {}, time=self.time_, survival=self.survival_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        _, arrays = load_arrays(folder, dict[str, str])
        out = cls()
        out.time_, out.survival_ = arrays["time"], arrays["survival"]
        return out
