"""Serving skew: were decisions made with the feature values that the lake gives for the same moment?"""

from __future__ import annotations

from matinee.learn.features.backfill import backfill
from matinee.observe.lake.connection import literal, quoted
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.rewarded import MADE, NO_DECISIONS
from matinee.platform.watch.subject import DECISIONS, Subject
from matinee.prove.stats.rates import rate_interval

MOST_DECISIONS = 500
TOLERANCE = 1e-6
"""Relative, for numbers: an online sum may add in another order."""


class ServingSkew:
    """Recomputes the declared features of a sample of logged decisions as of their moment.

    Compared are the features that the context of a decision holds under their own names. Both clocks count:
    what arrived later is not used here either, so a difference means that serving computes something else
    than training does, or reads a state that lags behind.
    """

    name = "serving_skew"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding, about the worst feature."""
        view = subject.initiative.features
        if not subject.rows[DECISIONS]:
            return [not_measured(NO_DECISIONS)]
        if view is None:
            return [not_measured("no features are declared that could be computed again.")]
        sample = (
            f"SELECT decision_id AS label_id, unit_id AS entity_id, at_us, context FROM {MADE} "
            f"WHERE {subject.periods.now.sql()} AND NOT fallback AND context IS NOT NULL "
            f"ORDER BY hash(decision_id), decision_id LIMIT {MOST_DECISIONS}"
        )
        logged = {
            row[0] for row in subject.ask(f"SELECT DISTINCT unnest(json_keys(context)) FROM ({sample})")
        }
        names = [name for name in view.names if name in logged]
        if not names:
            return [not_measured("no decision has a declared feature in its context.")]
        decided = subject.con.execute(sample).fetchnumpy()
        with subject.with_features(view) as own:
            own.con.register("decided", decided)
            own.con.execute("CREATE TEMP TABLE watched_decisions AS FROM decided")
            own.con.unregister("decided")
            done = backfill(own.con, view.only(*names), "watched_decisions")
            types = {row[0]: row[1] for row in own.ask(f"DESCRIBE FROM {done.table}")}
            names = [name for name in names if "[" not in types[name] and "(" not in types[name]]
            if not names:
                return [not_measured("the logged features are lists or groups, which are not compared.")]
            counts = own.one(
                f"SELECT {', '.join(_differs(name) for name in names)} FROM {done.table} AS f "
                "JOIN watched_decisions AS d USING (label_id)"
            )
        return [self._judge(subject, list(zip(names, counts[::2], counts[1::2], strict=True)))]

    def _judge(self, subject: Subject, found: list[tuple[str, int, int]]) -> Finding:
        most, fewest = subject.config.skew, subject.config.fewest
        measured = [one for one in found if one[1] >= fewest]
        if not measured:
            n = max(one[1] for one in found)
            return not_measured(
                f"{n} decisions with a logged feature in the latest period, fewer than {fewest}."
            )
        name, n, differs = max(measured, key=lambda one: one[2] / one[1])
        share, p = differs / n, 2 * subject.config.chance / len(measured)
        text = f"{share:.1%} of {n} logged values of {name} differ from the lake's, at most {most:.1%}."
        if share > most and rate_interval(differs, n, p=p)[0] > most:
            others = sum(one[2] / one[1] > most for one in measured) - 1
            also = f" {others} more features too." if others else ""
            return Finding("alert", f"{text}{also} Compare how serving computes it.", "", share, most)
        return Finding("ok", text, "", share, most)


def _differs(name: str) -> str:
    """SQL of how many decisions logged a feature, and in how many the lake gives another value."""
    path = literal(f'$."{name}"')
    here, there = f"f.{quoted(name)}", f"json_extract_string(d.context, {path})"
    a, b = f"TRY_CAST({here} AS DOUBLE)", f"TRY_CAST({there} AS DOUBLE)"
    close = f"abs({a} - {b}) <= {TOLERANCE} * greatest(1, abs({a}), abs({b}))"
    same = f"coalesce({close}, CAST({here} AS VARCHAR) IS NOT DISTINCT FROM {there})"
    has = f"json_exists(d.context, {path})"
    return f"count(*) FILTER ({has}), count(*) FILTER ({has} AND NOT {same})"


MONITOR = ServingSkew()
