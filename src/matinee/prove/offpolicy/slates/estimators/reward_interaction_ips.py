"""Reward-interaction IPS: each slot's reward is weighted by its slot and all before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.slates.estimators.estimator import Reach
from matinee.prove.offpolicy.slates.problem import SlateProblem

CASCADE = "it takes for granted that a slot's reward does not depend on the slots after it"


@dataclass(frozen=True, slots=True)
class RewardInteractionIps:
    """Sum over slots of the reward times the product of the weights up to it.

    Right where members read in the order of the slots, so that a slot matters to those after it only (a
    cascade). With many slots the product is carried by few decisions.

    References
    ----------
    McInerney, Brost, Chandar, Mehrotra, Carterette (2020), Counterfactual evaluation of slate recommendations
    with sequential reward interactions, arXiv:2007.12986, equation 7.
    """

    name: str = "rips"
    reach: Reach = "prefix"
    caution: str = CASCADE

    def lacks(self, _problem: SlateProblem, /) -> str:
        """Nothing."""
        return ""

    def terms(self, problem: SlateProblem) -> Floats:
        """Weighted rewards of each decision."""
        found: Floats = (problem.prefix_weight * problem.reward).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class NormalisedRewardInteractionIps:
    """The same with the weights of each position scaled to mean 1: a little bias for less variance.

    References
    ----------
    The same paper, equation 8. The terms are linearised, so that their mean is the estimate and their spread
    that of a sum of ratios (Cochran 1977, Sampling techniques, section 6.3).
    """

    name: str = "snrips"
    reach: Reach = "prefix"
    caution: str = CASCADE

    def lacks(self, _problem: SlateProblem, /) -> str:
        """Nothing."""
        return ""

    def terms(self, problem: SlateProblem) -> Floats:
        """Value of each position, and how far each decision is from it."""
        weight = np.where(problem.there, problem.prefix_weight, 0.0)
        total = weight.sum(axis=0)
        share = problem.there.mean(axis=0)
        mean = np.where(total > 0, (weight * problem.reward).sum(axis=0) / np.where(total > 0, total, 1), 0.0)
        scale = np.where(total > 0, share * len(weight) / np.where(total > 0, total, 1.0), 0.0)
        found: Floats = (share * mean + scale * weight * (problem.reward - mean)).sum(axis=1)
        return found
