"""Belief about a success rate of each action, without context: Beta distributions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.beliefs.base import Belief, check_fixed
from matinee.decide.beliefs.memory import MemoryConfig, Sums
from matinee.decide.best_arm import best_of_table, beta_table
from matinee.decide.question import Floats, Space, Stack
from matinee.errors import ConfigError, InputError


@dataclass(frozen=True, slots=True)
class BetaBeliefConfig:
    """Settings of the Beta belief.

    Attributes
    ----------
    successes, failures : float, above 0
        What each action starts with: 1 and 1 know nothing; 1 and 19 expect 5 %.
    """

    successes: float = 1.0
    failures: float = 1.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise ConfigError(f"BetaBelief: {name} is {value}, expected a number above 0.")


class BetaBelief(Belief):
    """Each action has a success rate of its own; what is known about the unit does not matter.

    For few actions (to about 50) and rewards from 0 to 1; a reward between them counts as that much of a
    success. With context take `ArmsBelief`, with many actions or new ones `PooledBelief`.

    Parameters
    ----------
    space : Space
        Actions are given, and there are no features. A context may be there; it is not looked at.
    config : BetaBeliefConfig, optional
    memory : MemoryConfig, optional

    Attributes
    ----------
    a_, b_ : ndarray of float64, shape (n_actions,)
        Parameters of each action's Beta distribution.

    Raises
    ------
    ConfigError
        The space has no fixed actions, or has features.

    Notes
    -----
    The quadrature's distribution functions are computed once after each update; an answer costs
    O(600 * n_actions).

    References
    ----------
    Thompson (1933), On the likelihood that one unknown probability exceeds another, Biometrika 25.
    Agrawal, Goyal (2013), Further optimal regret bounds for Thompson sampling, AISTATS, arXiv 1209.3353.
    """

    kind: ClassVar[str] = "beta"

    def __init__(
        self, space: Space, config: BetaBeliefConfig | None = None, memory: MemoryConfig | None = None
    ) -> None:
        check_fixed(BetaBelief, space)
        self.config = config or BetaBeliefConfig()
        super().__init__(space, memory)

    def settings(self) -> dict[str, Any]:
        """The prior."""
        return {"config": self.config}

    def check_rewards(self, batch: Batch) -> None:
        """Rewards are from 0 to 1."""
        wrong = np.flatnonzero((batch.reward < 0) | (batch.reward > 1))
        if len(wrong):
            raise InputError(
                f"Batch, row {wrong[0] + 1}: reward is {batch.reward[wrong[0]]}, expected 0 to 1 for a Beta "
                "belief. Scale it, or take ArmsBelief."
            )

    def sums(self, batch: Batch, weight: Floats, place: dict[str, int]) -> Sums:
        """Successes and failures of each action."""
        at = [place[name] for name in batch.names]
        n = len(place)
        return {
            "successes": np.bincount(at, weight * batch.reward, n).astype(np.float64),
            "failures": np.bincount(at, weight * (1.0 - batch.reward), n).astype(np.float64),
        }

    def solve(self, sums: Sums, n_seen: int) -> None:  # noqa: ARG002 - nothing is drawn
        """Prior and counts."""
        none = np.zeros(len(self.names_))
        self.a_ = self.config.successes + sums.get("successes", none)
        self.b_ = self.config.failures + sums.get("failures", none)
        self._table = beta_table(self.a_, self.b_)

    @property
    def n_counting(self) -> float:
        """Decisions that count now."""
        n = len(self.a_)
        return float(self.a_.sum() + self.b_.sum() - n * (self.config.successes + self.config.failures))

    def mean(self, stack: Stack) -> Floats:
        """Mean of the Beta distribution."""
        found: Floats = (self.a_ / (self.a_ + self.b_))[self.places(stack)]
        return found

    def sd(self, stack: Stack) -> Floats:
        """Standard deviation of the Beta distribution."""
        n = self.a_ + self.b_
        found: Floats = (np.sqrt(self.a_ * self.b_ / (n + 1.0)) / n)[self.places(stack)]
        return found

    def p_best(self, stack: Stack) -> Floats:
        """By quadrature, to within 1e-3."""
        at = self.places(stack)
        return np.concatenate([best_of_table(self._table[:, at[part]]) for part in stack.parts()])
