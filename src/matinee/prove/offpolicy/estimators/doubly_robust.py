"""Doubly robust: the model of the reward, corrected by what it got wrong in the log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class DoublyRobust:
    """Prediction for the policy plus weight times the error of the prediction for the logged action.

    Choose it as the default beside `snips`: right if the propensities are right, whatever the model, and the
    better the model, the narrower. The model is fitted on other units (cross-fitting), so it cannot flatter.

    References
    ----------
    Dudik, Erhan, Langford, Li (2014), Doubly robust policy evaluation and optimization, arXiv:1503.02834.
    """

    name: str = "dr"
    caution: str = ""

    def lacks(self, problem: Problem, /) -> str:
        """Two units: one to learn from, one to predict."""
        return "" if len(problem.units.counts) > 1 else "it needs two units"

    def terms(self, problem: Problem) -> Terms:
        """Prediction plus weighted error, over 1."""
        model, reward = problem.predicted, problem.log.reward
        return Terms(model.target + problem.weight * (reward - model.chosen), np.ones(len(problem.log)))
