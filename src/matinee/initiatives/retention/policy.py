"""Who is offered what: the best value within the budget, with a holdout and a little exploration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.decide.budget import budget_price
from matinee.decide.policies.epsilon_greedy import EpsilonGreedyConfig, EpsilonGreedyPolicy
from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.value import Matrix, Worth
from matinee.types import Ids, derive_seed

Permitted = NDArray[np.bool_]
EXPLORED_SHARE = 0.5
"""Exploration may spend at most this share of the budget."""
ROUNDING = 1e-6
"""By how much the price is raised, so that an account at the very edge falls on the cheap side of it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a single decision needs to know of all the others.

    Attributes
    ----------
    price : float, 0 or more
        What each minor unit of cost counts beyond itself, so that the whole keeps to the budget.
    explore : float, 0 to 1
        Share that is spread evenly over what is permitted.
    """

    price: float
    explore: float


def in_holdout(account_id: str, config: RetentionConfig) -> bool:
    """Whether an account never gets an offer; the same answer always, everywhere, for one salt."""
    return derive_seed(0, config.holdout_salt, account_id) < config.holdout * 2**64


def holdout(account_ids: Ids | NDArray[np.str_], config: RetentionConfig) -> Permitted:
    """`in_holdout` of each account."""
    return np.array([in_holdout(str(one), config) for one in account_ids], np.bool_)


def permitted_actions(blocked: Permitted, n_actions: int) -> Permitted:
    """What each account may get, shape (n, n_actions): nothing always, offers unless it is blocked."""
    out = np.repeat(~blocked[:, None], n_actions, axis=1)
    out[:, 0] = True
    return out


def settle(money: Worth, permitted: Permitted, config: RetentionConfig) -> Terms:
    """Terms under which all these accounts together keep to the budget, exploration included.

    Raises
    ------
    InputError
        The money is not as `worth` makes it.
    """
    budget = config.budget_minor * len(money.cost)
    tried = float((money.cost * permitted).sum(1) @ (1.0 / permitted.sum(1))) if len(money.cost) else 0.0
    explore = config.explore
    if tried * explore > EXPLORED_SHARE * budget:
        explore = EXPLORED_SHARE * budget / tried
    value = np.where(permitted, money.value, -np.inf)
    left = max(budget - explore * tried, 0.0)
    price = budget_price(value, (1.0 - explore) * money.cost, left) * (1.0 - explore)
    return Terms(price * (1.0 + ROUNDING), explore)


def probabilities(money: Worth, permitted: Permitted, terms: Terms) -> Matrix:
    """Probability of each action for each account, shape (n, n_actions); rows sum to 1."""
    policy = EpsilonGreedyPolicy(EpsilonGreedyConfig(terms.explore))
    net = (money.value - terms.price * money.cost).astype(np.float32)
    out = np.zeros(money.value.shape)
    for i in range(len(out)):
        out[i] = policy.probabilities(net[i], permitted[i])
    return out


def to_the_first(order_by: Matrix, offer: int, cost: Matrix, permitted: Permitted, budget: float) -> Matrix:
    """One offer to those whom a score puts first, until the budget is spent; as probabilities.

    Parameters
    ----------
    order_by : ndarray of float64, shape (n,)
        Higher is first.
    budget : float
        For all of them together.
    """
    out = np.zeros(cost.shape)
    out[:, 0] = 1.0
    may = np.flatnonzero(permitted[:, offer])
    first = may[np.argsort(-order_by[may], kind="stable")]
    chosen = first[np.cumsum(cost[first, offer]) <= budget]
    out[chosen, 0], out[chosen, offer] = 0.0, 1.0
    return out


def at_random(cost: Matrix, permitted: Permitted, budget: float) -> Matrix:
    """Every permitted offer with one probability, such that the budget is spent."""
    spent = float((cost * permitted)[:, 1:].sum())
    n_offers = cost.shape[1] - 1
    each = min(1.0 / n_offers, budget / spent) if spent > 0 else 1.0 / n_offers
    out: Matrix = each * permitted.astype(np.float64)
    out[:, 0] = 1.0 - out[:, 1:].sum(1)
    return out
