"""Gate: no declared group of units is served much worse than all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class FairCoverage:
    """The primary metric of each group reaches a share of the overall one.

    Attributes
    ----------
    at_least_share : float, 0 to 1
        Of the overall value.
    min_units : int
        Smaller groups are named and not judged.
    name : str

    Notes
    -----
    A group fails when even the upper end of its 95 % interval is below the bound, so that a small group does
    not fail by chance. For a metric where less is better the shares are turned round.
    """

    at_least_share: float = 0.5
    min_units: int = 50
    name: str = "fair_coverage"
    asked_of_arms: ClassVar[str] = "evaluated"

    def check(self, candidate: Candidate) -> GateResult:
        """Needs an evaluation with groups; says "not measured" without."""
        if candidate.evaluation is None or not candidate.evaluation.report.groups:
            return GateResult(self.name, "not_measured", "The evaluation reports no groups.")
        report = candidate.evaluation.report
        overall = report.value.mean
        judged = {name: f for name, f in report.groups.items() if f.n >= self.min_units}
        small = sorted(set(report.groups) - set(judged))
        also = f" Too small to judge: {', '.join(small)}." if small else ""
        if not judged:
            return GateResult(self.name, "not_measured", f"No group has {self.min_units} units.{also}")
        if overall <= 0:  # a loss has no shares
            why = (
                f"{report.primary.label} is {overall:.4f} overall, expected above 0 to take shares of.{also}"
            )
            return GateResult(self.name, "not_measured", why)
        higher = report.primary.better == "higher"
        shares = {n: (f.high / overall if higher else overall / max(f.low, 1e-12)) for n, f in judged.items()}
        worst = min(shares, key=shares.__getitem__)
        figure = shares[worst]
        passed = figure >= self.at_least_share
        return GateResult(
            self.name,
            "passed" if passed else "failed",
            f"Worst of {len(judged)} groups is {worst}: {report.primary.label} {judged[worst]}, at best "
            f"{figure:.2f} of the overall {overall:.4f}, {'above' if passed else 'expected at least'} "
            f"{self.at_least_share:g}.{also}",
            figure,
            self.at_least_share,
        )
