"""Fixed policy: always the permitted action with the highest score."""

from __future__ import annotations

import numpy as np

from matinee.decide.policy import Policy, Probabilities
from matinee.errors import InputError
from matinee.types import Mask, Scores


class FixedPolicy(Policy):
    """Takes the best permitted action; ties go to the lowest position. Propensity is always 1.

    Examples
    --------
    >>> p = FixedPolicy().probabilities(np.float32([1, 3, 2]), np.array([True, False, True]))
    >>> p.tolist()
    [0.0, 0.0, 1.0]
    """

    def probabilities(self, scores: Scores, permitted: Mask) -> Probabilities:
        """One for the best permitted action, zero for all others."""
        if not permitted.any():
            raise InputError(
                f"FixedPolicy: 0 of {len(permitted)} actions are permitted, expected at least 1."
            )
        out = np.zeros(len(scores), np.float64)
        allowed = np.flatnonzero(permitted)
        out[allowed[int(np.argmax(scores[allowed]))]] = 1.0
        return out
