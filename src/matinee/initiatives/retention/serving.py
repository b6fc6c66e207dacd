"""Retention as the platform asks for it: one account in, an offer (or none) with its propensity out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from matinee.decide.policies.epsilon_greedy import EpsilonGreedyConfig, EpsilonGreedyPolicy
from matinee.initiatives.retention.churn import active_accounts
from matinee.initiatives.retention.config import NAME, NONE, RetentionConfig
from matinee.initiatives.retention.features import accounts, standing
from matinee.initiatives.retention.model import RetentionModel
from matinee.initiatives.retention.policy import Terms, holdout, in_holdout, permitted_actions, settle
from matinee.initiatives.retention.value import Matrix, Worth
from matinee.observe.decisions import Slot
from matinee.platform.deciding import NO_ACTION, Decided, Request, Surroundings
from matinee.types import DAY_US, Mask, Scores, derive_seed

FALLBACK = "retention/no-offer"
POLICY = "retention/budget-1"
IN_HOLDOUT, RESTING, SPENT, NOT_ACTIVE = "holdout", "offered_lately", "budget_spent", "no_active_account"


@dataclass(frozen=True, slots=True)
class AccountView:
    """What is thought of one account; for people who ask why.

    Attributes
    ----------
    p_leave : float
        Probability of leaving within the next period, 0 to 1.
    uplift : dict of str to float
        What each offer adds to the probability of staying; below 0 where it does harm.
    value_minor : dict of str to float
        Expected gain of each offer after its cost, minor units.
    """

    account_id: str
    p_leave: float
    uplift: dict[str, float]
    value_minor: dict[str, float]


@dataclass(slots=True)
class RetentionDecider:
    """Offers what is worth most, within the budget and the limits of contact.

    Everything about the accounts that are active is computed once, when it is opened; a decision looks it up
    and draws. Open it again to see what has happened since.
    """

    config: RetentionConfig
    row: dict[str, int]
    p_leave: Matrix
    uplift: Matrix
    money: Worth
    terms: Terms
    offered_us: dict[str, int]
    spent: bool
    policy: str = POLICY
    chooser: EpsilonGreedyPolicy = field(init=False)

    def __post_init__(self) -> None:
        self.chooser = EpsilonGreedyPolicy(EpsilonGreedyConfig(self.terms.explore))

    @staticmethod
    def open(folder: Path, around: Surroundings) -> RetentionDecider:
        """Load a model and look at the accounts of the home as they are at a moment.

        Raises
        ------
        ConfigError
            The offers are not those that it was trained for.
        """
        config: RetentionConfig = around.config
        model = RetentionModel.load(folder)
        model.check(config)
        with accounts(around.home, around.at_us, config) as con:
            ids = active_accounts(con, around.at_us)
            x = standing(con, config, ids, np.full(len(ids), around.at_us, np.int64))
            offered_us = _last_offers(con)
            spent = _spent(con, around.at_us, config) >= config.budget_minor * len(ids)
        money = model.worth(x, config)
        resting = np.array([_rests(offered_us.get(str(one)), around.at_us, config) for one in ids], np.bool_)
        blocked = holdout(ids, config) | resting
        terms = settle(money, permitted_actions(blocked, len(config.actions)), config)
        row = {str(one): i for i, one in enumerate(ids)}
        return RetentionDecider(
            config, row, model.p_leave(x), model.uplift.effect(x), money, terms, offered_us, spent
        )

    def decide(self, request: Request) -> Decided:
        """An offer or none for one account; `reason` of the slot says what stood in the way of an offer."""
        why, names = self._blocked(request), self.config.actions
        net, permitted = self._weighed(request, why)
        if not permitted.any():
            return Decided((), (), why or NO_ACTION)
        row = self.row.get(request.unit_id)
        p = self.chooser.probabilities(net, permitted)
        rng = np.random.default_rng(derive_seed(request.seed, request.unit_id, request.at_us))
        choice = self.chooser.choose(net, permitted, rng)
        could = tuple(name for name, chance in zip(names, p, strict=True) if chance > 0)
        slot = Slot(
            names[choice.action],
            choice.propensity,
            reason=why,
            n_permitted=len(could),
            explored=choice.action != int(np.argmax(p)),
        )
        return Decided((slot,), could, context={} if row is None else self._context(row, choice.action))

    def probabilities(self, request: Request) -> dict[str, float]:
        """Probability of nothing and of each offer for one account; closed form."""
        net, permitted = self._weighed(request, self._blocked(request))
        if not permitted.any():
            return {}
        p = self.chooser.probabilities(net, permitted)
        return {name: float(one) for name, one in zip(self.config.actions, p, strict=True) if one > 0}

    def _weighed(self, request: Request, why: str | None) -> tuple[Scores, Mask]:
        """What each action is worth to this account after its price, and which are permitted."""
        names = self.config.actions
        permitted = np.zeros(len(names), np.bool_)
        permitted[0] = True
        if why is None:
            permitted[1:] = True
        if request.actions is not None:
            permitted &= np.array([name in request.actions for name in names])
        row = self.row.get(request.unit_id)
        net = np.zeros(len(names), np.float32)
        if row is not None:
            net = (self.money.value[row] - self.terms.price * self.money.cost[row]).astype(np.float32)
        return net, permitted

    def _context(self, row: int, action: int) -> dict[str, str | int | float | bool | None]:
        """What the choice rested on, for the log; `prediction` is the probability that the account stays."""
        p_leave = float(self.p_leave[row])
        stays = min(1.0, max(0.0, 1.0 - p_leave + float(self.uplift[row, action])))
        return {"p_leave": p_leave, "prediction": stays}

    def account(self, account_id: str) -> AccountView | None:
        """What is thought of an account; None where it is not active."""
        row = self.row.get(account_id)
        if row is None:
            return None
        offers = self.config.actions[1:]
        return AccountView(
            account_id,
            float(self.p_leave[row]),
            dict(zip(offers, self.uplift[row, 1:].tolist(), strict=True)),
            dict(zip(offers, self.money.value[row, 1:].tolist(), strict=True)),
        )

    def _blocked(self, request: Request) -> str | None:
        """Why an account may get nothing now, or None."""
        if request.unit_id not in self.row:
            return NOT_ACTIVE
        if in_holdout(request.unit_id, self.config):
            return IN_HOLDOUT
        if _rests(self.offered_us.get(request.unit_id), request.at_us, self.config):
            return RESTING
        return SPENT if self.spent else None


@dataclass(frozen=True, slots=True)
class NoOffer:
    """Offers nothing: what answers when there is no model. It reads nothing."""

    policy: str = FALLBACK

    @staticmethod
    def open(_around: Surroundings) -> NoOffer:
        """Nothing to open."""
        return NoOffer()

    def decide(self, request: Request) -> Decided:
        """No offer, for certain."""
        if request.actions is not None and NONE not in request.actions:
            return Decided((), (), NO_ACTION)
        return Decided((Slot(NONE, 1.0, n_permitted=1),), (NONE,))


def _rests(offered_us: int | None, at_us: int, config: RetentionConfig) -> bool:
    return offered_us is not None and at_us - offered_us < config.rest_days * DAY_US


def _last_offers(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """When each account was last offered something, under any of our logs."""
    found = con.execute(
        "SELECT account_id, max(at_us) FROM account_offers WHERE action <> ? GROUP BY account_id", [NONE]
    )
    return {str(account): int(at_us) for account, at_us in found.fetchall()}


def _spent(con: duckdb.DuckDBPyConnection, at_us: int, config: RetentionConfig) -> float:
    """What our own offers of the last period cost at most, minor units: as if every account stayed."""
    found = con.execute(
        "SELECT action, count(*), sum(coalesce(price_minor, $1)) FROM account_offers "
        "WHERE initiative = $2 AND at_us > $3 GROUP BY action",
        [config.price_minor, NAME, at_us - config.period_days * DAY_US],
    ).fetchall()
    total = 0.0
    for action, n, paid in found:
        if action in config.offers:
            offer = config.offer(action)
            total += n * offer.cost_minor + float(paid) * offer.price_share
    return total
