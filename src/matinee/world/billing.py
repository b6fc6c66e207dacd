"""Billing: one invoice a period, charges that are declined for reasons, a fixed ladder of retries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.world.draws import Floats, sigmoid
from matinee.world.people import People

REASONS = (
    "insufficient_funds", "do_not_honor", "technical", "limit_exceeded", "expired_card", "lost_or_stolen"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BillingConfig:
    """How charges fare. Shares follow published mixes of declines; recovery rates are made up.

    Attributes
    ----------
    decline : tuple of float
        Log-odds that a first charge is declined, for each of `METHODS`.
    reasons : tuple of float
        Share of each of `REASONS` among declines; sums to 1.
    recovery : tuple of float
        Probability that one retry succeeds after each reason.
    retry_days : tuple of int
        Days after the invoice on which a declined charge is tried again. The account is on hold meanwhile and
        ends when the last retry fails.
    """

    decline: tuple[float, ...] = (-2.7, -3.2, -3.0)
    reasons: tuple[float, ...] = (0.44, 0.27, 0.10, 0.06, 0.09, 0.04)
    recovery: tuple[float, ...] = (0.35, 0.22, 0.75, 0.40, 0.12, 0.0)
    retry_days: tuple[int, ...] = (1, 3, 5, 7)


def p_decline(config: BillingConfig, people: People) -> Floats:
    """Probability that the first charge of an invoice is declined, shape (n_accounts,)."""
    return sigmoid(np.array(config.decline)[people.method] + people.card_risk)


def p_lost(config: BillingConfig, people: People) -> Floats:
    """Probability that an invoice is never paid, shape (n_accounts,): declined, and no retry succeeds."""
    all_fail = (1.0 - np.array(config.recovery)) ** len(config.retry_days)
    lost: Floats = p_decline(config, people) * float(np.dot(config.reasons, all_fail))
    return lost
