"""OffCEM: cluster weights for what clusters bring, a model for how actions of a cluster differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.estimators.mips import lacking
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class ConjunctEffect:
    """Prediction for the policy plus cluster weight times the error of the prediction for the logged action.

    Choose it with hundreds of actions in clusters. It is unbiased where the model knows the differences
    inside a cluster, however wrong it is about the clusters; look whether it agrees with `dr`, which needs no
    such thing.

    Notes
    -----
    Departs from the paper: differences inside a cluster are means of the actions drawn towards their
    cluster's, not a regression on pairs.

    References
    ----------
    Saito, Ren, Joachims (2023), Off-policy evaluation for large action spaces via conjunct effect modeling,
    arXiv:2305.08062, eq. 4.
    """

    name: str = "offcem"
    caution: str = "assumes that the model knows how actions of a cluster differ"

    def lacks(self, problem: Problem, /) -> str:
        """Clusters, the logging policy's probability of each action, and two units."""
        return lacking(problem) or ("" if len(problem.units.counts) > 1 else "it needs two units")

    def terms(self, problem: Problem) -> Terms:
        """Prediction plus error weighted by cluster, over 1."""
        model, reward = problem.predicted, problem.log.reward
        return Terms(
            model.target + problem.cluster_weight * (reward - model.chosen), np.ones(len(problem.log))
        )
