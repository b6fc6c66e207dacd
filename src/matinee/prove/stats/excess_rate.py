"""Evidence, looked at as often as one likes, that one rate is above another by more than a margin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.special import betaln

from matinee.errors import InputError

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
STEPS = 60
"""Halvings of the search, by the golden ratio: the interval shrinks to 3e-13 of its length."""


class Seen(NamedTuple):
    """Failures among trials of one arm."""

    n: int
    failed: int

    @property
    def rate(self) -> float:
        """Share of failures, 0 without a trial."""
        return self.failed / self.n if self.n else 0.0


def log_evidence_of_excess(treated: Seen, control: Seen, margin: float) -> float:
    """Natural logarithm of the evidence against "the treated rate is at most the control's plus `margin`".

    Reject when it exceeds log(1 / alpha), after any number of trials and however often it was looked at: the
    probability to do so while the hypothesis holds is at most alpha.

    Parameters
    ----------
    treated, control : Seen
    margin : float, 0 to below 1

    Returns
    -------
    float
        Below 0 when the data speak for the hypothesis.

    Raises
    ------
    InputError
        More failures than trials, or a margin outside [0, 1).

    Notes
    -----
    For a rate p the mixture likelihood ratio M(p) = B(k + 1/2, n - k + 1/2) / B(1/2, 1/2) / (p^k (1-p)^(n-k))
    is a non-negative martingale with mean 1 (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, section
    3.2). The product of both arms' is one under their true rates, so its minimum over all pairs of rates that
    the hypothesis permits stays below 1 / alpha for ever with probability 1 - alpha (Ville 1939). log M is
    convex, so where the observed rates contradict the hypothesis the minimum lies on its border p_t = p_c +
    margin and is found by golden section.

    Assumed: given the past, each trial fails with the arm's rate. Trials of one unit that always fails stand
    for more than they should; the margin is what absorbs such differences between the units of two arms.

    References
    ----------
    Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
    Statistics 41, 1397. Howard et al. (2021), Time-uniform, nonparametric, nonasymptotic confidence
    sequences, Annals of Statistics 49, 1055. Ville (1939), Etude critique de la notion de collectif.

    Examples
    --------
    >>> log_evidence_of_excess(Seen(200, 40), Seen(2000, 20), 0.01) > math.log(100)
    True
    >>> log_evidence_of_excess(Seen(200, 2), Seen(2000, 20), 0.01) > 0
    False
    """
    for arm in (treated, control):
        if not 0 <= arm.failed <= arm.n:
            raise InputError(f"excess rate: {arm.failed} of {arm.n} failed, expected at most all.")
    if not 0.0 <= margin < 1.0:
        raise InputError(f"excess rate: margin is {margin}, expected at least 0 and below 1.")
    mixed = _mixture(treated) + _mixture(control)
    if treated.rate <= control.rate + margin:
        return mixed - _log_likelihood(treated, treated.rate) - _log_likelihood(control, control.rate)

    def against(p: float) -> float:
        return -_log_likelihood(treated, p + margin) - _log_likelihood(control, p)

    return mixed + _minimum(against, control.rate, treated.rate - margin)


def _mixture(arm: Seen) -> float:
    return float(betaln(arm.failed + 0.5, arm.n - arm.failed + 0.5) - betaln(0.5, 0.5))


def _log_likelihood(arm: Seen, p: float) -> float:
    passed = arm.n - arm.failed
    if (p <= 0.0 and arm.failed) or (p >= 1.0 and passed):
        return -math.inf
    return (arm.failed * math.log(p) if arm.failed else 0.0) + (passed * math.log1p(-p) if passed else 0.0)


def _minimum(of: Callable[[float], float], low: float, high: float) -> float:
    """Least value of a convex function on an interval."""
    best = min(of(low), of(high))
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = of(a), of(b)
    for _ in range(STEPS):
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = of(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = of(b)
    return min(best, at_a, at_b)
