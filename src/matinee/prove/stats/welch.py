"""Welch's interval: has a mean changed between two independent samples of unequal spread?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import t as student

from matinee.errors import InputError


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample by its figures.

    Attributes
    ----------
    n : int
        Independent observations: units, not their events.
    mean : float
    variance : float, 0 or more
        With n - 1 in the denominator.
    """

    n: int
    mean: float
    variance: float


def welch_difference(now: Sample, before: Sample, *, p: float = 0.05) -> tuple[float, float]:
    """Interval for the mean of `now` minus that of `before`; it covers the true one with probability 1 - p.

    Raises
    ------
    InputError
        A sample has fewer than two observations, or a figure is not finite.

    References
    ----------
    Welch (1947), doi:10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> [round(x, 2) for x in welch_difference(Sample(20, 3.0, 1.0), Sample(20, 2.0, 4.0))]
    [-0.02, 2.02]
    """
    for one in (now, before):
        if one.n < 2 or not (math.isfinite(one.mean) and math.isfinite(one.variance)):
            raise InputError(f"welch_difference: {one}, expected finite figures of two observations or more.")
    a, b = now.variance / now.n, before.variance / before.n
    difference = now.mean - before.mean
    if a + b == 0:
        return difference, difference
    degrees = (a + b) ** 2 / (a * a / (now.n - 1) + b * b / (before.n - 1))
    half = float(student.isf(p / 2, degrees)) * math.sqrt(a + b)
    return difference - half, difference + half
