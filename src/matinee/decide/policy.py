"""The contract of a policy: given scores and what is permitted, choose, and say with which probability."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.types import Mask, Scores

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """An action and its propensity.

    Attributes
    ----------
    action : int
        Position in the action set.
    propensity : float, above 0 and at most 1
        Probability with which the policy chose this action, given all it knew and the mask.
    sticky_of : str or None
        The first decision, where an earlier choice is served again: such a record is no off-policy data.
    held_out : bool
        The unit stands in a holdout: the baseline chose.
    """

    action: int
    propensity: float
    sticky_of: str | None = None
    held_out: bool = False


class Policy(ABC):
    """Chooses one of the permitted actions from their scores.

    `probabilities` is the whole truth about a policy: `choose` draws from it, so the propensity that is
    logged is exact by construction.
    """

    @abstractmethod
    def probabilities(self, scores: Scores, permitted: Mask) -> Probabilities:
        """Probability of each action, shape (n_actions,); 0 where not permitted, sums to 1.

        Raises
        ------
        InputError
            No action is permitted.
        """

    def choose(self, scores: Scores, permitted: Mask, rng: np.random.Generator) -> Choice:
        """Draw one action. A deterministic policy does not use `rng`."""
        return drawn(self.probabilities(scores, permitted), rng)


def drawn(p: Probabilities, rng: np.random.Generator) -> Choice:
    """Draw an action from its probabilities, which are what is logged; a certain one uses no randomness.

    Examples
    --------
    >>> drawn(np.array([0.0, 1.0]), np.random.default_rng(0)).action
    1
    """
    best = int(np.argmax(p))
    if p[best] == 1.0:
        return Choice(best, 1.0)
    action = int(np.searchsorted(np.cumsum(p), rng.random() * p.sum(), side="right"))
    action = min(action, len(p) - 1)
    while p[action] <= 0.0:  # rounding at the edge of a cell of width 0
        action -= 1
    return Choice(action, float(p[action]))
