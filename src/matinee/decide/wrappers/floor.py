"""Exploration floor: every action that may be chosen is chosen sometimes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.decide.learning import LearningPolicy
from matinee.decide.policy import Probabilities
from matinee.decide.question import Question
from matinee.decide.wrappers.base import Wrapper
from matinee.errors import ConfigError


class Floor(Wrapper):
    """p(a) = (1 - epsilon) p of the inner policy + epsilon / n over the n eligible actions.

    Put it around a policy that becomes certain, so that its log can judge another one: each importance weight
    is then at most n / epsilon.

    Parameters
    ----------
    policy : LearningPolicy
    epsilon : float, above 0, at most 1
        Share that is spread evenly.

    Raises
    ------
    ConfigError
        `epsilon` is out of range.
    """

    def __init__(self, policy: LearningPolicy, epsilon: float = 0.05) -> None:
        if not 0 < epsilon <= 1:
            raise ConfigError(f"Floor: epsilon is {epsilon}, expected above 0 and at most 1.")
        super().__init__(policy)
        self.epsilon = epsilon

    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """Those of the inner policy, raised."""
        out = []
        for one, p in zip(asked, self.policy.probabilities_many(asked), strict=True):
            may = self.policy.eligible(one)
            n = np.count_nonzero(may)
            out.append(p if n == 1 else (1.0 - self.epsilon) * p + self.epsilon * may / n)
        return out
