"""Gate: the candidate policy is worth more than the released one, by the decisions that were logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """Asks an off-policy estimator for a lower bound of the candidate's value.

    Attributes
    ----------
    estimate : callable or None
        Gets the candidate, gives the verdict. Without one the gate says "not measured".
    name : str
    """

    estimate: Callable[[Candidate], GateResult] | None = None
    name: str = "off_policy"

    def check(self, candidate: Candidate) -> GateResult:
        """Pass the question on."""
        if self.estimate is None:
            return GateResult(
                self.name, "not_measured", "No off-policy estimator is set for this initiative."
            )
        return self.estimate(candidate)
