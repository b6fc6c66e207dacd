"""Evidence from counts that may be looked at after each one: shares of arms, and events of a guardrail."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import betaincc, betaln, gammaln

from matinee.errors import InputError

STRENGTHS = (10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)
"""Pseudo-counts of the priors that are averaged: each finds departures of about 1 / sqrt(its number) best."""


def log_evidence_of_other_shares(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Natural logarithm of the evidence that units do not come in the planned shares.

    Reject when it exceeds log(1 / alpha), after any number of units and however often it was looked at: with
    the planned shares the probability that it ever does is at most alpha.

    Parameters
    ----------
    counts : sequence of int, 0 or more
        Units of each arm so far.
    shares : sequence of float, above 0, sum 1
        Planned.

    Returns
    -------
    float
        Below 0 when the counts speak for the plan.

    Raises
    ------
    InputError
        Lengths differ, a count is negative, or shares do not sum to 1.

    Notes
    -----
    The Bayes factor of a Dirichlet-multinomial against the multinomial with the planned shares is a
    non-negative martingale with mean 1 while the plan holds. Departs from the paper: not one Dirichlet prior
    but the average of five around the planned shares (also a martingale), so that both a great mismatch at
    200 units and a small one at a million are found; the price is a factor of at most 5.

    References
    ----------
    Lindon, Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS, arXiv:2011.03567.

    Examples
    --------
    >>> log_evidence_of_other_shares([5_100, 4_900], [0.5, 0.5]) > math.log(1 / 0.001)
    False
    >>> log_evidence_of_other_shares([51_000, 49_000], [0.5, 0.5]) > math.log(1 / 0.001)
    True
    """
    n, planned = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if n.shape != planned.shape or n.size < 2:
        raise InputError(
            f"multinomial: {n.size} counts for {planned.size} shares, expected one each, two or more."
        )
    if (n < 0).any():
        raise InputError(f"multinomial: counts are {list(counts)}, expected 0 or more.")
    if (planned <= 0).any() or abs(float(planned.sum()) - 1) > 1e-9:
        raise InputError(f"multinomial: shares are {list(shares)}, expected above 0 with the sum 1.")
    total = float(n.sum())
    under_plan = float(n @ np.log(planned))
    each = [
        float(
            gammaln(strength)
            - gammaln(strength + total)
            + (gammaln(strength * planned + n) - gammaln(strength * planned)).sum()
        )
        - under_plan
        for strength in STRENGTHS
    ]
    return _mean_of(each)


def log_evidence_of_more_events(
    treated: int, control: int, *, exposure: float = 1.0, margin: float = 0.0
) -> float:
    """Natural logarithm of the evidence that the treated arm has more events than it may.

    For counts that only need to be counted: failed starts, cancellations, complaints. Reject as above, after
    any event and however often it was looked at.

    Parameters
    ----------
    treated, control : int, 0 or more
        Events of each arm so far.
    exposure : float, above 0
        What the treated arm was given, as a multiple of the control's: ratio of shares of units.
    margin : float, 0 or more
        Permitted excess of the treated rate: 0.1 permits ten percent more.

    Raises
    ------
    InputError
        A count is negative, or exposure or margin is out of range.

    Notes
    -----
    If events come as Poisson processes whose rates may change in any way over the day but have a ratio of at
    most 1 + margin, each event is the treated arm's with probability p = o / (1 + o) at most, where o =
    exposure (1 + margin). Against all those at once stands a Beta prior around p, cut to values above p: each
    of its likelihood ratios has mean 1 at p and less below it, so their average has a mean of at most 1 for
    every permitted rate. Five priors are averaged as above.

    Assumed: events are independent of each other. Where one unit causes many (a broken app that retries),
    count units with an event, or compare rates of units (`excess_rate.py`).

    References
    ----------
    Lindon, Malek (2022), arXiv:2011.03567.

    Examples
    --------
    >>> log_evidence_of_more_events(170, 100) > math.log(1 / 0.05)
    True
    >>> log_evidence_of_more_events(170, 100, margin=0.3) > math.log(1 / 0.05)
    False
    """
    if treated < 0 or control < 0:
        raise InputError(f"multinomial: {treated} and {control} events, expected 0 or more.")
    if not (math.isfinite(exposure) and exposure > 0):
        raise InputError(f"multinomial: exposure is {exposure}, expected above 0 (treated / control).")
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"multinomial: margin is {margin}, expected 0 or more.")
    odds = exposure * (1 + margin)
    p = odds / (1 + odds)
    under = treated * math.log(p) + control * math.log1p(-p)
    each = []
    for strength in STRENGTHS:
        a, b = strength * p, strength * (1 - p)
        seen, prior = float(betaincc(a + treated, b + control, p)), float(betaincc(a, b, p))
        if seen > 0:
            mixed = float(betaln(a + treated, b + control) - betaln(a, b))
            each.append(mixed + math.log(seen / prior) - under)
    return _mean_of(each)


def _mean_of(logs: list[float]) -> float:
    """Logarithm of the mean over all priors; those that are left out count as 0."""
    if not logs:
        return -math.inf
    top = max(logs)
    return top + math.log(sum(math.exp(one - top) for one in logs) / len(STRENGTHS))
