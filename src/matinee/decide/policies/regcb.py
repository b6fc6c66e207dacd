"""RegCB: optimism by confidence bounds of a regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from matinee.decide.beliefs.base import Belief
from matinee.decide.policies.learned import BeliefPolicy
from matinee.decide.policy import Probabilities
from matinee.decide.question import Stack
from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RegCBConfig:
    """Settings of RegCB.

    Attributes
    ----------
    width : float, above 0
        Standard deviations from the expectation to each bound.
    choose : "elimination" or "optimistic"
        Evenly among all actions that may still be the best (whose upper bound reaches the highest lower
        bound), or the highest upper bound (evenly among equals).
    """

    width: float = 1.0
    choose: Literal["elimination", "optimistic"] = "optimistic"

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise ConfigError(f"RegCBPolicy: width is {self.width}, expected a number above 0.")
        if self.choose not in ("elimination", "optimistic"):
            raise ConfigError(
                f'RegCBPolicy: choose is "{self.choose}", expected "elimination" or "optimistic".'
            )


class RegCBPolicy(BeliefPolicy):
    """Gives every action the benefit of the doubt, as wide as the regression's own uncertainty.

    "optimistic" has the lower regret and is deterministic between two updates: its log carries no evaluation
    of other policies, unless a `Floor` is put around it. "elimination" draws evenly, and explores longer.

    Parameters
    ----------
    belief : Belief
    config : RegCBConfig, optional

    Notes
    -----
    Departs from the paper: the bounds are those of the belief's posterior instead of the range of all
    functions within a square loss; for linear functions both are ellipsoids of the same shape.

    References
    ----------
    Foster, Agarwal, Dudik, Luo, Schapire (2018), Practical contextual bandits with regression oracles, ICML,
    arXiv 1803.01088, algorithm 1 (both options). Bietti, Agarwal, Langford (2021), A contextual bandit
    bake-off, JMLR 22, arXiv 1802.04064, section 3.3.
    """

    def __init__(self, belief: Belief, config: RegCBConfig | None = None) -> None:
        super().__init__(belief)
        self.config = config or RegCBConfig()

    def answer(self, stack: Stack) -> list[Probabilities]:
        """Evenly over those that optimism leaves."""
        mean, reach = self.belief.mean(stack), self.config.width * self.belief.sd(stack)
        upper = mean + reach
        bar = upper if self.config.choose == "optimistic" else mean - reach
        least = np.repeat(np.maximum.reduceat(bar, stack.start), stack.count)
        return stack.spread((upper >= least).astype(np.float64))
