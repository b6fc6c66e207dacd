"""Who subscribes and who watches: accounts with plans and cards, members with tastes that drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.world.draws import Bools, Draws, Floats, Ints
from matinee.world.titles import TAGS

DEVICES = ("tv", "web", "tablet", "mobile")
PLANS = ("basic", "standard", "premium")
PRICE_MINOR = np.array([799, 1299, 1799])
CURRENCY = "EUR"
METHODS = ("card", "direct_debit", "wallet")
MATURITY_CLASSES = np.array([6, 12, 18])
"""Limits that profiles have, in years; the last one is an adult's."""
MAX_PROFILES = 4
DRIFT_DAYS = 7
"""Tastes move once in so many days."""
DORMANT_DAYS = 30
"""Accounts fall asleep or wake up once in so many days."""


@dataclass(frozen=True, slots=True)
class People:
    """Accounts and members by position. What cannot be seen from outside is marked latent.

    Attributes
    ----------
    account : ndarray of int64, shape (n_members,)
        Who pays for the member.
    territory, device, maturity_class : ndarray of int64, shape (n_members,)
        Positions in `TERRITORIES`, `DEVICES` (the one used most), `MATURITY_CLASSES`.
    kids : ndarray of bool, shape (n_members,)
    start_day : ndarray of int64, shape (n_accounts,)
        Day of subscription; negative: before the world began.
    plan, method : ndarray of int64, shape (n_accounts,)
        Positions in `PLANS`, `METHODS`.
    activity : ndarray of float64, shape (n_members,)
        Latent: log-odds of a visit on an ordinary day.
    tag_taste : ndarray of float64, shape (n_members, n_tags)
        Latent: what each kind of artwork adds to the choice.
    tastes : ndarray of float32, shape (n_weeks, n_members, n_tastes)
        Latent: unit vectors.
    sensitivity, curiosity : ndarray of float64, shape (n_accounts,)
        Latent, 0 to 1: how much the price matters, and how much news of titles does.
    frailty, response, card_risk : ndarray of float64, shape (n_accounts,)
        Latent: what else makes it leave (log-odds); how strongly it answers to offers (a factor); what makes
        its charges decline (log-odds).
    dormant : ndarray of bool, shape (n_months, n_accounts)
        Latent: hardly anybody of the account visits in this month.
    """

    account: Ints
    territory: Ints
    device: Ints
    maturity_class: Ints
    kids: Bools
    start_day: Ints
    plan: Ints
    method: Ints
    activity: Floats
    tag_taste: Floats
    tastes: NDArray[np.float32]
    sensitivity: Floats
    curiosity: Floats
    frailty: Floats
    response: Floats
    card_risk: Floats
    dormant: Bools

    @property
    def n_members(self) -> int:
        """Number of profiles."""
        return len(self.account)

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""
        return len(self.start_day)

    @property
    def price_minor(self) -> Ints:
        """Price of one period for each account, in minor units of `CURRENCY`."""
        return PRICE_MINOR[self.plan].astype(np.int64)

    def taste(self, day: int) -> NDArray[np.float32]:
        """Tastes of all members on a day, shape (n_members, n_tastes)."""
        taste: NDArray[np.float32] = self.tastes[min(day // DRIFT_DAYS, len(self.tastes) - 1)]
        return taste

    @staticmethod
    def make(n_members: int, n_tastes: int, horizon_days: int, *, drift: float, draws: Draws) -> People:
        """Draw accounts of one to four profiles until there are enough members."""
        a = np.arange(n_members)
        size = 1 + draws.category([0.45, 0.3, 0.15, 0.1], "profiles", a)
        account = np.repeat(a, size)[:n_members]
        n_accounts = int(account[-1]) + 1
        a = a[:n_accounts]
        m = np.arange(n_members)
        profile = m - np.searchsorted(account, account)
        kids = (profile > 0) & (draws.uniform("kids", m) < 0.35)
        child = draws.category([0.6, 0.4], "child", m)
        plan = draws.category([0.4, 0.4, 0.2], "plan", a)
        before = draws.uniform("here before", a) < 0.65
        joined = draws.uniform("joined", a)
        past = -1 - np.floor(900 * joined**1.6)
        return People(
            account=account,
            territory=draws.category([0.3, 0.25, 0.25, 0.2], "territory", a)[account],
            device=draws.category([0.45, 0.2, 0.1, 0.25], "device", m),
            maturity_class=np.where(kids, child, 2),
            kids=kids,
            start_day=np.where(before, past, np.floor(joined * horizon_days)).astype(np.int64),
            plan=plan,
            method=draws.category([0.7, 0.2, 0.1], "method", a),
            activity=-1.35 + 0.8 * draws.normal("activity", m),
            tag_taste=0.6 * draws.normal("tag taste", m[:, None], np.arange(len(TAGS))),
            tastes=_tastes(draws, m, n_tastes, horizon_days, drift),
            sensitivity=_between(draws.normal("sensitivity", a) * 0.9 + 0.9 * (1 - plan)),
            curiosity=_between(draws.normal("curiosity", a) * 1.2),
            frailty=0.35 * draws.normal("frailty", a),
            response=np.exp(0.25 * draws.normal("response", a)),
            card_risk=0.7 * draws.normal("card risk", a),
            dormant=_dormant(draws, a, horizon_days),
        )


def _between(x: Floats) -> Floats:
    out: Floats = 1.0 / (1.0 + np.exp(-x))
    return out


def _tastes(draws: Draws, m: Ints, n_tastes: int, horizon_days: int, drift: float) -> NDArray[np.float32]:
    """A walk on the sphere: each week a share `drift` of the squared length is new.

    Members begin near one or two genres' worth of directions, since the noise is as large as the start.
    """
    axis = np.arange(n_tastes)
    weeks = horizon_days // DRIFT_DAYS + 1
    out = np.zeros((weeks, len(m), n_tastes), np.float32)
    taste = draws.normal("taste", m[:, None], axis)
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    for week in range(weeks):
        if week:
            fresh = draws.normal("drift", m[:, None], axis, week) / np.sqrt(n_tastes)
            taste = np.sqrt(1 - drift) * taste + np.sqrt(drift) * fresh
            taste /= np.linalg.norm(taste, axis=1, keepdims=True)
        out[week] = taste
    return out


def _dormant(draws: Draws, a: Ints, horizon_days: int) -> Bools:
    """A chain of months: few fall asleep, most of those stay asleep."""
    months = horizon_days // DORMANT_DAYS + 1
    out = np.zeros((months, len(a)), np.bool_)
    asleep = draws.uniform("asleep at first", a) < 0.12
    for month in range(months):
        if month:
            asleep = draws.uniform("asleep", a, month) < np.where(asleep, 0.75, 0.05)
        out[month] = asleep
    return out
