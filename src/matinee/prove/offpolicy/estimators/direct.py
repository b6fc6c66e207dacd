"""The direct method: believe the model of the reward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class Direct:
    """Mean reward that the model predicts for the policy's actions.

    Choose it to see what the model says. Not for a verdict: it is as wrong as the model, and its interval
    covers the units, not the model's error.

    References
    ----------
    Dudik, Langford, Li (2011), Doubly robust policy evaluation and learning, arXiv:1103.4601, section 2.1.
    """

    name: str = "dm"
    caution: str = "its interval leaves out the error of the model"

    def lacks(self, problem: Problem, /) -> str:
        """Two units: one to learn from, one to predict."""
        return "" if len(problem.units.counts) > 1 else "it needs two units"

    def terms(self, problem: Problem) -> Terms:
        """Prediction for the policy, over 1."""
        return Terms(problem.predicted.target, np.ones(len(problem.log)))
