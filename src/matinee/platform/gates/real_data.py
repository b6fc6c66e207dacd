"""Gate: what decides about real members has learned from real members."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class RealData:
    """A model of the simulated service is released only where the initiative's tier is low.

    Attributes
    ----------
    from_tier : int, 1 to 5
        From this tier on a simulated model may be released, to try the path; 5: never.
    name : str
    """

    from_tier: int = 4
    name: str = "real_data"

    def check(self, candidate: Candidate) -> GateResult:
        """Look at what the candidate learned from."""
        if candidate.data == "home":
            return GateResult(self.name, "passed", "Learned from the log of this home.")
        if candidate.tier >= self.from_tier:
            return GateResult(
                self.name,
                "passed",
                f"Learned from the simulated service; accepted for tier {candidate.tier}, as a trial.",
            )
        return GateResult(
            self.name,
            "failed",
            f"Learned from the simulated service, expected the log of this home for tier {candidate.tier}. "
            f"Import a log, then run: matinee train {candidate.initiative}",
        )
