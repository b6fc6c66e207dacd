"""A candidate beside the offers that it has not learned from: what the gate `off_policy` judges it by."""

from __future__ import annotations

import numpy as np

from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import accounts
from matinee.initiatives.retention.makers import permitted_later
from matinee.initiatives.retention.model import RetentionModel
from matinee.initiatives.retention.offer_log import read_offer_log
from matinee.initiatives.retention.policy import probabilities, settle
from matinee.initiatives.retention.value import Matrix, realised
from matinee.platform.gates.gate import Candidate
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.log import Log
from matinee.prove.offpolicy.problem import Problem


def beside_the_offers(candidate: Candidate) -> Problem:
    """The offers that were drawn after the candidate had learned, with what it would have done, in money.

    The reward of a decision is what came of it (`value.realised`): no service has to report it. Its bounds
    follow from the prices and the offers, all of which are known before a decision.

    Raises
    ------
    EmptyLogError
        No offer whose end is known was drawn after the candidate had learned.
    InputError
        The log lacks a table, or holds too few offers.
    """
    config: RetentionConfig = candidate.config
    model = RetentionModel.load(candidate.folder)
    model.check(config)
    with accounts(candidate.home, candidate.at_us, config) as con:
        every = read_offer_log(con, config, candidate.at_us)
    later = every.after(candidate.learned_us)
    log = Log(
        action=later.action,
        propensity=later.propensity,
        reward=realised(config, later.action, later.stayed, later.price_minor),
        unit=later.account,
        names=config.actions,
        decision_id=later.decision_id,
        left_out={
            "were certain": int(later.left_out[0]),
            "of other offers": int(later.left_out[1]),
            "whose end is not known yet": int(later.left_out[2]),
            "that it may have learned from": len(every) - len(later),
        },
    )
    money = model.worth(later.x, config, later.price_minor)
    permitted = permitted_later(later, config)
    target = Distributions.of_table(probabilities(money, permitted, settle(money, permitted, config)))
    low, high = reward_bounds(config, later.price_minor)
    return Problem(log, target, reward_low=low, reward_high=high)


def reward_bounds(config: RetentionConfig, price_minor: Matrix) -> tuple[float, float]:
    """Least and most that a decision can bring at these prices, minor units.

    Examples
    --------
    >>> config = RetentionConfig(value_periods=6, offers={"letter": {"cost_minor": 90.0}})
    >>> reward_bounds(config, np.array([500.0, 1000.0]))
    (-90.0, 6000.0)
    """
    n, ends = len(config.actions), np.array([price_minor.min(), price_minor.max()])
    action = np.repeat(np.arange(n), 4)
    came = realised(config, action, np.tile([0.0, 0.0, 1.0, 1.0], n), np.tile(ends, 2 * n))
    return float(came.min()), float(came.max())
