"""Intervals that hold at all times together, however often and however long one looks, in large samples."""

from __future__ import annotations

import math
from collections.abc import Iterable

from scipy.optimize import brentq
from scipy.special import lambertw, log_ndtr

from matinee.errors import InputError


def sequence_multiplier(information: float, *, alpha: float = 0.05, sides: int = 2) -> float:
    """Standard errors on each side of the estimate: the interval is estimate -+ multiplier * standard error.

    Choose it when the end is not planned, or may be moved after a look. When it is planned, spending needs
    fewer units (`spending.py`).

    Parameters
    ----------
    information : float, above 0
        Units seen so far / units for which the sequence is narrowest (the planned ones, of both arms
        together). It may go beyond 1 without end; the choice must not follow from the data.
    sides : {1, 2}
        1: a bound on one side only, for guardrails.

    Returns
    -------
    float
        3.04 at information 1 and alpha 0.05, 1.55 times that of a single look.

    Raises
    ------
    InputError
        `information` is not above 0, or alpha or sides are out of range.

    Notes
    -----
    Equation 9 of the paper, with the exact rho (by Lambert's W) that makes the interval least at information
    1. It rests on the central limit theorem with a running variance: begin to look when each arm has some
    hundreds of units and, for rates, tens of successes. One-sided bounds mix over positive effects only; the
    paper gives a closed form for a slightly wider bound, here the root is found.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and asymptotic
    confidence sequences, Annals of Statistics 52(6), arXiv:2103.06476. Robbins (1970), doi:10.1214/aoms/
    1177696786.

    Examples
    --------
    >>> [round(sequence_multiplier(t), 2) for t in (0.1, 1.0, 10.0)]
    [3.82, 3.04, 3.25]
    """
    _check(information, alpha, sides)
    scale = information * _rho_squared(alpha, sides)
    if sides == 2:
        return math.sqrt((scale + 1) / scale * 2 * math.log(math.sqrt(scale + 1) / alpha))
    edge = math.sqrt((scale + 1) / scale * 2 * math.log(1 + math.sqrt(scale + 1) / (2 * alpha)))
    return float(brentq(lambda z: _log_e(z, scale, 1) + math.log(alpha), 0.0, 2 * edge + 1, xtol=1e-12))


def sequence_log_e(z: float, information: float, *, alpha: float = 0.05, sides: int = 2) -> float:
    """Natural logarithm of the e-value: evidence against no difference, however often one looked.

    Parameters
    ----------
    z : float
        Estimate / standard error; for one side, with the sign that speaks against the hypothesis positive.
    information, alpha, sides
        As in `sequence_multiplier`; alpha tunes it, any level may then be read from it.

    Notes
    -----
    At least log(1 / alpha) exactly when the interval of level 1 - alpha leaves out 0.

    Examples
    --------
    >>> edge = sequence_multiplier(0.5)
    >>> round(math.exp(sequence_log_e(edge, 0.5)), 6)
    20.0
    """
    _check(information, alpha, sides)
    if math.isinf(z):
        return math.inf if sides == 2 or z > 0 else -math.inf
    return _log_e(z, information * _rho_squared(alpha, sides), sides)


def anytime_p(log_e: Iterable[float]) -> float:
    """P-value that may be looked at at any time, from the logarithms of the e-values of all looks so far.

    Notes
    -----
    1 over the highest e-value so far: the probability that it is ever at most a, without a difference, is at
    most a (Ville 1939). It never rises.

    Examples
    --------
    >>> round(anytime_p([math.log(4), math.log(25), math.log(10)]), 3)
    0.04
    """
    return min(1.0, math.exp(-max(log_e, default=0.0)))


def _log_e(z: float, scale: float, sides: int) -> float:
    grown = z * z * scale / (2 * (scale + 1)) - 0.5 * math.log(scale + 1)
    if sides == 2:
        return grown
    return grown + math.log(2) + float(log_ndtr(z * math.sqrt(scale / (scale + 1))))


def _rho_squared(alpha: float, sides: int) -> float:
    """rho**2 * t*; a one-sided bound is about as wide as a two-sided one of twice the level."""
    level = alpha * (3 - sides)
    return float(-lambertw(-(level**2) * math.exp(-1), -1).real) - 1


def _check(information: float, alpha: float, sides: int) -> None:
    if not (math.isfinite(information) and information > 0):
        raise InputError(
            f"confidence sequence: information is {information}, expected above 0: units seen / planned."
        )
    if not 0 < alpha < 0.5:
        raise InputError(f"confidence sequence: alpha is {alpha}, expected between 0 and 0.5. Give 0.05.")
    if sides not in (1, 2):
        raise InputError(f"confidence sequence: sides is {sides}, expected 1 or 2.")
