"""How far one column moved between two periods, computed as SQL aggregates."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.observe.lake.connection import quoted
from matinee.platform.watch.periods import Period
from matinee.platform.watch.subject import Subject
from matinee.prove.stats.jensen_shannon import jensen_shannon, jensen_shannon_by_chance
from matinee.prove.stats.population_stability import population_stability, psi_by_chance

CUTS = [round(0.1 * i, 1) for i in range(1, 10)]
"""Quantiles of the reference period that cut the bins."""
MOST_CATEGORIES = 50
"""The rarer ones are counted together."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A column compared between two periods.

    Attributes
    ----------
    column : str
    measure : {"PSI", "Jensen-Shannon"}
    figure, bound : float
        The bound is the larger one of the setting and of what chance gives.
    """

    column: str
    measure: str
    figure: float
    bound: float

    @property
    def is_large(self) -> bool:
        """Beyond the bound."""
        return self.figure > self.bound

    def __str__(self) -> str:
        return f"{self.column} ({self.measure} {self.figure:.2f}, at most {self.bound:.2f})"


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows of two periods.

    Attributes
    ----------
    relation : str
        SQL of a relation with the columns that are compared, `at_us` and the person.
    person : str
        Column: whom a row is about. Samples are counted in persons.
    before, now : Period
    """

    relation: str
    person: str
    before: Period
    now: Period

    def either(self, column: str) -> str:
        """SQL of the rows with a value, with `x`, `who` and `is_now`."""
        return (
            f"(SELECT {quoted(column)} AS x, {quoted(self.person)} AS who, {self.now.sql()} AS is_now "
            f"FROM {self.relation} WHERE ({self.now.sql()} OR {self.before.sql()}) AND {quoted(column)} "
            "IS NOT NULL)"
        )


def shift_of_number(subject: Subject, compared: Compared, column: str, *, p: float) -> Shift | None:
    """PSI over ten bins of the reference period; None if a period has too few persons or one value.

    Parameters
    ----------
    p : float
        Probability of an alarm by chance that this one comparison may have.
    """
    rows = compared.either(column)
    if (persons := _persons(subject, rows)) is None:
        return None
    (found,) = subject.one(f"SELECT quantile_disc(x::DOUBLE, {CUTS}) FROM {rows} WHERE NOT is_now")
    cuts = sorted(set(found))
    place = " + ".join(f"(x > {cut!r}::DOUBLE)::INTEGER" for cut in cuts)
    counts = subject.ask(
        f"SELECT {place} AS bin, count(*) FILTER (NOT is_now), count(*) FILTER (is_now) FROM {rows} "
        "GROUP BY bin"
    )
    if len(counts) < 2:
        return None
    before, now = [row[1] for row in counts], [row[2] for row in counts]
    bound = max(subject.config.drift, psi_by_chance(*persons, len(counts), p=p))
    return Shift(column, "PSI", population_stability(before, now), bound)


def shift_of_mix(subject: Subject, compared: Compared, column: str, *, p: float) -> Shift | None:
    """Jensen-Shannon distance of the mix of values; None if a period has too few persons or one value."""
    rows = compared.either(column)
    if (persons := _persons(subject, rows)) is None:
        return None
    counts = subject.ask(
        f"SELECT count(*) FILTER (NOT is_now) AS b, count(*) FILTER (is_now) AS n FROM {rows} GROUP BY x "
        "ORDER BY b DESC, n DESC"
    )
    if len(counts) < 2:
        return None
    kept, rest = counts[:MOST_CATEGORIES], counts[MOST_CATEGORIES:]
    before = [row[0] for row in kept] + [sum(row[0] for row in rest)]
    now = [row[1] for row in kept] + [sum(row[1] for row in rest)]
    chance = jensen_shannon_by_chance(*persons, len(kept) + bool(rest), p=p)
    return Shift(
        column, "Jensen-Shannon", jensen_shannon(before, now), max(subject.config.mix_drift, min(chance, 1.0))
    )


def worst_first(shifts: list[Shift]) -> list[Shift]:
    """By how far they are beyond their bounds."""
    return sorted(shifts, key=lambda one: -one.figure / one.bound)


def _persons(subject: Subject, rows: str) -> tuple[int, int] | None:
    before, now = subject.one(
        f"SELECT count(DISTINCT who) FILTER (NOT is_now), count(DISTINCT who) FILTER (is_now) FROM {rows}"
    )
    return (before, now) if min(before, now) >= subject.config.fewest else None
