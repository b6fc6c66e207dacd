"""Inverse-gap weighting: the further an action's score is behind the best, the more rarely it is tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.decide.policy import Policy, Probabilities
from matinee.errors import ConfigError, InputError
from matinee.types import Mask, Scores


@dataclass(frozen=True, slots=True)
class InverseGapConfig:
    """Settings of inverse-gap weighting.

    Attributes
    ----------
    gamma : float, 0 or more
        Per unit of score. 0: uniform. Large: nearly greedy.
    """

    gamma: float = 100.0

    def __post_init__(self) -> None:
        if not (self.gamma >= 0 and np.isfinite(self.gamma)):
            raise ConfigError(f"InverseGapPolicy: gamma is {self.gamma}, expected a number of 0 or more.")


class InverseGapPolicy(Policy):
    """p(a) = 1 / (n + gamma (best score - score of a)) for all but the best, which has the rest.

    With scores that are expected rewards, and a gamma that grows with the data, this is SquareCB: see
    `SquareCBPolicy`.

    References
    ----------
    Abe, Long (1999), Associative reinforcement learning using linear probabilistic concepts, ICML.
    Foster, Rakhlin (2020), Beyond UCB: optimal and efficient contextual bandits with regression oracles,
    ICML, arXiv 2002.04926, algorithm 1 (with mu the number of actions).

    Examples
    --------
    >>> policy = InverseGapPolicy(InverseGapConfig(gamma=4.0))
    >>> policy.probabilities(np.float32([0.5, 0.0, 9]), np.array([True, True, False])).tolist()
    [0.75, 0.25, 0.0]
    """

    def __init__(self, config: InverseGapConfig | None = None) -> None:
        self.config = config or InverseGapConfig()

    def probabilities(self, scores: Scores, permitted: Mask) -> Probabilities:
        """Closed form; exact."""
        allowed = np.flatnonzero(permitted)
        if not len(allowed):
            raise InputError(
                f"InverseGapPolicy: 0 of {len(permitted)} actions are permitted, expected at least 1."
            )
        out = np.zeros(len(scores), np.float64)
        known = np.maximum(scores[allowed].astype(np.float64), np.finfo(np.float32).min)
        best = int(np.argmax(known))
        p = 1.0 / (len(allowed) + self.config.gamma * (known[best] - known))
        p[best] = 0.0
        p[best] = 1.0 - p.sum()
        out[allowed] = p
        return out
