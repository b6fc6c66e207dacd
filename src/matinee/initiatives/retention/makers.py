"""The policies that are compared: ours, and those that it must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.retention.config import NAME, RetentionConfig
from matinee.initiatives.retention.features import COLUMNS
from matinee.initiatives.retention.model import RetentionModel
from matinee.initiatives.retention.offer_log import OfferLog
from matinee.initiatives.retention.policy import (
    Terms,
    at_random,
    holdout,
    permitted_actions,
    probabilities,
    settle,
    to_the_first,
)
from matinee.initiatives.retention.value import Worth, expected_cost, kept, realised
from matinee.learn.models.dr_learner import doubly_robust

Matrix = NDArray[np.float64]
OURS = NAME
BASELINE = "offer to the likeliest leavers"
RANDOM = "offers at random"
NOTHING = "no offers"


@dataclass(frozen=True, slots=True)
class Makers:
    """What each policy would do in some decisions, all under one budget, one holdout and one contact limit.

    Attributes
    ----------
    p : dict of name to ndarray of float64, shape (n, n_actions)
        Probability of each action.
    scores : dict of name to ndarray of float64, shape (n, n_actions)
        By what each orders accounts for an offer.
    money : Worth
        As our model sees it.
    terms : Terms
        Of ours.
    baseline_offer : int
        Position of the offer that the baseline makes: the best one for it on the past log.
    """

    p: dict[str, Matrix]
    scores: dict[str, Matrix]
    money: Worth
    terms: Terms
    baseline_offer: int

    @staticmethod
    def of(model: RetentionModel, config: RetentionConfig, past: OfferLog, later: OfferLog) -> Makers:
        """Decide about the later decisions; the past log chooses the baseline's offer."""
        money = model.worth(later.x, config, later.price_minor)
        permitted = permitted_later(later, config)
        terms = settle(money, permitted, config)
        budget = config.budget_minor * len(later)
        p_leave = model.p_leave(later.x)
        offer = best_for_leavers(model, config, past)
        p = {
            OURS: probabilities(money, permitted, terms),
            BASELINE: to_the_first(p_leave, offer, money.cost, permitted, budget),
            RANDOM: at_random(money.cost, permitted, budget),
            NOTHING: to_the_first(p_leave, offer, money.cost, permitted, 0.0),
        }
        everyone = np.repeat(p_leave[:, None], len(config.actions), axis=1)
        scores = {OURS: model.uplift.effect(later.x), BASELINE: everyone, RANDOM: np.zeros(everyone.shape)}
        return Makers(p, scores, money, terms, offer)


def permitted_later(later: OfferLog, config: RetentionConfig) -> NDArray[np.bool_]:
    """What each account could have got at its decision, by holdout and contact limit."""
    since = later.x[:, COLUMNS.index("since_offer_s")]  # days; NaN: never
    resting = np.nan_to_num(since, nan=np.inf) < config.rest_days
    return permitted_actions(holdout(later.account_id, config) | resting, len(config.actions))


def best_for_leavers(model: RetentionModel, config: RetentionConfig, past: OfferLog) -> int:
    """The offer that brings most when the likeliest leavers get it, by the past log: a fair opponent."""
    stays = model.uplift.expected(past.x)
    cost = expected_cost(config, stays, past.price_minor)
    guess = kept(config, past.price_minor)[:, None] * stays - cost
    came = realised(config, past.action, past.stayed, past.price_minor)
    net = doubly_robust(guess, past.action, came, past.propensity)
    everybody = np.ones(net.shape, np.bool_)
    p_leave = model.p_leave(past.x)
    budget = config.budget_minor * len(past)
    gains = [
        (to_the_first(p_leave, offer, cost, everybody, budget) * net).sum()
        for offer in range(1, net.shape[1])
    ]
    return 1 + int(np.argmax(gains))
