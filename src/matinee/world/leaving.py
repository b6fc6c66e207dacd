"""Leaving: the hazard of an account at its renewal, and what each offer does to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.world.draws import Floats, Ints, sigmoid
from matinee.world.people import PRICE_MINOR, People

OFFERS = ("none", "discount", "extension", "reminder")
"""What may be offered before a renewal; the first is nothing."""


@dataclass(frozen=True, slots=True)
class LeavingConfig:
    """Why accounts leave and what offers do. The values are made up; see `hazard_logit`.

    Attributes
    ----------
    period_days : int
        Days between renewals.
    notice_days : int
        Days before a renewal at which the account makes up its mind, and may get an offer.
    base, found, tenure, price, fed_up, asleep : float
        Log-odds of leaving: constant, weight of quality plays in 28 days (log1p), of months of tenure
        (log1p), of the price for those who mind it, of disappointment, of dormancy.
    discount, extension, reminder : float
        Largest change of the log-odds by each offer, for the accounts it suits.
    wake_discount, wake_extension, wake_reminder : float
        What contact adds to the log-odds of an account that had forgotten that it pays.
    value_periods : float
        Periods of revenue that keeping an account through one renewal is counted as.
    discount_share, extension_share : float
        Cost of these offers as a share of the price, paid only when the account stays.
    reminder_minor : int
        Cost of a reminder, minor units, paid always.
    """

    period_days: int = 30
    notice_days: int = 7
    base: float = -1.6
    found: float = 0.95
    tenure: float = 0.3
    price: float = 1.6
    fed_up: float = 4.2
    asleep: float = 0.8
    discount: float = 3.2
    extension: float = 2.6
    reminder: float = 2.2
    wake_discount: float = 1.0
    wake_extension: float = 0.8
    wake_reminder: float = 1.3
    value_periods: float = 6.0
    discount_share: float = 0.3
    extension_share: float = 0.5
    reminder_minor: int = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of some accounts at their notice; all of it can be computed from the log.

    Attributes
    ----------
    account : ndarray of int64, shape (n,)
    tenure_days, plays_28d, quality_plays_28d, days_since_play, searches_28d : ndarray of int64, shape (n,)
        Over the days before the notice. `days_since_play` counts from the start of the account where nothing
        was ever played.
    """

    account: Ints
    tenure_days: Ints
    plays_28d: Ints
    quality_plays_28d: Ints
    days_since_play: Ints
    searches_28d: Ints


def asleep(standing: Standing) -> Floats:
    """How dormant each account is, 0 to 1: whether anything was played in the last three weeks."""
    return sigmoid((standing.days_since_play - 21) / 2.5)


def fed_up(standing: Standing) -> Floats:
    """How disappointed each account is, 0 to 1: plays that were broken off against those that were not."""
    bad = standing.plays_28d - standing.quality_plays_28d
    surplus = (bad - standing.quality_plays_28d).astype(np.float64) - 2.5
    return sigmoid(surplus / 0.7)


def hazard_logit(config: LeavingConfig, people: People, standing: Standing) -> Floats:
    """Log-odds of leaving at the next renewal without any offer, shape (n,)."""
    a = standing.account
    dear = people.sensitivity[a] * (people.price_minor[a] / PRICE_MINOR[0])
    h: Floats = (
        config.base
        - config.found * np.log1p(standing.quality_plays_28d)
        - config.tenure * np.log1p(standing.tenure_days / 30.0)
        + config.price * (dear - 0.7)
        + config.fed_up * fed_up(standing)
        - config.asleep * asleep(standing)
        + people.frailty[a]
    )
    return h


def offer_shift(config: LeavingConfig, people: People, standing: Standing) -> Floats:
    """Change of the log-odds by each offer, shape (n, n_offers); the first column is 0.

    A discount suits those who mind the price, an extension the new, a reminder the curious. None of them
    moves an account that is fed up (a lost cause), and contact wakes one that had forgotten that it pays (a
    sleeping dog). Accounts that find much to watch stay anyway (sure things), since the odds are so low.
    """
    a = standing.account
    awake = 1.0 - asleep(standing)
    open_to = people.response[a] * awake * (1.0 - fed_up(standing))
    newness = np.exp(-standing.tenure_days / 120.0)
    shift: Floats = np.stack(
        [
            np.zeros(len(a)),
            -config.discount * people.sensitivity[a] ** 1.5 * open_to + config.wake_discount * (1 - awake),
            -config.extension * newness * open_to + config.wake_extension * (1 - awake),
            -config.reminder * people.curiosity[a] ** 1.5 * open_to + config.wake_reminder * (1 - awake),
        ],
        1,
    )
    return shift


def cost_minor(config: LeavingConfig, price_minor: Ints) -> tuple[Floats, Floats]:
    """Cost of each offer when the account stays and when it leaves, each of shape (n, n_offers)."""
    n = len(price_minor)
    always = np.broadcast_to([0.0, 0.0, 0.0, float(config.reminder_minor)], (n, len(OFFERS)))
    share = np.array([0.0, config.discount_share, config.extension_share, 0.0])
    return np.round(price_minor[:, None] * share) + always, always.copy()
