"""Non-inferiority: a guardrail may get worse, but not by more than a margin of the control."""

from __future__ import annotations

from typing import Literal

import msgspec

from matinee.errors import InputError
from matinee.prove.stats.difference import Estimate

Verdict = Literal["holds", "broken", "open"]


class NonInferiority(msgspec.Struct, frozen=True):
    """Result of `non_inferiority`.

    Attributes
    ----------
    verdict : {"holds", "broken", "open"}
        "holds": shown to be worse by less than the margin; "broken": shown to be worse by more; "open":
        neither yet.
    low, high : float
        Interval of the relative difference.
    z : float
        Standard errors by which the difference is better than the margin; negative: worse.
    """

    verdict: Verdict
    low: float
    high: float
    z: float


def non_inferiority(
    seen: Estimate, *, margin: float, multiplier: float, better: Literal["up", "down"] = "up"
) -> NonInferiority:
    """Compare a relative difference with a margin.

    Parameters
    ----------
    seen : Estimate
        Relative (`difference(..., relative=True)`).
    margin : float, 0 or more
        0.02: two percent worse is permitted.
    multiplier : float, above 0
        Of the interval. Each verdict uses one end of it, so a multiplier for one side is right: the normal
        quantile of 1 - alpha at a single look, a bound with `sides=1` of a spending plan, or
        `sequence_multiplier(..., sides=1)`, with which one may stop at any time.
    better : {"up", "down"}
        Which way the metric should move.

    Raises
    ------
    InputError
        `seen` is not relative, or the margin is negative.

    Notes
    -----
    The margin's border treated = (1 - margin) * control is a linear hypothesis, so the test is exact in the
    normal approximation also where the control's own value is uncertain, and agrees with Fieller's interval.
    The two verdicts contradict each other never; each is wrong with probability alpha at most.

    References
    ----------
    Schumi, Wittes (2011), Through the looking glass: understanding non-inferiority, Trials 12, 106,
    doi:10.1186/1745-6215-12-106. Hauschke, Kieser, Diletti, Burke (1999), Sample size determination for
    proving equivalence based on the ratio of two means, Statistics in Medicine 18(1).

    Examples
    --------
    >>> from matinee.prove.stats.difference import difference
    >>> from matinee.prove.stats.moments import Moments
    >>> same = Moments.of([9.0, 10.0, 11.0] * 300)
    >>> seen = difference(same, same, relative=True)
    >>> non_inferiority(seen, margin=0.02, multiplier=1.645).verdict
    'holds'
    >>> non_inferiority(seen, margin=0.0, multiplier=1.645).verdict
    'open'
    """
    if not seen.relative:
        raise InputError(
            "non_inferiority: the difference is absolute, expected a relative one, as the margin is. "
            "Use difference(..., relative=True)."
        )
    if not margin >= 0:
        raise InputError(f"non_inferiority: margin is {margin}, expected 0 or more. Give 0.02.")
    sign = 1.0 if better == "up" else -1.0
    z = sign * seen.z_against(-sign * margin)
    low, high = seen.interval(multiplier)
    verdict: Verdict = "holds" if z > multiplier else "broken" if z < -multiplier else "open"
    return NonInferiority(verdict, low, high, z)
