"""Uniform policy: every permitted action with the same probability."""

from __future__ import annotations

import numpy as np

from matinee.decide.policy import Policy, Probabilities
from matinee.errors import InputError
from matinee.types import Mask, Scores


class UniformPolicy(Policy):
    """p(a) = 1 / n over the n permitted actions, whatever their scores: logs from which all can be learned.

    Examples
    --------
    >>> UniformPolicy().probabilities(np.float32([9, 1, 1]), np.array([True, False, True])).tolist()
    [0.5, 0.0, 0.5]
    """

    def probabilities(self, scores: Scores, permitted: Mask) -> Probabilities:
        """Closed form; exact."""
        n = int(permitted.sum())
        if n == 0:
            raise InputError(f"UniformPolicy: 0 of {len(scores)} actions are permitted, expected at least 1.")
        return np.asarray(permitted / n, np.float64)
