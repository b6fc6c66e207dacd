"""Which arm of an interleaving is preferred: what was watched of each team's slots, compared unit by unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln
from scipy.stats import beta, binom, norm

from matinee.errors import InputError
from matinee.prove.stats.confidence_sequence import sequence_multiplier

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
FEW = 50
"""Units that prefer an arm, below which the verdict rests on their number alone, by exact probabilities."""
UNFAIR = 0.001
"""Probability below which a coin that falls like this is not believed to be fair."""


@dataclass(frozen=True, slots=True)
class Credits:
    """What was earned by each team's slots, one entry for each unit that saw a merged answer.

    Attributes
    ----------
    a, b, shared : ndarray of float64, shape (n,)
        Sum of the rewards of the slots of "A", "B" and "-".
    top : ndarray of int64, shape (n,)
        Whose is the first slot, of those that belong to a team, on the unit's first merged answer: 0 for "A",
        1 for "B", -1 if none does.
    """

    a: Floats
    b: Floats
    shared: Floats
    top: Counts

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.a, self.b, self.shared, self.top)}
        if len(lengths) > 1:
            raise InputError(f"Credits: columns have {sorted(lengths)} entries, expected one for each unit.")
        for name, column in (("a", self.a), ("b", self.b), ("shared", self.shared)):
            if not np.isfinite(column).all():
                raise InputError(f"Credits: {name} has a value that is no number, expected finite rewards.")


@dataclass(frozen=True, slots=True)
class Coin:
    """Whether each team had the first slot equally often.

    Attributes
    ----------
    a, b : int
        Units on whose first merged answer it was theirs.
    p : float
        Probability of a split as uneven as this with a fair coin.
    """

    a: int
    b: int
    p: float

    @property
    def fair(self) -> bool:
        """Nothing speaks against it."""
        return self.p >= UNFAIR


@dataclass(frozen=True, slots=True)
class Preference:
    """How much the units prefer B to A.

    Attributes
    ----------
    n_units : int
        That saw a merged answer.
    for_a, for_b, ties : int
        Units of whom more was earned by A's slots, by B's, by both the same (nothing too).
    credit_a, credit_b, credit_shared : float
        Sum of the rewards.
    estimate : float, -1 to 1
        (credit_b - credit_a) / (credit_a + credit_b): above 0, B is preferred. NaN without credits.
    standard_error : float
    low, high : float
        Interval of `estimate` by units, for one look at a time that was fixed ahead.
    p : float
        Of no preference, at one look. With few units that prefer an arm: the exact sign test.
    share : float, -1 to 1
        (for_b - for_a) / (for_a + for_b), NaN without such units.
    share_low, share_high : float
        Exact interval of `share`.
    always_low, always_high : float
        Interval of `estimate` that holds at all looks together, however often and long one looks.
    coin : Coin
    alpha : float
        The intervals miss the truth with this probability.
    """

    n_units: int
    for_a: int
    for_b: int
    ties: int
    credit_a: float
    credit_b: float
    credit_shared: float
    estimate: float
    standard_error: float
    low: float
    high: float
    p: float
    share: float
    share_low: float
    share_high: float
    always_low: float
    always_high: float
    coin: Coin
    alpha: float

    def winner(self, *, always: bool = False) -> Literal["A", "B"] | None:
        """The arm that is shown to be preferred; None if neither is, or the coin is broken.

        Parameters
        ----------
        always : bool
            Judge by the interval that holds at all looks together; with few units that prefer an arm, by a
            test of their number that does.
        """
        if not self.coin.fair:
            return None
        few = self.for_a + self.for_b < FEW
        if always and few:
            shown = _always_uneven(self.for_a, self.for_b) >= math.log(1 / self.alpha)
            return ("B" if self.for_b > self.for_a else "A") if shown else None
        if always:
            low, high = self.always_low, self.always_high
        elif few:
            low, high = self.share_low, self.share_high
        else:
            low, high = self.low, self.high
        return "B" if low > 0 else "A" if high < 0 else None


def prefer(credits: Credits, *, alpha: float = 0.05, planned: int = 1_000) -> Preference:
    """Compare both teams unit by unit.

    Parameters
    ----------
    credits : Credits
    alpha : float, above 0 and below 0.5
    planned : int, 1 or more
        Units for which the interval that always holds is to be narrowest; fixed before the first look.

    Raises
    ------
    InputError
        `alpha` or `planned` is out of range.

    Notes
    -----
    The unit is the unit, not the play: plays of one member are alike. `estimate` is a ratio of sums with the
    standard error of the delta method over units; so a unit counts as much as it watches of what differs, and
    what both arms have in the same place counts for nobody. The interval that always holds is an asymptotic
    confidence sequence (`sequence_multiplier`); it takes the units as if they came one after the other, each
    with all its plays.

    References
    ----------
    Credit and test by units: Chapelle, Joachims, Radlinski, Yue (2012), Large-scale validation and analysis
    of interleaved search evaluation, doi 10.1145/2094072.2094078. Exact interval: Clopper, Pearson (1934),
    doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> a, b = np.zeros(20), np.ones(20)
    >>> found = prefer(Credits(a, b, a, np.arange(20) % 2))
    >>> found.estimate, found.winner()
    (1.0, 'B')
    """
    if not 0 < alpha < 0.5:
        raise InputError(f"prefer: alpha is {alpha:g}, expected a probability above 0 and below 0.5.")
    if planned < 1:
        raise InputError(f"prefer: planned is {planned}, expected 1 unit or more.")
    n = len(credits.a)
    for_a, for_b = int((credits.a > credits.b).sum()), int((credits.b > credits.a).sum())
    estimate, error = _ratio(credits)
    z = float(norm.isf(alpha / 2))
    few = for_a + for_b < FEW
    wide = error * sequence_multiplier(n / planned, alpha=alpha) if n else math.inf
    share_low, share_high = _exact(for_a, for_b, alpha)
    return Preference(
        n_units=n,
        for_a=for_a,
        for_b=for_b,
        ties=n - for_a - for_b,
        credit_a=float(credits.a.sum()),
        credit_b=float(credits.b.sum()),
        credit_shared=float(credits.shared.sum()),
        estimate=estimate,
        standard_error=error,
        low=max(-1.0, estimate - z * error),
        high=min(1.0, estimate + z * error),
        p=_sign_test(for_a, for_b) if few else _normal_test(estimate, error),
        share=(for_b - for_a) / (for_a + for_b) if for_a + for_b else math.nan,
        share_low=share_low,
        share_high=share_high,
        always_low=max(-1.0, estimate - wide),
        always_high=min(1.0, estimate + wide),
        coin=toss(credits.top),
        alpha=alpha,
    )


def toss(top: Counts) -> Coin:
    """Whether the first slots fell as those of a fair coin; -1 in `top` is nobody's.

    Examples
    --------
    >>> toss(np.array([0, 1, 1, 0, -1])).fair
    True
    >>> toss(np.zeros(40, np.int64)).fair
    False
    """
    a, b = int((top == 0).sum()), int((top == 1).sum())
    return Coin(a, b, _sign_test(a, b))


def _ratio(credits: Credits) -> tuple[float, float]:
    """Difference of the credits over their sum, with the standard error by units."""
    difference, total = credits.b - credits.a, credits.a + credits.b
    whole, n = float(total.sum()), len(total)
    if n < 2 or not whole > 0:
        return (float(difference.sum()) / whole if whole > 0 else math.nan), math.inf
    estimate = float(difference.sum()) / whole
    rest = difference - estimate * total
    return estimate, math.sqrt(n / (n - 1) * float(rest @ rest)) / whole


def _normal_test(estimate: float, error: float) -> float:
    if not error > 0:
        return 1.0 if estimate == 0 else 0.0
    return float(2 * norm.sf(abs(estimate) / error))


def _sign_test(a: int, b: int) -> float:
    """Two-sided exact probability of a split of a + b as uneven as this by a fair coin."""
    return min(1.0, 2.0 * float(binom.cdf(min(a, b), a + b, 0.5))) if a + b else 1.0


def _always_uneven(a: int, b: int) -> float:
    """Log of the evidence against a fair coin that may be looked at after each throw.

    The likelihood with a share that is uniform between 0 and 1, over that of a half: at or above
    log(1 / alpha) at any time with probability alpha at most, if the coin is fair (Ville).
    """
    return float(betaln(a + 1, b + 1)) + (a + b) * math.log(2)


def _exact(for_a: int, for_b: int, alpha: float) -> tuple[float, float]:
    """Clopper-Pearson interval of the share that prefers B, as B's share minus A's."""
    low = float(beta.ppf(alpha / 2, for_b, for_a + 1)) if for_b else 0.0
    high = float(beta.isf(alpha / 2, for_b + 1, for_a)) if for_a else 1.0
    return 2 * low - 1, 2 * high - 1
