"""Feature drift: are the declared features of active units still those that the model learned from?"""

from __future__ import annotations

from matinee.learn.features.backfill import backfill
from matinee.learn.features.declaration import FeatureView
from matinee.observe.lake.connection import quoted
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.monitors.input_drift import finding
from matinee.platform.watch.periods import Period
from matinee.platform.watch.shift import Compared, Shift, shift_of_mix, shift_of_number
from matinee.platform.watch.subject import Subject

MOST_UNITS = 2_000
"""Of each period; the features of this many are computed."""
KEY = "features"
NUMBER = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


class FeatureDrift:
    """PSI of numbers and Jensen-Shannon distance of categories among the initiative's declared features.

    Each feature is computed at the end of the latest period for units that were active in it, and at the end
    of the days that the model learned from for units that were active then; a sample of 2,000 each. Lists
    and groups are left out.
    """

    name = "feature_drift"
    sign: Sign = "early"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding, worst feature first."""
        view = subject.initiative.features
        if view is None:
            return [not_measured("no features are declared; see input_drift.", KEY)]
        periods = subject.periods
        labels = " UNION ALL ".join(_labels(view, period) for period in (periods.learned, periods.now))
        found: list[Shift | None] = []
        with subject.with_features(view) as own:
            own.con.execute(f"CREATE TEMP TABLE watched_units AS {labels}")
            done = backfill(own.con, view, "watched_units")
            compared = Compared(done.table, "entity_id", periods.learned, periods.now)
            p = subject.config.chance / len(view.names)
            for name, type_ in ((row[0], row[1]) for row in own.ask(f"DESCRIBE FROM {done.table}")):
                if name in view.names and "[" not in type_ and "(" not in type_:  # no lists, no maps
                    shift = shift_of_number if _is_number(type_) else shift_of_mix
                    found.append(shift(own, compared, name, p=p))
        return [finding(KEY, [one for one in found if one is not None], subject.config.fewest)]


def _is_number(type_: str) -> bool:
    return any(word in type_ for word in NUMBER)


def _labels(view: FeatureView, period: Period) -> str:
    """Units that were active in a period, each asked about at its end."""
    sources = {feature.source.table: feature.source for feature in view.features}
    active = " UNION ".join(
        f"SELECT DISTINCT {quoted(one.entity)} AS unit "
        f"FROM {quoted(name) if one.sql is None else f'({one.sql})'} "
        f"WHERE {period.sql()} AND {quoted(one.entity)} IS NOT NULL"
        for name, one in sorted(sources.items())
    )
    return (
        f"(SELECT '{period.end_us}-' || unit AS label_id, unit AS entity_id, "
        f"{period.end_us}::BIGINT AS at_us FROM ({active}) ORDER BY hash(unit), unit LIMIT {MOST_UNITS})"
    )


MONITOR = FeatureDrift()
