"""Gate: one answer stays inside the latency budget."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class Latency:
    """The 95th percentile of single answers, one after another in this process, is inside the budget.

    Attributes
    ----------
    answers : int, above 0
        How many are timed; the first tenth warms up and is not counted.
    name : str

    Notes
    -----
    It is the time of the decision alone, without network and queue.
    """

    answers: int = 60
    name: str = "latency"

    def check(self, candidate: Candidate) -> GateResult:
        """Answer for known and unknown units in turn."""
        bound = candidate.latency_budget_ms
        ask = candidate.open()
        spent_ms, fell_back = [], 0
        for turn in range(self.answers):
            unit_id = candidate.unit_ids[turn % len(candidate.unit_ids)]
            begun = time.perf_counter()
            fell_back += ask(unit_id, turn)
            spent_ms.append(1_000 * (time.perf_counter() - begun))
        figure = float(np.quantile(spent_ms[self.answers // 10 :], 0.95))
        passed = figure <= bound
        more = f" {fell_back} of {self.answers} answers came from the fallback." if fell_back else ""
        return GateResult(
            self.name,
            "passed" if passed else "failed",
            f"95th percentile of {self.answers} answers is {figure:.1f} ms, "
            f"{'inside' if passed else 'expected at most'} the budget of {bound:g} ms.{more}",
            figure,
            bound,
        )
