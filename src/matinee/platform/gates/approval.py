"""Gate: a named person takes the responsibility where the tier asks for one."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class Approval:
    """Initiatives of high tiers are released by somebody with a name.

    Attributes
    ----------
    up_to_tier : int, 0 to 4
        Tiers from 1 to this one need an approver.
    name : str
    """

    up_to_tier: int = 2
    name: str = "approval"

    def check(self, candidate: Candidate) -> GateResult:
        """Look at who approved."""
        if candidate.approver:
            return GateResult(self.name, "passed", f"Approved by {candidate.approver}.")
        if candidate.tier > self.up_to_tier:
            return GateResult(self.name, "passed", f"Tier {candidate.tier} needs no approver.")
        return GateResult(
            self.name,
            "failed",
            f"Tier {candidate.tier} needs an approver and none is named. Pass --approver NAME.",
        )
