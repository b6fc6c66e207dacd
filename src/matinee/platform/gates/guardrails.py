"""Gate: what must not get worse while the reward gets better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from matinee.errors import ConfigError
from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A figure that must not get worse while the reward gets better.

    Attributes
    ----------
    metric : str
    at_most, at_least : float or None
        The bound; one of the two.
    why : str
    """

    metric: str
    why: str
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ConfigError(
                f"guardrail {self.metric}: at_most is {self.at_most} and at_least is {self.at_least}, "
                "expected one of the two."
            )


@dataclass(frozen=True, slots=True)
class Guardrails:
    """The declared guardrails of the initiative hold in the evaluation.

    Attributes
    ----------
    rails : tuple of Guardrail
    name : str
    """

    rails: tuple[Guardrail, ...]
    name: str = "guardrails"
    asked_of_arms: ClassVar[str] = "evaluated"

    def check(self, candidate: Candidate) -> GateResult:
        """Name the one that is broken, else the one that is nearest to its bound."""
        if candidate.evaluation is None:
            return GateResult(
                self.name,
                "failed",
                f"No evaluation to read them from. Run: matinee evaluate {candidate.initiative}",
            )
        report = candidate.evaluation.report
        figures = report.figures[report.ours]
        nearest: tuple[float, GateResult] | None = None
        for rail in self.rails:
            if rail.metric not in figures:
                return GateResult(
                    self.name, "failed", f"The evaluation has no {rail.metric}, expected it: {rail.why}."
                )
            found = self._judge(rail, figures[rail.metric].mean)
            if nearest is None or found[0] < nearest[0]:
                nearest = found
        return nearest[1] if nearest else GateResult(self.name, "not_measured", "None is declared.")

    def _judge(self, rail: Guardrail, value: float) -> tuple[float, GateResult]:
        """Room that is left (below 0: broken), and the result."""
        bound = rail.at_most if rail.at_most is not None else rail.at_least
        assert bound is not None
        room = bound - value if rail.at_most is not None else value - bound
        side = "at most" if rail.at_most is not None else "at least"
        passed = room >= 0
        text = f"{rail.metric} is {value:.4f}, {'' if passed else 'expected '}{side} {bound:g}: {rail.why}."
        return room, GateResult(self.name, "passed" if passed else "failed", text, value, bound)
