"""Plain IPS of whole decisions: the sum of the rewards, weighted by all slots."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.slates.estimators.estimator import Reach
from matinee.prove.offpolicy.slates.problem import SlateProblem


@dataclass(frozen=True, slots=True)
class SlateIps:
    """Product of all weights times the sum of the rewards: takes nothing for granted, and varies most.

    Choose it as the reference for short decisions; against it one sees what the others take for granted.

    References
    ----------
    Horvitz, Thompson (1952), doi:10.1080/01621459.1952.10483446; for slates Swaminathan et al. (2017),
    arXiv:1605.04812, section 2.
    """

    name: str = "sips"
    reach: Reach = "all"
    caution: str = ""

    def lacks(self, _problem: SlateProblem, /) -> str:
        """Nothing."""
        return ""

    def terms(self, problem: SlateProblem) -> Floats:
        """Weighted sum of the rewards of each decision."""
        found: Floats = problem.prefix_weight[:, -1] * problem.reward.sum(axis=1)
        return found
