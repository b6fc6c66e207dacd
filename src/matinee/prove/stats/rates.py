"""Intervals for a rate and for the difference of two rates, right also for small counts and rare events."""

from __future__ import annotations

import math

from scipy.stats import norm

from matinee.errors import InputError


def rate_interval(k: float, n: float, *, p: float = 0.05) -> tuple[float, float]:
    """Wilson's interval for the rate of `k` in `n`; it covers the true one with probability 1 - p.

    Parameters
    ----------
    k, n : float, 0 <= k <= n, n > 0
        Observations with the property, and all. They need not be whole: of clustered data give the share
        times the number of clusters, and that number.
    p : float, between 0 and 1

    Raises
    ------
    InputError
        `n` is 0, or `k` is not between 0 and `n`.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(x, 4) for x in rate_interval(0, 100)]
    [0.0, 0.037]
    """
    if n <= 0 or not 0 <= k <= n:
        raise InputError(f"rate_interval: {k} of {n}, expected a count between 0 and a total above 0.")
    z = float(norm.isf(p / 2))
    share, spread = k / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def rate_difference(
    k_now: float, n_now: float, k_before: float, n_before: float, *, p: float = 0.05
) -> tuple[float, float]:
    """Newcombe's interval for the rate now minus the rate before.

    Raises
    ------
    InputError
        As in `rate_interval`.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Examples
    --------
    >>> [round(x, 4) for x in rate_difference(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    low_now, high_now = rate_interval(k_now, n_now, p=p)
    low_before, high_before = rate_interval(k_before, n_before, p=p)
    now, before = k_now / n_now, k_before / n_before
    difference = now - before
    return (
        difference - math.hypot(now - low_now, high_before - before),
        difference + math.hypot(high_now - now, before - low_before),
    )
