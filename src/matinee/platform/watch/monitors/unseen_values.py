"""Unseen values: do rows say things that the model has never heard of?"""

from __future__ import annotations

from matinee.observe.lake.connection import literal, quoted
from matinee.platform.watch.columns import categories
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.subject import Subject, person, seen
from matinee.prove.stats.rates import rate_interval


class UnseenValues:
    """Share of the latest rows whose category did not occur in the days that the model learned from.

    A new device, a territory that was opened, a renamed signal. Titles are looked up in the catalogue
    instead, since new ones are no surprise there: a title that the catalogue does not know is unseen.
    """

    name = "unseen_values"
    sign: Sign = "early"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding per table, about its worst column."""
        n_columns = sum(len(categories(table)) + 1 for table in subject.inputs)
        return [self._table(subject, table, n_columns) for table in subject.inputs]

    def _table(self, subject: Subject, table: str, n_columns: int) -> Finding:
        config, who = subject.config, person(table)
        now, before = subject.periods.now.sql(), subject.periods.learned.sql()
        n_now, n_before = subject.one(
            f"SELECT count(DISTINCT {who}) FILTER ({now}), count(DISTINCT {who}) FILTER ({before}) "
            f"FROM {seen(table)}"
        )
        if min(n_now, n_before) < config.fewest:
            return not_measured(
                f"{table}: {min(n_now, n_before)} members in a period, fewer than {config.fewest}.", table
            )
        known = {
            column: f"SELECT {name} FROM {seen(table)} WHERE {before} AND {name} IS NOT NULL"
            for column in categories(table)
            if (name := quoted(column))
        }
        if "titles" in subject.initiative.tables and subject.one("SELECT count(*) FROM titles") > (0,):
            known["title_id"] = "SELECT title_id FROM titles"
        worst = (0.0, "", "", 0.0)
        for column, values in known.items():
            found = self._unseen(subject, table, column, values)
            worst = max(worst, found)
        share, column, example, persons = worst
        if share > config.more_unseen:
            low, _ = rate_interval(share * persons, persons, p=2 * config.chance / n_columns)
            if low > config.more_unseen:
                return Finding(
                    "alert",
                    f"{table}: {share:.1%} of the values of {column} are new, such as {literal(example)}; at "
                    f"most {config.more_unseen:.0%} are expected. Train again if they are right.",
                    table,
                    share,
                    config.more_unseen,
                )
        text = f"{table}: at most {share:.1%} of a column's values are new."
        return Finding("ok", text, table, share, config.more_unseen)

    def _unseen(self, subject: Subject, table: str, column: str, known: str) -> tuple[float, str, str, float]:
        """Share of unseen values, the column, an example, and the members with a value.

        A column without any value before is a new column and no surprise.
        """
        value, now = quoted(column), subject.periods.now.sql()
        n, unseen, example, persons = subject.one(
            f"SELECT count(*), count(*) FILTER (new), any_value(x) FILTER (new), count(DISTINCT who) FROM ("
            f"SELECT {value} AS x, {value} NOT IN ({known}) AS new, {person(table)} AS who "
            f"FROM {seen(table)} WHERE {now} AND {value} IS NOT NULL AND EXISTS ({known}))"
        )
        return (unseen / n if n else 0.0, column, str(example or ""), float(persons))


MONITOR = UnseenValues()
