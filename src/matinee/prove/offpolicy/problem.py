"""A log and the policy that is asked about: what every estimator and every check looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matinee.errors import InputError
from matinee.prove.offpolicy.by_unit import ByUnit
from matinee.prove.offpolicy.distributions import Distributions, Floats, Places
from matinee.prove.offpolicy.log import Log
from matinee.prove.offpolicy.reward_model import Predicted, cross_fitted

BOUNDS = "Give the bounds that hold for every reward there could be."


@dataclass(frozen=True)
class Problem:
    """What would `target` have been worth where `log` was written?

    Attributes
    ----------
    log : Log
    target : Distributions
        Of the policy that is asked about, for each decision of the log; sums to 1.
    cluster : ndarray of int64, shape (n_actions,), or None
        Group of each action, from 0. Actions of one group should bring alike rewards.
    reward_low, reward_high : float or None
        Bounds that hold for every reward that there could be. None: not known.
    seed : int
        Of the folds and of everything drawn.

    Raises
    ------
    InputError
        The policy has other decisions, or probabilities that are no probabilities.
    """

    log: Log
    target: Distributions
    cluster: Places | None = None
    reward_low: float | None = None
    reward_high: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.target.row) != len(self.log):
            raise InputError(
                f"policy: it decides {len(self.target.row)} times, expected {len(self.log)} as the log does."
            )
        p = self.target.p
        if not np.all((p >= 0) & (p <= 1)):
            wrong = p[~((p >= 0) & (p <= 1))][0]
            raise InputError(f"policy: p is {wrong}, expected a probability from 0 to 1.")
        totals = self.target.totals()
        if np.any(np.abs(totals - 1) > 1e-3):
            row = int(np.argmax(np.abs(totals - 1)))
            raise InputError(
                f"policy, decision {row + 1}: its probabilities sum to {totals[row]:.6g}, expected 1. "
                "Give every action that the policy may choose."
            )
        low, high = float(self.log.reward.min()), float(self.log.reward.max())
        if self.reward_low is not None and low < self.reward_low:
            raise InputError(f"log: a reward is {low:g}, expected {self.reward_low:g} or more. {BOUNDS}")
        if self.reward_high is not None and high > self.reward_high:
            raise InputError(f"log: a reward is {high:g}, expected at most {self.reward_high:g}. {BOUNDS}")

    @property
    def n_names(self) -> int:
        """Number of actions that are named anywhere."""
        return len(self.log.names)

    @cached_property
    def weight(self) -> Floats:
        """Probability of the logged action under the new policy, over that under the old; shape (n,)."""
        return self.target.at(self.log.action) / self.log.propensity

    @cached_property
    def cluster_weight(self) -> Floats:
        """The same for the cluster of the logged action. Needs `cluster` and `log.logging`."""
        assert self.cluster is not None
        assert self.log.logging is not None
        n, chosen = int(self.cluster.max()) + 1, self.cluster[self.log.action]
        old = self.log.logging.of_groups(self.cluster, n).at(chosen)
        return self.target.of_groups(self.cluster, n).at(chosen) / old

    @cached_property
    def predicted(self) -> Predicted:
        """Rewards by a model that has not seen the unit it speaks about."""
        return cross_fitted(self.log, self.target, cluster=self.cluster, seed=self.seed)

    @cached_property
    def units(self) -> ByUnit:
        """The decisions of each unit."""
        return ByUnit.of(self.log.unit)
