"""Missing values: did a column that was filled stop being filled?"""

from __future__ import annotations

from matinee.observe.lake.connection import quoted
from matinee.platform.watch.columns import optional
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.subject import Subject, person, seen
from matinee.prove.stats.rates import rate_difference


class MissingValues:
    """Share of rows without a value, latest period against the days that the model learned from.

    An alert needs a rise by `more_missing` that is no chance among all columns of all tables. Samples are
    counted in members: one broken client that sends much is one member.
    """

    name = "missing_values"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding per table, about its worst column."""
        n_columns = sum(len(optional(table)) for table in subject.inputs)
        return [self._table(subject, table, n_columns) for table in subject.inputs]

    def _table(self, subject: Subject, table: str, n_columns: int) -> Finding:
        now, before = subject.periods.now.sql(), subject.periods.learned.sql()
        columns = optional(table)
        shares = ", ".join(
            f"count(*) FILTER ({when} AND {quoted(column)} IS NULL) / greatest(1, count(*) FILTER ({when}))"
            for column in columns
            for when in (now, before)
        )
        who = person(table)
        n_now, n_before, *found = subject.one(
            f"SELECT count(DISTINCT {who}) FILTER ({now}), count(DISTINCT {who}) FILTER ({before}), {shares} "
            f"FROM {seen(table)}"
        )
        fewest, bound = subject.config.fewest, subject.config.more_missing
        if min(n_now, n_before) < fewest:
            return not_measured(
                f"{table}: {min(n_now, n_before)} members in a period, fewer than {fewest}.", table
            )
        p = 2 * subject.config.chance / n_columns
        rises = []
        for column, is_now, was in zip(columns, found[::2], found[1::2], strict=True):
            low, _ = rate_difference(is_now * n_now, n_now, was * n_before, n_before, p=p)
            rises.append((is_now - was if low > 0 else min(is_now - was, 0.0), column, is_now, was))
        rise, column, is_now, was = max(rises)
        text = (
            f"{table}: {column} is missing in {is_now:.1%} of the rows, {was:.1%} before; a rise of at most "
            f"{bound:.0%} is expected."
        )
        if rise <= bound:
            return Finding(
                "ok", f"{table}: no column is missing much more often.", table, max(rise, 0.0), bound
            )
        others = sum(one[0] > bound for one in rises) - 1
        also = f" {others} more columns of {table} too." if others else ""
        return Finding("alert", f"{text}{also} See which client or source changed.", table, rise, bound)


MONITOR = MissingValues()
