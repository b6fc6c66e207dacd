"""Marginalised inverse propensity scoring: weights by the cluster of an action instead of the action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.problem import Problem

NEEDS_CLUSTERS = "it needs a cluster for each action (--clusters)"
NEEDS_ALL = "it needs the probability of every action in the log (p_all, by action)"


@dataclass(frozen=True, slots=True)
class MarginalisedInversePropensity:
    """Mean of cluster weight times reward.

    Choose it with many actions that fall into clusters of alike rewards: cluster weights are far smaller. Not
    where actions of a cluster differ and the new policy prefers some of them: then it is biased, and `offcem`
    corrects what its model knows of that.

    References
    ----------
    Saito, Joachims (2022), Off-policy evaluation for large action spaces via embeddings, arXiv:2202.06317,
    with the cluster as the embedding.
    """

    name: str = "mips"
    caution: str = "assumes that actions of a cluster bring the same"

    def lacks(self, problem: Problem, /) -> str:
        """Clusters, and the logging policy's probability of each action."""
        return lacking(problem)

    def terms(self, problem: Problem) -> Terms:
        """Cluster weight times reward, over 1."""
        return Terms(problem.cluster_weight * problem.log.reward, np.ones(len(problem.log)))


def lacking(problem: Problem) -> str:
    """Why cluster weights cannot be computed; "" if they can."""
    if problem.cluster is None:
        return NEEDS_CLUSTERS
    return "" if problem.log.logging is not None else NEEDS_ALL
