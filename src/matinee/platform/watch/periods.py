"""The periods that monitors compare: the latest one, and one that stands for how things were."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.types import DAY_US, format_at


@dataclass(frozen=True, slots=True)
class Period:
    """Time after `start_us` until `end_us`, which is included: the last event of a log counts."""

    start_us: int
    end_us: int

    def sql(self, at: str = "at_us") -> str:
        """Condition of SQL for "inside"."""
        return f"({at} > {self.start_us} AND {at} <= {self.end_us})"

    def earlier(self, by_us: int) -> Period:
        """The same length, earlier."""
        return Period(self.start_us - by_us, self.end_us - by_us)

    def __str__(self) -> str:
        return f"{format_at(self.start_us)[:10]} to {format_at(self.end_us)[:10]}"


@dataclass(frozen=True, slots=True)
class Periods:
    """What is compared with what.

    Attributes
    ----------
    now : Period
        The latest days.
    learned : Period
        The last days that the model in production learned from, or those before `now` if that is earlier (or
        if there is no model): inputs are compared with what the model knows.
    before : Period
        The days before `now`: decisions and rewards are compared with these, since a release changes them.

    Examples
    --------
    >>> found = Periods.of(100 * DAY_US, learned_us=90 * DAY_US, period_days=7, reference_days=28)
    >>> found.learned == Period(62 * DAY_US, 90 * DAY_US), found.before.end_us == found.now.start_us
    (True, True)
    """

    now: Period
    learned: Period
    before: Period

    @staticmethod
    def of(at_us: int, *, learned_us: int | None, period_days: int, reference_days: int) -> Periods:
        """Periods as of a moment."""
        start_us, length_us = at_us - period_days * DAY_US, reference_days * DAY_US
        end_us = start_us if learned_us is None else min(start_us, learned_us)
        return Periods(
            Period(start_us, at_us),
            Period(end_us - length_us, end_us),
            Period(start_us - length_us, start_us),
        )
