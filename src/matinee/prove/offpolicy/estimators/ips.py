"""Inverse propensity scoring: rewards weighted by how much more often the new policy would have acted so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class InversePropensity:
    """Mean of weight times reward: unbiased where the propensities are right and nothing is out of reach.

    Choose it as the plain reference. Adding a constant to all rewards changes its variance; `snips` does not
    have that weakness.

    References
    ----------
    Horvitz, Thompson (1952), doi:10.1080/01621459.1952.10483446; for logged decisions Strehl et al. (2010),
    arXiv:1003.0120.
    """

    name: str = "ips"
    caution: str = ""

    def lacks(self, _problem: Problem, /) -> str:
        """Nothing: it needs no more than a log has."""
        return ""

    def terms(self, problem: Problem) -> Terms:
        """Weight times reward, over 1."""
        return Terms(problem.weight * problem.log.reward, np.ones(len(problem.log)))
