"""Epsilon-greedy policy: the best permitted action, and a small share spread evenly over all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.decide.policy import Policy, Probabilities
from matinee.errors import ConfigError, InputError
from matinee.types import Mask, Scores


@dataclass(frozen=True, slots=True)
class EpsilonGreedyConfig:
    """Settings of the epsilon-greedy policy.

    Attributes
    ----------
    epsilon : float, 0 to 1
        Share of probability that is spread evenly over the permitted actions, the best one included.
    """

    epsilon: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise ConfigError(f"EpsilonGreedyPolicy: epsilon is {self.epsilon}, expected 0 to 1.")


class EpsilonGreedyPolicy(Policy):
    """p(a) = (1 - epsilon) [a is best] + epsilon / n over the n permitted actions; ties to the lowest place.

    For few actions whose scores are in units that mean something, such as money. Where near-ties should be
    explored more than bad actions, take a softmax.

    References
    ----------
    Sutton, Barto (2018), Reinforcement Learning, section 2.2.

    Examples
    --------
    >>> policy = EpsilonGreedyPolicy(EpsilonGreedyConfig(epsilon=0.5))
    >>> policy.probabilities(np.float32([1, 3, 9]), np.array([True, True, False])).tolist()
    [0.25, 0.75, 0.0]
    """

    def __init__(self, config: EpsilonGreedyConfig | None = None) -> None:
        self.config = config or EpsilonGreedyConfig()

    def probabilities(self, scores: Scores, permitted: Mask) -> Probabilities:
        """Closed form; exact."""
        allowed = np.flatnonzero(permitted)
        if not len(allowed):
            raise InputError(
                f"EpsilonGreedyPolicy: 0 of {len(permitted)} actions are permitted, expected at least 1."
            )
        out = np.zeros(len(scores), np.float64)
        if len(allowed) == 1:
            out[allowed] = 1.0
            return out
        out[allowed] = self.config.epsilon / len(allowed)
        out[allowed[int(np.argmax(scores[allowed]))]] += 1.0 - self.config.epsilon
        return out
