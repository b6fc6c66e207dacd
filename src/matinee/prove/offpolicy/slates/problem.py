"""A log of several slots per decision and the policy that is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.prove.offpolicy.by_unit import ByUnit
from matinee.prove.offpolicy.distributions import Distributions, Floats
from matinee.prove.offpolicy.slates.log import SlateLog


@dataclass(frozen=True)
class SlateProblem:
    """What would a policy have been worth where `log` was written?

    Attributes
    ----------
    log : SlateLog
    p : ndarray of float64, shape (n_slots,)
        Probability of each logged action under the policy, given the logged slots before it.
    target : Distributions or None
        Probability of every action for each slot, given the logged slots before it, where it is known.
    seed : int
        Of the folds.

    Raises
    ------
    InputError
        A probability is none, or the policy has other slots than the log.
    """

    log: SlateLog
    p: Floats
    target: Distributions | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        n = len(self.log.page)
        if len(self.p) != n or (self.target is not None and len(self.target.row) != n):
            raise InputError(f"policy: it fills {len(self.p)} slots, expected {n} as the log does.")
        bad = ~((self.p >= 0) & (self.p <= 1))
        if bad.any():
            raise InputError(f"policy: p is {self.p[bad][0]}, expected a probability from 0 to 1.")

    @cached_property
    def slot_weight(self) -> Floats:
        """New over old probability of each logged slot, shape (n_slots,)."""
        return self.p / self.log.propensity

    @cached_property
    def weight(self) -> Floats:
        """The same, shape (n_pages, n_positions); 1 where a decision has no such slot."""
        return self.log.table(self.slot_weight, empty=1.0)

    @cached_property
    def reward(self) -> Floats:
        """Reward of each slot, shape (n_pages, n_positions); 0 where there is none."""
        return self.log.table(self.log.reward, empty=0.0)

    @cached_property
    def there(self) -> NDArray[np.bool_]:
        """Whether a decision has a slot, shape (n_pages, n_positions)."""
        return self.log.table(np.ones(len(self.log.page)), empty=0.0) > 0

    @cached_property
    def prefix_weight(self) -> Floats:
        """Weight of each slot and all before it, shape (n_pages, n_positions)."""
        return np.asarray(np.cumprod(self.weight, axis=1), np.float64)

    @cached_property
    def before_weight(self) -> Floats:
        """Weight of all slots before each, shape (n_pages, n_positions)."""
        return np.concatenate([np.ones((self.log.n_pages, 1)), self.prefix_weight[:, :-1]], axis=1)

    @cached_property
    def units(self) -> ByUnit:
        """The decisions of each unit."""
        return ByUnit.of(self.log.unit)
