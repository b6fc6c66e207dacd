"""The contract of an estimator: from a log and a policy to one term per decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class Terms:
    """The estimate is the sum of the numerators over the sum of the denominators.

    Attributes
    ----------
    numerator, denominator : ndarray of float64, shape (n,)
    """

    numerator: Floats
    denominator: Floats

    @property
    def value(self) -> float:
        """The estimate; NaN where the denominators sum to 0."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else float("nan")


class Estimator(Protocol):
    """Estimates what a policy is worth from the log of another."""

    @property
    def name(self) -> str:
        """As in `matinee ope --estimator`."""
        ...

    @property
    def caution(self) -> str:
        """What its interval leaves out; "" if nothing that the diagnostics do not say."""
        ...

    def lacks(self, problem: Problem, /) -> str:
        """Why it cannot be run on this problem; "" if it can."""
        ...

    def terms(self, problem: Problem) -> Terms:
        """One term per decision. Called only where nothing is lacking."""
        ...
