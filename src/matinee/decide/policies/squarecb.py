"""SquareCB: inverse-gap weighting of expected rewards, bolder the more was learned."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.decide.beliefs.base import Belief
from matinee.decide.policies.inverse_gap import InverseGapConfig, InverseGapPolicy
from matinee.decide.policies.learned import BeliefPolicy, over_scores
from matinee.decide.policy import Probabilities
from matinee.decide.question import Stack
from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SquareCBConfig:
    """Settings of SquareCB.

    Attributes
    ----------
    scale : float, above 0
        gamma = scale * n ** power after n decisions that count. Rewards of a few per cent want more than
        rewards near 1.
    power : float, 0 to 1
    """

    scale: float = 10.0
    power: float = 0.5

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ConfigError(f"SquareCBPolicy: scale is {self.scale}, expected a number above 0.")
        if not 0 <= self.power <= 1:
            raise ConfigError(f"SquareCBPolicy: power is {self.power}, expected 0 to 1.")


class SquareCBPolicy(BeliefPolicy):
    """Tries each action in inverse proportion to how far its expected reward is behind the best.

    Every permitted action always has a chance, in closed form: logs that carry off-policy evaluation. It
    needs expectations only, no uncertainty, so it is the safe choice where the model is not to be trusted
    with its own error. Where the belief forgets, gamma stays bounded, and so exploration never ends.

    Parameters
    ----------
    belief : Belief
    config : SquareCBConfig, optional

    References
    ----------
    Foster, Rakhlin (2020), ICML, arXiv 2002.04926, algorithm 1 and theorem 1 (gamma of the order of the
    square root of the number of decisions).
    """

    def __init__(self, belief: Belief, config: SquareCBConfig | None = None) -> None:
        super().__init__(belief)
        self.config = config or SquareCBConfig()

    @property
    def gamma(self) -> float:
        """Weight of a gap now."""
        return float(self.config.scale * max(self.belief.n_counting, 0.0) ** self.config.power)

    def answer(self, stack: Stack) -> list[Probabilities]:
        """Inverse-gap weighting with the gamma of now."""
        return over_scores(InverseGapPolicy(InverseGapConfig(self.gamma)), self.belief.mean(stack), stack)
