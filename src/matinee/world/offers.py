"""Offers before a renewal: what a policy is told, what it answers, and the policy that filled the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matinee.errors import InputError
from matinee.world.draws import Draws, Floats, Ints, sigmoid
from matinee.world.leaving import OFFERS, Standing

FLOOR = 0.1
"""Least probability of each offer under the logging policy."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Accounts that will make up their mind today whether to renew.

    Attributes
    ----------
    day : int
    standing : Standing
        What is known of them; `standing.account` are their positions.
    price_minor : ndarray of int64, shape (n,)
        Price of one period.
    plan, territory : ndarray of int64, shape (n,)
        Positions in `PLANS` and `TERRITORIES`.
    """

    day: int
    standing: Standing
    price_minor: Ints
    plan: Ints
    territory: Ints

    def __len__(self) -> int:
        return len(self.price_minor)


OfferPolicy = Callable[[Notices], Floats]
"""Gives the probability of each of `OFFERS`, shape (n, n_offers)."""


def logging_offers(notices: Notices) -> Floats:
    """Draw every offer with at least 10 %, and the more of them the likelier an account seems to leave.

    It looks at quality plays only, as a first rule of a service would. What was offered is thus confounded
    with how accounts stand, and the propensities undo it.
    """
    risk = sigmoid(1.2 - 0.7 * np.log1p(notices.standing.quality_plays_28d))
    score = np.stack([1.3 - 1.5 * risk, risk, 0.6 * risk, 0.2 + 0.5 * risk], 1)
    weight = np.exp(score)
    p: Floats = FLOOR + (1 - len(OFFERS) * FLOOR) * weight / weight.sum(1, keepdims=True)
    return p


def no_offers(notices: Notices) -> Floats:
    """Nobody gets anything."""
    p = np.zeros((len(notices), len(OFFERS)))
    p[:, 0] = 1.0
    return p


def draw_offers(draws: Draws, account: Ints, renewal_day: Ints, p: Floats) -> Ints:
    """Draw one offer for each account.

    Raises
    ------
    InputError
        The policy's answer is not a table of probabilities.
    """
    p = np.asarray(p, np.float64)
    if p.shape != (len(account), len(OFFERS)):
        raise InputError(
            f"offer policy: the shape is {p.shape}, expected {(len(account), len(OFFERS))}. "
            f"Return one probability for each of {', '.join(OFFERS)}."
        )
    if not (np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(1), 1.0, atol=1e-9)):
        wrong = int(np.argmax(~(np.isfinite(p).all(1) & (p >= 0).all(1) & (abs(p.sum(1) - 1) < 1e-9))))
        raise InputError(
            f"offer policy: row {wrong} is {p[wrong].tolist()}, expected probabilities that sum to 1."
            " Divide by their sum."
        )
    u = draws.uniform("offer", account, renewal_day)
    drawn: Ints = np.minimum((np.cumsum(p, 1) <= u[:, None]).sum(1), len(OFFERS) - 1).astype(np.int64)
    return drawn
