"""How far could the estimate be from the truth? Intervals over units."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
import numpy as np
from scipy.stats import norm, t

from matinee.errors import InputError
from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.stats.bootstrap import draw

Kind = Literal["heavy_tail", "normal", "bootstrap"]
N_DRAWS = 2_000
FEWEST_DEGREES = 4.0
"""Below it the t interval would be endless where one unit carries the variance."""


class Interval(msgspec.Struct, frozen=True):
    """A value with its uncertainty.

    Attributes
    ----------
    value, low, high : float
    standard_error : float
        By linearisation, over units.
    n_units : int
    """

    value: float
    low: float
    high: float
    standard_error: float
    n_units: int


def interval(
    numerator: Floats,
    denominator: Floats,
    *,
    kind: Kind = "heavy_tail",
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The ratio of two sums over units, with an interval.

    - ``heavy_tail`` (default): the hull of two. Student's t with as many degrees of freedom as the squared
      deviations are worth: where a few units carry the variance, the variance itself is a guess. And the
      normal one corrected for skewness: where large deviations are rare and all on one side, a sample mostly
      lacks some.
    - ``normal``: the plain one. With weights of heavy tails it covers too seldom.
    - ``bootstrap``: percentiles over units drawn with replacement.

    Parameters
    ----------
    numerator, denominator : ndarray of float64, shape (n_units,)
        Sums over the decisions of each unit. For a mean per decision the denominator is their number.
    confidence : float, between 0 and 1

    Raises
    ------
    InputError
        `kind` is unknown or `confidence` is no share.

    Notes
    -----
    With one unit the interval is infinite. Where nothing varies it is a point, which says nothing about what
    was not seen: a log without a reward has [0, 0] here, and the anytime interval says how much is possible.

    References
    ----------
    Linearisation of a ratio: Cochran (1977), Sampling techniques, section 6.3. The degrees of freedom
    (sum psi**2)**2 / sum psi**4 - 1, at least 4, follow Satterthwaite (1946), doi:10.2307/3002019, with each
    unit's squared deviation as a component of the variance. Skewness: Hall (1992), On the removal of skewness
    by transformation, doi:10.1111/j.2517-6161.1992.tb01876.x, the cubic one. Chosen by simulation
    (`benchmarks/offpolicy.py`).

    Examples
    --------
    >>> interval(np.array([1.0, 0.0, 1.0, 0.0]), np.ones(4)).value
    0.5
    """
    if kind not in get_args(Kind):
        raise InputError(f'interval: kind is "{kind}", expected one of {", ".join(get_args(Kind))}.')
    if not 0.0 < confidence < 1.0:
        raise InputError(f"interval: confidence is {confidence}, expected between 0 and 1. Give 0.95.")
    n, total = len(numerator), float(denominator.sum())
    if total == 0.0:
        return Interval(np.nan, np.nan, np.nan, np.nan, n)
    value = float(numerator.sum()) / total
    if n == 1:
        return Interval(value, -np.inf, np.inf, np.inf, 1)
    psi = (numerator - value * denominator) * (n / total)
    error = float(np.sqrt((psi**2).sum() / (n - 1) / n))
    tail = (1.0 - confidence) / 2.0
    if kind == "bootstrap":
        low, high = _bootstrap(numerator, denominator, tail, seed)
    elif kind == "normal":
        low, high = (value + sign * float(norm.ppf(1.0 - tail)) * error for sign in (-1, 1))
    else:
        low, high = _heavy_tail(psi, value, error, tail)
    return Interval(value, low, high, error, n)


def effective_number(psi: Floats) -> float:
    """How many of the squared deviations carry their sum: their number if all are alike, 1 if one is all."""
    squares = psi**2
    fourth = float((squares**2).sum())
    return float(squares.sum()) ** 2 / fourth if fourth > 0 else float(len(psi))


def _heavy_tail(psi: Floats, value: float, error: float, tail: float) -> tuple[float, float]:
    degrees = max(effective_number(psi) - 1.0, FEWEST_DEGREES)
    far = float(t.ppf(1.0 - tail, degrees))
    z = float(norm.ppf(1.0 - tail))
    below, above = _unskewed(psi, z), -_unskewed(psi, -z)
    return value - max(far, below) * error, value + max(far, above) * error


def _unskewed(psi: Floats, z: float) -> float:
    """Where a studentised mean has the probability that z has under the normal law, given its skewness."""
    spread = float(psi.std())
    skewness = float((psi**3).mean()) / spread**3 if spread > 0 else 0.0
    root = float(np.sqrt(len(psi)))
    if abs(skewness) / root < 1e-9:
        return z
    inner = 1.0 + skewness * (z / root - skewness / (6.0 * root**2))
    return 3.0 * root / skewness * (float(np.cbrt(inner)) - 1.0)


def _bootstrap(num: Floats, den: Floats, tail: float, seed: int) -> tuple[float, float]:
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = np.concatenate(
            [num[rows].sum(axis=1) / den[rows].sum(axis=1) for rows in draw(len(num), N_DRAWS, seed)]
        )
    low, high = np.nanquantile(draws, [tail, 1.0 - tail])
    return float(low), float(high)
