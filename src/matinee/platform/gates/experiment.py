"""Gate: the version won its experiment, if it was in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from matinee.platform.gates.gate import Candidate, GateResult, Verdict
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.types import format_at


@dataclass(frozen=True, slots=True)
class ExperimentWon:
    """What the latest experiment with the candidate as an arm found: a running or lost one stops a release.

    An interleaving counts like an A/B: it tells which arm's slots units choose, and nothing of what follows
    from it; the text says which of the two it was.

    Attributes
    ----------
    required : bool
        A candidate that won no experiment is refused too. Else "not measured" says so and lets it pass.
    name : str
    """

    required: bool = False
    name: str = "experiment"
    asked_of_arms: ClassVar[str] = "never"

    def check(self, candidate: Candidate) -> GateResult:
        """Read the verdict; nothing is computed."""
        tried = [row for row in candidate.experiments() if candidate.version in row.versions]
        running = [row for row in tried if row.state == "running"]
        if running:
            row = running[0]
            return GateResult(
                self.name,
                "failed",
                f"Experiment {row.name} still runs with it, expected its end. Read it (matinee experiment "
                f"read {row.name}) and, once it says so, stop it: matinee experiment stop {row.name}",
            )
        if not tried:
            return self._open("No experiment had it as an arm.")
        row = max(tried, key=lambda one: (one.ended_us or 0, one.started_us))
        return self._said(row, candidate.version)

    def _said(self, row: ExperimentRow, version: str) -> GateResult:
        kind = "Interleaving" if row.definition.kind == "interleaving" else "Experiment"
        ended = f"{kind} {row.name}, stopped {format_at(row.ended_us or 0)},"
        won = {arm.name: arm.answers for arm in row.definition.arms}.get(row.winner or "")
        verdict: Verdict
        if row.verdict == "ship":
            verdict = "passed" if won == version else "failed"
            return GateResult(self.name, verdict, f"{ended} says: ship {row.winner} ({won}).")
        if row.verdict == "keep":
            verdict = "passed" if row.definition.control.answers == version else "failed"
            return GateResult(
                self.name,
                verdict,
                f"{ended} says: keep {row.definition.control.name} ({row.definition.control.answers}).",
            )
        why = "could not be believed" if row.verdict == "refused" else "ended without a decision"
        return self._open(f"{ended} {why}.")

    def _open(self, text: str) -> GateResult:
        if self.required:
            return GateResult(
                self.name,
                "failed",
                f"{text} Expected one that it won. Write one: matinee experiment new NAME --initiative X",
            )
        return GateResult(self.name, "not_measured", text)
