"""Prediction drift: does the model in production decide otherwise than it did?"""

from __future__ import annotations

from matinee.observe.lake.connection import literal
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.monitors.calibration import PREDICTED
from matinee.platform.watch.monitors.input_drift import finding
from matinee.platform.watch.rewarded import MADE, NO_DECISIONS
from matinee.platform.watch.shift import Compared, Shift, shift_of_mix, shift_of_number
from matinee.platform.watch.subject import DECISIONS, Subject

NUMBERS = ("prediction", "propensity")
MIXES = ("action", "first_row")


class PredictionDrift:
    """Actions, kinds of the first row, propensities and predictions, against the days before.

    Only decisions of the model that decides most in the latest period are compared: that a new release
    decides otherwise is its purpose, and the gates have judged it.
    """

    name = "prediction_drift"
    sign: Sign = "early"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding, worst column first."""
        if not subject.rows[DECISIONS]:
            return [not_measured(NO_DECISIONS)]
        periods = subject.periods
        model = subject.ask(
            f"SELECT model FROM {MADE} WHERE {periods.now.sql()} AND NOT fallback AND model IS NOT NULL "
            "GROUP BY model ORDER BY count(*) DESC, model LIMIT 1"
        )
        if not model:
            return [not_measured("no model has decided in the latest period.")]
        decided = (
            f"(SELECT unit_id, at_us, action, propensity, {PREDICTED} AS prediction, "
            "json_extract_string(slots, '$[0].row_kind') AS first_row "
            f"FROM {MADE} WHERE NOT fallback AND model = {literal(model[0][0])})"
        )
        compared = Compared(decided, "unit_id", periods.before, periods.now)
        p = subject.config.chance / len(NUMBERS + MIXES)
        found: list[Shift | None] = [shift_of_number(subject, compared, c, p=p) for c in NUMBERS]
        found += [shift_of_mix(subject, compared, c, p=p) for c in MIXES]
        return [finding("decisions", [one for one in found if one is not None], subject.config.fewest)]


MONITOR = PredictionDrift()
