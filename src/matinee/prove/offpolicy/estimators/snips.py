"""Self-normalised inverse propensity scoring: a weighted mean of the rewards."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class SelfNormalised:
    """Sum of weight times reward, over the sum of the weights.

    Choose it first: it stays within the rewards that were seen, and small errors of all propensities alike
    cancel. Its bias vanishes with the size of the log.

    References
    ----------
    Swaminathan, Joachims (2015), The self-normalized estimator for counterfactual learning, NeurIPS, eq. 8.
    """

    name: str = "snips"
    caution: str = ""

    def lacks(self, problem: Problem, /) -> str:
        """A weight above 0."""
        return "" if problem.weight.any() else "no logged action could be one of the policy's"

    def terms(self, problem: Problem) -> Terms:
        """Weight times reward, over weight."""
        return Terms(problem.weight * problem.log.reward, problem.weight)
