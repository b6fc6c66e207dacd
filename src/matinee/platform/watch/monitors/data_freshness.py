"""Data freshness: has a table that is read stopped growing?"""

from __future__ import annotations

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.subject import Subject, person, seen
from matinee.types import HOUR_US, format_at


class DataFreshness:
    """Hours since the newest event of each declared table, against the pauses that it is used to.

    A busy table may be silent for `silence_h`; one with longer pauses in the reference period for twice its
    longest pause. A pause in which an outage was declared is not judged.
    """

    name = "data_freshness"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding per table."""
        return [self._table(subject, table) for table in subject.inputs]

    def _table(self, subject: Subject, table: str) -> Finding:
        (newest,) = subject.one(f"SELECT max(at_us) FROM {seen(table)}")
        if subject.outages.touch(newest, subject.at_us):
            return not_measured(f"{table}: an outage was declared after its newest event.", table)
        usual = (
            f"SELECT DISTINCT at_us // {HOUR_US} AS h FROM {seen(table)} "
            f"WHERE {subject.periods.before.sql()} AND {person(table)} IS NOT NULL"
        )
        hours, longest = subject.one(
            f"SELECT count(*), max(gap) FROM (SELECT h - lag(h) OVER (ORDER BY h) AS gap FROM ({usual}))"
        )
        if hours < 2:
            return not_measured(f"{table}: too few events before the latest days to know its pauses.", table)
        bound_h = max(subject.config.silence_h, 2.0 * longest)
        age_h = (subject.at_us - newest) / HOUR_US
        when = format_at(newest)
        text = f"{table}: the newest event is {age_h:,.0f} h old ({when}), at most {bound_h:,.0f} h."
        if age_h <= bound_h:
            return Finding("ok", text, table, age_h, bound_h)
        return Finding("alert", f"{text} See whether its events still arrive.", table, age_h, bound_h)


MONITOR = DataFreshness()
