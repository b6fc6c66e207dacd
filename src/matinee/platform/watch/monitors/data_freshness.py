"""Data freshness: has a table that is read stopped growing?"""

from __future__ import annotations

from dataclasses import dataclass

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.subject import Subject, seen
from matinee.types import HOUR_US, format_at


class DataFreshness:
    """Hours since the newest event of each declared table, against the pauses that it is used to.

    A busy table may be silent for `silence_h`; one with longer pauses in the reference period for twice its
    longest pause. A pause in which an outage was declared is not judged. Where no table gets events any more
    there is one alert, under the first table.
    """

    name = "data_freshness"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding per table."""
        found = [self._table(subject, table) for table in subject.inputs]
        if len(found) < 2 or any(one.verdict != "alert" for one in found):
            return found
        first, *others = found
        text = f"none of {', '.join(subject.inputs)} gets events any more. {first.text}"
        alike = [not_measured(f"as {first.key}: no table gets events.", one.key) for one in others]
        return [Finding("alert", text, first.key, first.figure, first.bound), *alike]

    def _table(self, subject: Subject, table: str) -> Finding:
        pause = Pause.of(subject, table)
        if isinstance(pause, Finding):
            return pause
        text = (
            f"{table}: the newest event is {pause.age_h:,.0f} h old ({format_at(pause.newest_us)}), at most "
            f"{pause.bound_h:,.0f} h."
        )
        if not pause.too_long:
            return Finding("ok", text, table, pause.age_h, pause.bound_h)
        text += " See whether its events still arrive."
        return Finding("alert", text, table, pause.age_h, pause.bound_h)


@dataclass(frozen=True, slots=True)
class Pause:
    """Time since the newest event of a table, and how much of it is usual, in hours."""

    newest_us: int
    age_h: float
    bound_h: float

    @property
    def too_long(self) -> bool:
        """Beyond the bound."""
        return self.age_h > self.bound_h

    @staticmethod
    def of(subject: Subject, table: str) -> Pause | Finding:
        """Measure it, or say why it cannot be."""
        (newest_us,) = subject.one(f"SELECT max(at_us) FROM {seen(table)}")
        if subject.outages.touch(newest_us, subject.at_us):
            return not_measured(f"{table}: an outage was declared after its newest event.", table)
        usual = (
            f"SELECT DISTINCT at_us // {HOUR_US} AS h FROM {seen(table)} WHERE {subject.periods.before.sql()}"
        )
        hours, longest_h = subject.one(
            f"SELECT count(*), max(gap) FROM (SELECT h - lag(h) OVER (ORDER BY h) AS gap FROM ({usual}))"
        )
        if hours < 2:
            return not_measured(f"{table}: too few events before the latest days to know its pauses.", table)
        age_h = (subject.at_us - newest_us) / HOUR_US
        return Pause(newest_us, age_h, max(subject.config.silence_h, 2.0 * longest_h))


MONITOR = DataFreshness()
