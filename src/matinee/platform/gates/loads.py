"""Gate: the files of the model load in a fresh process, and it answers there."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class Loads:
    """A new interpreter opens the candidate and answers once without its fallback."""

    name: str = "loads_in_fresh_process"

    def check(self, candidate: Candidate) -> GateResult:
        """Start the process, wait, and pass on what it says."""
        problem = candidate.load_in_fresh_process()
        if problem is None:
            return GateResult(self.name, "passed", "A new process loaded the model and answered with it.")
        return GateResult(self.name, "failed", f"A new process could not answer with it: {problem}")
