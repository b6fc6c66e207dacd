"""Cascade doubly robust: a model of the rewards, corrected slot by slot by what it got wrong."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.slates.estimators.estimator import Reach
from matinee.prove.offpolicy.slates.estimators.reward_interaction_ips import CASCADE
from matinee.prove.offpolicy.slates.problem import SlateProblem
from matinee.prove.offpolicy.slates.reward_model import cross_fitted


@dataclass(frozen=True, slots=True)
class CascadeDoublyRobust:
    """Takes for granted what `rips` does, with less variance as far as the model explains the rewards.

    Needs the policy's probability of every action in each slot. It is right whatever the model says, since
    the model has not seen the unit it speaks about.

    References
    ----------
    Kiyohara, Saito, Matsuhiro, Narita, Shimizu, Yamamoto (2022), Doubly robust off-policy evaluation for
    ranking policies under the cascade behavior model, arXiv:2202.01562, equation 9. Departs from it: the
    model is additive in position and action (`reward_model`), not recursive.
    """

    name: str = "cascade_dr"
    reach: Reach = "prefix"
    caution: str = CASCADE

    def lacks(self, problem: SlateProblem, /) -> str:
        """Probabilities of all actions."""
        if problem.target is None:
            return "it needs the probability of every action in each slot, and the policy tells those logged"
        return ""

    def terms(self, problem: SlateProblem) -> Floats:
        """For each slot: what the model expects of the policy, and its error on the logged action."""
        model = cross_fitted(problem)
        wrong = problem.prefix_weight * (problem.reward - model.chosen)
        found: Floats = ((wrong + problem.before_weight * model.expected) * problem.there).sum(axis=1)
        return found
