"""What an offer is worth, in money: the revenue it is expected to keep, less what it is expected to cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.retention.config import RetentionConfig

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """Expected money of each action for each account, minor units, compared with offering nothing.

    Attributes
    ----------
    value : ndarray of float64, shape (n, n_actions)
        Gain over offering nothing, after cost; below 0 where an offer does harm. The first column is 0.
    cost : ndarray of float64, shape (n, n_actions)
        Expected cost. The first column is 0.
    """

    value: Matrix
    cost: Matrix


def worth(config: RetentionConfig, stay_alone: Matrix, uplift: Matrix, price_minor: Matrix) -> Worth:
    """Value and cost of each action.

    Parameters
    ----------
    stay_alone : ndarray of float64, shape (n,)
        Probability of staying without an offer.
    uplift : ndarray of float64, shape (n, n_actions)
        What each action adds to it; the first column is 0.
    price_minor : ndarray of float64, shape (n,)

    Examples
    --------
    >>> config = RetentionConfig(value_periods=6)
    >>> money = worth(config, np.array([0.8]), np.array([[0.0, 0.1, 0.0, -0.1]]), np.array([1000.0]))
    >>> money.value.round().tolist(), money.cost.round().tolist()
    ([[0.0, 330.0, -400.0, -605.0]], [[0.0, 270.0, 400.0, 5.0]])
    """
    stays = np.clip(stay_alone[:, None] + uplift, 0.0, 1.0)
    cost = expected_cost(config, stays, price_minor)
    return Worth(kept(config, price_minor)[:, None] * (stays - stays[:, :1]) - cost, cost)


def kept(config: RetentionConfig, price_minor: Matrix) -> Matrix:
    """What an account that stays is counted as, minor units."""
    return config.margin_share * config.value_periods * price_minor


def expected_cost(config: RetentionConfig, stays: Matrix, price_minor: Matrix) -> Matrix:
    """Cost of each action when accounts stay with these probabilities, shape (n, n_actions)."""
    fixed, share = _terms(config)
    return fixed + share * price_minor[:, None] * stays


def realised(
    config: RetentionConfig, action: NDArray[np.int64], stayed: Matrix, price_minor: Matrix
) -> Matrix:
    """What came of decisions whose end is known: what staying is counted as, less the cost; shape (n,)."""
    fixed, share = _terms(config)
    return stayed * (kept(config, price_minor) - share[action] * price_minor) - fixed[action]


def _terms(config: RetentionConfig) -> tuple[Matrix, Matrix]:
    offers = [config.offer(name) for name in config.offers]
    fixed = np.array([0.0, *(offer.cost_minor for offer in offers)])
    return fixed, np.array([0.0, *(offer.price_share for offer in offers)])
