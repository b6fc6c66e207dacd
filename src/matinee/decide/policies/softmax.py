"""Softmax policy with a floor: better actions more often, every permitted action sometimes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.decide.policy import Policy, Probabilities
from matinee.errors import ConfigError, InputError
from matinee.types import Mask, Scores


@dataclass(frozen=True, slots=True)
class SoftmaxConfig:
    """Settings of the softmax policy.

    Attributes
    ----------
    temperature : float, above 0
        In units of the score. Small: nearly greedy. Large: nearly uniform.
    floor : float, 0 to 1
        Share of probability that is spread evenly over the permitted actions.
    """

    temperature: float = 1.0
    floor: float = 0.05

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"SoftmaxPolicy: temperature is {self.temperature}, expected a number above 0.")
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"SoftmaxPolicy: floor is {self.floor}, expected 0 to 1.")


class SoftmaxPolicy(Policy):
    """p(a) = (1 - floor) softmax(score / temperature) + floor / n over the n permitted actions.

    References
    ----------
    Sutton, Barto (2018), Reinforcement Learning, section 2.8 (gradient bandits' softmax).

    Examples
    --------
    >>> policy = SoftmaxPolicy(SoftmaxConfig(temperature=1.0, floor=0.5))
    >>> policy.probabilities(np.float32([0, 0, 9]), np.array([True, True, False])).tolist()
    [0.5, 0.5, 0.0]
    """

    def __init__(self, config: SoftmaxConfig | None = None) -> None:
        self.config = config or SoftmaxConfig()

    def probabilities(self, scores: Scores, permitted: Mask) -> Probabilities:
        """Closed form; exact up to rounding, normalised to sum 1."""
        n = int(permitted.sum())
        if n == 0:
            raise InputError(
                f"SoftmaxPolicy: 0 of {len(permitted)} actions are permitted, expected at least 1."
            )
        z = np.where(permitted, scores.astype(np.float64) / self.config.temperature, -np.inf)
        if np.isneginf(z[permitted]).all():
            z = np.where(permitted, 0.0, -np.inf)  # nothing tells them apart
        e = np.exp(z - z[permitted].max())
        p = (1 - self.config.floor) * e / e.sum() + self.config.floor * permitted / n
        return np.asarray(p / p.sum(), np.float64)
