"""Input drift: are the events still those that the model learned from?"""

from __future__ import annotations

from matinee.platform.watch.columns import categories, numbers
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.shift import Compared, Shift, shift_of_mix, shift_of_number, worst_first
from matinee.platform.watch.subject import Subject, person, seen


class InputDrift:
    """PSI of the numbers and Jensen-Shannon distance of the categories of each declared table.

    The latest period against the days that the model learned from. A shift must be larger than the setting
    and than what chance gives among all columns that are looked at.
    """

    name = "input_drift"
    sign: Sign = "early"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding per table, worst column first."""
        n_columns = sum(len(numbers(table)) + len(categories(table)) for table in subject.inputs)
        p = subject.config.chance / max(n_columns, 1)
        return [self._table(subject, table, p) for table in subject.inputs]

    def _table(self, subject: Subject, table: str, p: float) -> Finding:
        periods = subject.periods
        compared = Compared(seen(table), person(table), periods.learned, periods.now)
        found: list[Shift | None] = [shift_of_number(subject, compared, c, p=p) for c in numbers(table)]
        found += [shift_of_mix(subject, compared, c, p=p) for c in categories(table)]
        return finding(table, [one for one in found if one is not None], subject.config.fewest)


def finding(key: str, shifts: list[Shift], fewest: int) -> Finding:
    """What the shifts of some columns come to: one finding, so that one cause sends one message."""
    if not shifts:
        return not_measured(f"{key}: no column with {fewest} members in both periods and two values.", key)
    worst, large = worst_first(shifts)[0], [one for one in worst_first(shifts) if one.is_large]
    if not large:
        text = f"{key}: {len(shifts)} columns are as they were; furthest: {worst}."
        return Finding("ok", text, key, worst.figure, worst.bound)
    names = ", ".join(map(str, large[:3])) + (f" and {len(large) - 3} more" if len(large) > 3 else "")
    text = f"{key}: {names} moved away from what the model learned. Find out why; train again if it stays."
    return Finding("alert", text, key, worst.figure, worst.bound)


MONITOR = InputDrift()
