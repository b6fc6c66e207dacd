"""Independent IPS: each slot's reward is weighted by its own slot alone."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.slates.estimators.estimator import Reach
from matinee.prove.offpolicy.slates.problem import SlateProblem


@dataclass(frozen=True, slots=True)
class IndependentIps:
    """Sum over slots of weight times reward: little variance, and right only without interaction.

    Choose it for long pages and small changes. It takes for granted that a slot's reward depends on nothing
    but its own action, and that the policies choose a slot's action alike whatever stands before it: on a
    page from which one title is chosen it is biased.

    References
    ----------
    Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay, Wen (2018), Offline evaluation of ranking policies with
    click models, arXiv:1804.10488, the item-position estimator. Departs from it: the propensities are those
    given the slots before, as they are logged, not averaged over these.
    """

    name: str = "iips"
    reach: Reach = "slot"
    caution: str = "it takes for granted that a slot's reward depends on its own action alone"

    def lacks(self, _problem: SlateProblem, /) -> str:
        """Nothing."""
        return ""

    def terms(self, problem: SlateProblem) -> Floats:
        """Weighted rewards of each decision."""
        found: Floats = (problem.weight * problem.reward).sum(axis=1)
        return found
