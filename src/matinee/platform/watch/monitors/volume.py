"""Volume: did the latest day bring as many events as that weekday does?"""

from __future__ import annotations

from statistics import median

import numpy as np
from scipy.stats import t as student

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.monitors.data_freshness import Pause
from matinee.platform.watch.subject import Subject, seen
from matinee.types import DAY_US

WEEKS = 8
FEWEST_WEEKS = 3
MAD_TO_SD = 1.4826
"""Median absolute deviation of a normal variable times this is its standard deviation."""
FEWEST_EVENTS = 50
"""A count below this moves by a large factor by chance; a week is then compared instead of a day."""


class Volume:
    """Events of the latest 24 hours against the same hours one to eight weeks earlier, per declared table.

    An alert needs both: a factor `volume_factor` from what is usual, and more than these weeks differ from
    each other by chance. Where a day has few events the latest seven days are compared with each of the eight
    weeks before. Days with a declared outage are not counted, nor judged; a table that stopped is the
    business of `data_freshness`.

    Notes
    -----
    What is usual is the median of the logarithms of the counts, their spread the median absolute deviation
    (Hampel 1974, doi:10.1080/01621459.1974.10482962), at least that of a Poisson count: one odd week does not
    hide the next. The bound is a prediction interval of Student's t.
    """

    name = "volume"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding per table."""
        return [self._table(subject, table) for table in subject.inputs]

    def _table(self, subject: Subject, table: str) -> Finding:
        pause = Pause.of(subject, table)
        if isinstance(pause, Pause) and pause.too_long:
            return not_measured(f"{table}: it gets no events; see data_freshness.", table)
        age = f"({subject.at_us} - at_us) // {DAY_US}"
        rows = subject.ask(
            f"SELECT {age} AS age, count(*) FROM {seen(table)} WHERE {age} < {7 * (WEEKS + 1)} GROUP BY age"
        )
        (first,) = subject.one(f"SELECT min(at_us) FROM {seen(table)}")
        counts, n_days = dict(rows), int((subject.at_us - first) // DAY_US)
        for days, what in ((1, "the latest 24 h"), (7, "the latest 7 days")):
            spans = [
                range(7 * week, 7 * week + days)
                for week in range(WEEKS + 1)
                if 7 * week + days <= n_days and not self._outage(subject, 7 * week, days)
            ]
            if not spans or spans[0].start != 0:
                return not_measured(f"{table}: an outage was declared in the latest days.", table)
            now, *past = [sum(counts.get(day, 0) for day in span) for span in spans]
            if len(past) < FEWEST_WEEKS:
                return not_measured(f"{table}: {len(past)} earlier weeks, fewer than {FEWEST_WEEKS}.", table)
            if median(past) >= FEWEST_EVENTS:
                return self._judge(subject, table, now, past, what)
        return not_measured(f"{table}: fewer than {FEWEST_EVENTS} events in a usual week.", table)

    def _judge(self, subject: Subject, table: str, now: int, past: list[int], what: str) -> Finding:
        usual, low, high = usual_volume(past, p=subject.config.chance / len(subject.inputs))
        factor = subject.config.volume_factor
        low, high = min(low, 1 / factor), max(high, factor)
        share = now / usual
        text = (
            f"{table}: {now:,} events in {what}, usually {usual:,.0f} ({min(past):,} to {max(past):,}); "
            f"that is {share:.2f} times, expected {low:.2f} to {high:.2f}."
        )
        if share < low:
            return Finding("alert", f"{text} See which source sends less.", table, share, low)
        if share > high:
            return Finding("alert", f"{text} See whether events are sent twice.", table, share, high)
        return Finding("ok", text, table, share, high)

    def _outage(self, subject: Subject, age: int, days: int) -> bool:
        end_us = subject.at_us - age * DAY_US
        return bool(subject.outages.touch(end_us - days * DAY_US, end_us))


def usual_volume(past: list[int], *, p: float) -> tuple[float, float, float]:
    """What is usual, and between which multiples of it the next count lies but for probability `p`.

    Examples
    --------
    >>> usual, low, high = usual_volume([100, 110, 90, 105, 95, 100, 102, 98], p=0.001)
    >>> round(usual), round(low, 2), round(high, 2)
    (100, 0.56, 1.77)
    """
    logs = np.log(np.maximum(np.array(past, np.float64), 0.5))
    middle = float(np.median(logs))
    spread = max(MAD_TO_SD * float(np.median(np.abs(logs - middle))), np.exp(-middle / 2))
    half = float(student.isf(p / 2, len(past) - 1)) * spread * np.sqrt(1 + 1 / len(past))
    return float(np.exp(middle)), float(np.exp(-half)), float(np.exp(half))


MONITOR = Volume()
