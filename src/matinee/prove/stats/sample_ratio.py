"""Sample-ratio mismatch: did the arms get the shares of units that were planned?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import binomtest, chi2

from matinee.errors import InputError

GATE = 0.001
"""At a p-value below this nothing is concluded from an experiment."""
FEW_UNITS, FEW_EXPECTED = 1_000, 20.0
"""Below so many units, or so many expected in an arm, probabilities are exact instead of by chi-square."""
OUTCOMES, DRAWS = 200_000, 200_000


class SampleRatio(msgspec.Struct, frozen=True):
    """Result of `sample_ratio`.

    Attributes
    ----------
    p : float
        Probability of counts at least as unlikely, with the planned shares.
    method : str
        "chi-square", "exact" or "simulated".
    statistic : float
        Pearson's: sum of (seen - expected)**2 / expected.
    residuals : tuple of float
        For each arm, (seen - expected) in standard deviations: which arm has too few.
    """

    p: float
    method: str
    statistic: float
    residuals: tuple[float, ...]

    @property
    def passed(self) -> bool:
        """The experiment may be read: p is at least `GATE`."""
        return self.p >= GATE


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> SampleRatio:
    """Test whether counts of units fit the planned shares, at a single look.

    Parameters
    ----------
    counts : sequence of int
        Units that were exposed, by arm.
    shares : sequence of float, above 0, sum 1

    Raises
    ------
    InputError
        Lengths differ, a count is negative, no unit at all, or shares do not sum to 1.

    Notes
    -----
    The gate is 0.001 and not 0.05: a mismatch is a bug, bugs of this kind are found in some percent of all
    experiments, they move counts far more than chance when units are many, and a false alarm throws away a
    sound experiment. Tested afresh at each of 28 daily looks this level is exceeded by chance in about 1 % of
    sound experiments; where that is too often, watch `log_evidence_of_other_shares` (`multinomial.py`), whose
    level holds over all looks together.

    With few units the exact distribution is used: for two arms the binomial one, for more arms that of
    Pearson's statistic over all possible counts, or of 200,000 drawn ones (fixed seed) where those are too
    many. Ties count against the plan.

    References
    ----------
    Pearson (1900), doi:10.1080/14786440009463897. Fabijan et al. (2019), Diagnosing sample ratio mismatch in
    online controlled experiments, KDD, doi:10.1145/3292500.3330722 (level and rates).

    Examples
    --------
    >>> sample_ratio([50_000, 48_900], [0.5, 0.5]).passed
    False
    >>> sample_ratio([500, 490], [0.5, 0.5]).passed
    True
    """
    seen, planned = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if seen.shape != planned.shape or seen.size < 2:
        raise InputError(
            f"sample ratio: {seen.size} counts for {planned.size} shares, expected one each, two or more."
        )
    if (seen < 0).any() or not seen.sum():
        raise InputError(f"sample ratio: counts are {list(counts)}, expected 0 or more and a unit at least.")
    if (planned <= 0).any() or abs(float(planned.sum()) - 1) > 1e-9:
        raise InputError(f"sample ratio: shares are {list(shares)}, expected above 0 with the sum 1.")
    n = float(seen.sum())
    expected = n * planned
    statistic = float(((seen - expected) ** 2 / expected).sum())
    residuals = tuple(float(r) for r in (seen - expected) / np.sqrt(expected * (1 - planned)))
    if n >= FEW_UNITS and expected.min() >= FEW_EXPECTED:
        p, method = float(chi2.sf(statistic, seen.size - 1)), "chi-square"
    elif seen.size == 2:
        p, method = float(binomtest(int(seen[0]), int(n), float(planned[0])).pvalue), "exact"
    elif math.comb(int(n) + seen.size - 1, seen.size - 1) <= OUTCOMES:
        p, method = _exact(int(n), planned, statistic), "exact"
    else:
        p, method = _simulated(int(n), planned, statistic), "simulated"
    return SampleRatio(p, method, statistic, residuals)


def _exact(n: int, shares: NDArray[np.float64], statistic: float) -> float:
    """Probability of Pearson's statistic being as large, summed over all counts that are possible."""
    counts = np.zeros((1, 0))
    for _ in range(shares.size - 1):
        room = n - counts.sum(axis=1).astype(int)
        counts = np.concatenate(
            [np.repeat(counts, room + 1, axis=0), np.concatenate([np.arange(r + 1) for r in room])[:, None]],
            axis=1,
        )
    counts = np.concatenate([counts, n - counts.sum(axis=1, keepdims=True)], axis=1)
    log_p = gammaln(n + 1) - gammaln(counts + 1).sum(axis=1) + counts @ np.log(shares)
    return min(1.0, float(np.exp(log_p[_pearson(counts, n * shares) >= statistic * (1 - 1e-9)]).sum()))


def _simulated(n: int, shares: NDArray[np.float64], statistic: float) -> float:
    """The same share among drawn counts; the seen ones are one of them, so it is never 0."""
    drawn = np.random.default_rng(0).multinomial(n, shares, DRAWS).astype(np.float64)
    return (1 + int((_pearson(drawn, n * shares) >= statistic * (1 - 1e-9)).sum())) / (1 + DRAWS)


def _pearson(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = ((counts - expected) ** 2 / expected).sum(axis=1)
    return found
