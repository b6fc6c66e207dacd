"""The contract of an estimator for decisions of several slots: one term per decision."""

from __future__ import annotations

from typing import Literal, Protocol

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.slates.problem import SlateProblem

Reach = Literal["slot", "prefix", "all"]


class SlateEstimator(Protocol):
    """Estimates what a policy is worth per decision: the sum of the rewards of its slots."""

    @property
    def name(self) -> str:
        """As in `matinee ope --estimator`."""
        ...

    @property
    def reach(self) -> Reach:
        """Whose weights are multiplied for a slot: its own, those up to it, or those of all slots."""
        ...

    @property
    def caution(self) -> str:
        """What it takes for granted; "" if nothing."""
        ...

    def lacks(self, problem: SlateProblem, /) -> str:
        """Why it cannot be run on this problem; "" if it can."""
        ...

    def terms(self, problem: SlateProblem) -> Floats:
        """One term per decision, shape (n_pages,); their mean is the estimate."""
        ...
