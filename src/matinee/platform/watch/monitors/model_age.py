"""Model age: is the model in production older than its initiative allows?"""

from __future__ import annotations

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.subject import Subject
from matinee.types import HOUR_US, format_at


class ModelAge:
    """Hours since the last moment that the model in production learned from, against `refreshed_every_h`."""

    name = "model_age"
    sign: Sign = "early"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding."""
        if subject.learned_us is None:
            return [not_measured("nothing is in production.")]
        age_h = max(0.0, (subject.at_us - subject.learned_us) / HOUR_US)
        bound_h = subject.initiative.refreshed_every_h
        until = format_at(subject.learned_us)
        text = f"the model learned until {until}, {age_h:,.0f} h ago, at most {bound_h:,.0f} h."
        if age_h <= bound_h:
            return [Finding("ok", text, figure=age_h, bound=bound_h)]
        return [Finding("alert", f"{text} Train and release it again.", figure=age_h, bound=bound_h)]


MONITOR = ModelAge()
