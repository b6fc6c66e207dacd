"""Inverse propensity scoring with a largest weight: less variance, and a bias unseen by its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.errors import ConfigError
from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class ClippedInversePropensity:
    """Weights above a bound count as the bound.

    Choose it to see how much a few decisions carry. Not for a verdict: with rewards of 0 or more it is too
    low on average, and its interval does not say by how much.

    Attributes
    ----------
    most : float, > 0, default 10
        Largest weight.

    Raises
    ------
    ConfigError
        `most` is not above 0.

    References
    ----------
    Ionides (2008), Truncated importance sampling, doi:10.1198/106186008X320456.
    """

    most: float = 10.0
    name: str = "clipped"
    caution: str = "too low by an unknown amount where weights are clipped"

    def __post_init__(self) -> None:
        if not self.most > 0:
            raise ConfigError(f"clipped: most is {self.most}, expected above 0. Give 10.")

    def lacks(self, _problem: Problem, /) -> str:
        """Nothing: it needs no more than a log has."""
        return ""

    def terms(self, problem: Problem) -> Terms:
        """Clipped weight times reward, over 1."""
        return Terms(np.minimum(problem.weight, self.most) * problem.log.reward, np.ones(len(problem.log)))
