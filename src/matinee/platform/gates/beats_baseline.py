"""Gate: better than the named baseline, by the evaluation on what the models had not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class BeatsBaseline:
    """The primary metric is above the baseline's: its paired difference, or the lower end of the interval.

    Attributes
    ----------
    by : float
        Least difference, in units of the primary metric.
    surely : bool
        Ask it of the lower end of the 95 % interval (default), or of the mean only.
    name : str
    """

    by: float = 0.0
    surely: bool = True
    name: str = "beats_baseline"
    asked_of_arms: ClassVar[str] = "never"

    def check(self, candidate: Candidate) -> GateResult:
        """Needs an evaluation of this pipeline; without one it fails and says what to run."""
        if candidate.evaluation is None:
            return GateResult(
                self.name,
                "failed",
                f"No evaluation of this pipeline and these settings, expected one. "
                f"Run: matinee evaluate {candidate.initiative}",
                bound=self.by,
            )
        report = candidate.evaluation.report
        lift = report.lift
        label = report.primary.label
        if lift is None:
            return GateResult(
                self.name,
                "failed",
                f"The evaluation does not compare {label} with the baseline {report.baseline}, expected it.",
                bound=self.by,
            )
        figure = lift.low if self.surely else lift.mean
        side = "lower end of its 95 % interval" if self.surely else "mean difference"
        passed = figure > self.by
        return GateResult(
            self.name,
            "passed" if passed else "failed",
            f"{label}: ours minus {report.baseline} is {lift}; {side} {figure:.4f}, "
            f"{'above' if passed else 'expected above'} {self.by:g}.",
            figure,
            self.by,
        )
