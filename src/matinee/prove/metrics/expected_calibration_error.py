"""Expected calibration error: when it says 20 %, does it happen in 20 % of the cases?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Cases in order of their probability, cut into parts of equal size.

    Attributes
    ----------
    said, happened : ndarray of float64, shape (n_bins,)
        Mean probability and share that happened.
    n : ndarray of int64, shape (n_bins,)
    """

    said: Values
    happened: Values
    n: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Mean distance of the two, weighted by cases."""
        return float(np.average(abs(self.said - self.happened), weights=self.n))


def reliability(p: Values, happened: NDArray[np.bool_], *, bins: int = 10) -> Reliability:
    """The reliability diagram as numbers; equal probabilities stay in one part.

    Raises
    ------
    InputError
        No case, different lengths, or less than one bin.

    Examples
    --------
    >>> found = reliability(np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, False, True, False]), bins=2)
    >>> found.happened.tolist(), found.error
    ([0.0, 0.5], 0.25)
    """
    if p.shape != happened.shape or not len(p) or bins < 1:
        raise InputError(
            f"reliability: p is {p.shape}, happened {happened.shape} and bins {bins}, expected one value of "
            "each for at least one case, and at least one bin."
        )
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    _, part = np.unique(np.searchsorted(edges, p, side="right"), return_inverse=True)
    n = np.bincount(part)
    return Reliability(np.bincount(part, p) / n, np.bincount(part, happened) / n, n)


def expected_calibration_error(p: Values, happened: NDArray[np.bool_], *, bins: int = 10) -> float:
    """Mean distance of probability and share over parts of equal size; 0 is perfect.

    It is above 0 by chance even for true probabilities, and the more so the fewer cases there are: with n
    cases about sqrt(bins * p * (1 - p) / n) * 0.8.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI;
    here with parts of equal size.

    Examples
    --------
    >>> expected_calibration_error(np.array([0.5, 0.5]), np.array([True, False]))
    0.0
    """
    return reliability(p, happened, bins=bins).error
