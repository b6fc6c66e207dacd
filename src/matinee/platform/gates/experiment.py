"""Gate: the version won its experiment, if it was in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from matinee.platform.gates.gate import Candidate, GateResult, Verdict
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.types import format_at


@dataclass(frozen=True, slots=True)
class ExperimentWon:
    """What experiments with the candidate as an arm found: a running or lost one stops a release.

    The last that came to a decision counts; one that ended without any, or whose data were refused, does not
    take it back. A candidate whose arm was stopped has lost, however the experiment ended. An interleaving
    counts like an A/B: it tells which arm's slots units choose, and nothing of what follows from it; the text
    says which of the two it was.

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
        """Read the verdicts; nothing is computed."""
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
        tried.sort(key=lambda one: (one.ended_us or 0, one.started_us), reverse=True)
        for row in tried:
            found = _word(row, candidate.version)
            if found is not None:
                verdict, text = found
                later = "" if row is tried[0] else f" {_ended(tried[0])} {_why_open(tried[0])}."
                return GateResult(self.name, verdict, f"{_ended(row)} {text}{later}")
        return self._open(f"{_ended(tried[0])} {_why_open(tried[0])}.")

    def _open(self, text: str) -> GateResult:
        if self.required:
            return GateResult(
                self.name,
                "failed",
                f"{text} Expected one that it won. Write one: matinee experiment new NAME --initiative X",
            )
        return GateResult(self.name, "not_measured", text)


def _word(row: ExperimentRow, version: str) -> tuple[Verdict, str] | None:
    """What an ended experiment decided about a version; None: nothing."""
    arms = {arm.name: arm.answers for arm in row.definition.arms}
    if row.verdict == "ship":
        won = arms.get(row.winner or "")
        return "passed" if won == version else "failed", f"says: ship {row.winner} ({won})."
    stopped = [arm for arm in row.stopped_arms if arms.get(arm) == version]
    if stopped and row.definition.control.answers != version:
        return "failed", f"stopped arm {stopped[0]} ({version}): {row.stopped_arms[stopped[0]].reason}."
    if row.verdict == "keep":
        control = row.definition.control
        verdict: Verdict = "passed" if control.answers == version else "failed"
        return verdict, f"says: keep {control.name} ({control.answers})."
    return None


def _ended(row: ExperimentRow) -> str:
    kind = "Interleaving" if row.definition.kind == "interleaving" else "Experiment"
    return f"{kind} {row.name}, stopped {format_at(row.ended_us or 0)},"


def _why_open(row: ExperimentRow) -> str:
    return "could not be believed" if row.verdict == "refused" else "ended without a decision"
