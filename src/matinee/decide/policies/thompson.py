"""Thompson sampling: each action as often as it is believed to be the best."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.decide.beliefs.base import Belief
from matinee.decide.policies.learned import BeliefPolicy
from matinee.decide.policy import Probabilities
from matinee.decide.question import Stack
from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ThompsonConfig:
    """Settings of Thompson sampling.

    Attributes
    ----------
    floor : float, 0 to 1
        Share of probability that is spread evenly over the permitted actions, so that the log can judge any
        other policy.
    """

    floor: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"ThompsonPolicy: floor is {self.floor}, expected 0 to 1.")


class ThompsonPolicy(BeliefPolicy):
    """p(a) = (1 - floor) P(a is the best | what was learned) + floor / n over the n permitted actions.

    The belief says what is learned: `BetaBelief` (a rate for each action), `ArmsBelief` (linear Gaussian) or
    `PooledBelief` (hierarchical, for many and for new actions).

    Notes
    -----
    The usual way draws a belief and takes its best action, and then does not know with which probability it
    did so. Here that probability is computed first and drawn from: by quadrature where the worths are
    independent (Beta; linear Gaussian), as the share of a fixed set of draws where they are not (pooled). The
    logged propensity is exact in each case, for it is what was drawn from; what the quadrature or the set
    of draws approximates is only the ideal Thompson policy.

    References
    ----------
    Thompson (1933), Biometrika 25. Chapelle, Li (2011), An empirical evaluation of Thompson sampling,
    NeurIPS 24.
    """

    def __init__(self, belief: Belief, config: ThompsonConfig | None = None) -> None:
        super().__init__(belief)
        self.config = config or ThompsonConfig()

    def answer(self, stack: Stack) -> list[Probabilities]:
        """P(best) of the belief, and the floor."""
        return stack.spread(self.belief.p_best(stack), self.config.floor)
