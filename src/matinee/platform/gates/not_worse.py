"""Gate: not worse than the version in production, on the same units where both were asked the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from matinee.platform.evaluation import Evaluated
from matinee.platform.gates.gate import Candidate, GateResult
from matinee.prove.stats.bootstrap import bootstrap
from matinee.prove.stats.paired import paired_difference


@dataclass(frozen=True, slots=True)
class NotWorse:
    """Non-inferiority: the lower end of the interval of (candidate minus released) is above minus `margin`.

    Attributes
    ----------
    margin_share : float, 0 to 1
        Loss that is accepted, as a share of the released version's value.
    name : str

    Notes
    -----
    Evaluations of one cut and the same units are compared in pairs; others as two separate samples, whose
    interval is wider. The candidate may be the same pipeline on newer data, so a small loss by chance must
    not stop it: hence the margin.
    """

    margin_share: float = 0.02
    name: str = "not_worse_than_released"
    asked_of_arms: ClassVar[str] = "never"

    def check(self, candidate: Candidate) -> GateResult:
        """Passes when nothing is in production yet."""
        if candidate.released is None:
            return GateResult(self.name, "passed", "Nothing is in production yet.")
        ours, theirs = candidate.evaluation, candidate.released_evaluation
        if ours is None or theirs is None:
            which = "candidate" if ours is None else f"released version {candidate.released}"
            return GateResult(
                self.name,
                "failed",
                f"No evaluation of the {which}, expected one. Run: matinee evaluate {candidate.initiative}",
            )
        if ours.report.primary.name != theirs.report.primary.name:
            return GateResult(
                self.name,
                "not_measured",
                f"The primary metric was {theirs.report.primary.label} and is now "
                f"{ours.report.primary.label}: the two cannot be compared.",
            )
        low, mean, how = difference(ours, theirs)
        bound = -self.margin_share * abs(theirs.report.value.mean)
        passed = low > bound
        return GateResult(
            self.name,
            "passed" if passed else "failed",
            f"{ours.report.primary.label}: better than the released version by {mean:+.4f}, lower end of the "
            f"95 % interval {low:+.4f} ({how}), {'above' if passed else 'expected above'} {bound:+.4f}.",
            low,
            bound,
        )


def difference(ours: Evaluated, theirs: Evaluated) -> tuple[float, float, str]:
    """Lower end and mean of how much better ours is (above 0), and how they were compared."""
    sign = 1.0 if ours.report.primary.better == "higher" else -1.0
    common, i, j = np.intersect1d(ours.unit_ids, theirs.unit_ids, return_indices=True)
    same_question = ours.report.cut_us == theirs.report.cut_us and len(common) >= 0.9 * max(
        len(ours.unit_ids), len(theirs.unit_ids), 1
    )
    if same_question and len(common) > 1:
        paired = paired_difference(sign * ours.values[i], sign * theirs.values[j])
        return paired.low, paired.mean, f"the same {paired.n:,} units"
    if len(ours.values) > 1 and len(theirs.values) > 1:
        a, b = bootstrap(sign * ours.values), bootstrap(sign * theirs.values)
        error = float(np.hypot(a.standard_error, b.standard_error))
        mean = a.mean - b.mean
        return mean - 1.96 * error, mean, "two samples: another cut or other units"
    a_value, b_value = ours.report.value, theirs.report.value
    half = float(np.hypot(a_value.high - a_value.low, b_value.high - b_value.low)) / 2
    mean = sign * (a_value.mean - b_value.mean)
    return mean - half, mean, "two reported intervals"
