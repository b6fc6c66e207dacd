"""The values of metrics for each exposed unit, by SQL on the lake: one pass over each counted table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.observe.lake.connection import literal, quoted
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.observe.quality_plays import FromPlays
from matinee.prove.experiment.metrics.definition import RETAINED_DAYS, Counted, Metric
from matinee.prove.stats.moments import Moments, moments_sql
from matinee.types import DAY_US, HOUR_US

Floats = NDArray[np.float64]
BY_UNIT = ("decisions", "rewards", "outcomes")
"""Tables whose rows may be about an account instead of a member."""


def measure(
    con: duckdb.DuckDBPyConnection,
    metrics: Sequence[Metric],
    *,
    initiative: str,
    covariate_days: int,
    since_us: int,
    late_after_us: int | None = None,
    by_account: bool = False,
) -> int:
    """Make the table `measured`: one row for each unit of `exposed`, with columns for each metric.

    A metric at place i has `y_i` (its value), `d_i` (of a ratio: what it is divided by), `x_i` and `c_i` (the
    same before the first exposure). one of kind "returning" has `y_i_D` for each of its days D.

    Parameters
    ----------
    metrics : sequence of Metric
    initiative : str
        Whose decisions, rewards and outcomes count.
    covariate_days : int, 0 or more
        Days before the first exposure of which the covariate is made; 0: none.
    since_us : int
        Before it nobody was exposed; older events are read for the covariate only.
    late_after_us : int, optional
        Moment of an earlier read.
    by_account : bool
        Units are accounts: an event belongs to the account of its member.

    Returns
    -------
    int
        Events of the units that count and arrived after `late_after_us`, though they happened before it.

    Notes
    -----
    Events from the moment of the first exposure on count (the decision that exposed a unit is one of them).
    """
    tables = list(dict.fromkeys(table for metric in metrics for table in metric.tables))
    oldest_us = int(since_us) - covariate_days * DAY_US
    late = 0
    for table in tables:
        columns = ["count(*) FILTER (late) AS late"]
        for i, metric in enumerate(metrics):
            columns += _columns(metric, i, table, covariate_days)
        source = _source(table, metrics, initiative, oldest_us, late_after_us, by_account)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE of_{table} AS SELECT n, {', '.join(columns)} "
            f"FROM ({source}) AS s GROUP BY n"
        )
        late += int(con.execute(f"SELECT coalesce(sum(late), 0) FROM of_{table}").fetchall()[0][0])
    chosen = [column for i, metric in enumerate(metrics) for column in _filled(metric, i, covariate_days)]
    joins = " ".join(f"LEFT JOIN of_{table} USING (n)" for table in tables)
    listed = "".join(f", {column}" for column in chosen)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE measured AS SELECT n, arm, first_us{listed} FROM exposed {joins}"
    )
    return late


def moments(
    con: duckdb.DuckDBPyConnection,
    metrics: Mapping[int, Metric],
    *,
    n_arms: int,
    at_us: int,
    covariate: bool,
    by: str | None = None,
    day: int | None = None,
) -> dict[str, dict[int, list[Moments]]]:
    """Moments of each arm for means, proportions, ratios and returns.

    Parameters
    ----------
    metrics : mapping of place to Metric
        Of those given to `measure`; those that mature alike are read together.
    at_us : int
        Moment of the read: units whose window has not closed are left out.
    by : str, optional
        A segment: a column of the table `segments`.
    day : int, optional
        Of one of kind "returning", instead of its last one.

    Returns
    -------
    dict of segment to dict of place to list of Moments
        One for each arm. Without `by` the only segment is "".
    """
    groups: dict[int, list[int]] = {}
    for i, metric in metrics.items():
        matures = metric.matures_days if day is None else day + RETAINED_DAYS
        groups.setdefault(matures, []).append(i)
    segment = "''" if by is None else quoted(by)
    joined = "" if by is None else "JOIN segments USING (n)"
    found: dict[str, dict[int, list[Moments]]] = {"": {}} if by is None else {}
    for matures, places in groups.items():
        parts = ", ".join(moments_sql(*_names(metrics[i], i, covariate, day)) for i in places)
        limit = int(at_us) - matures * DAY_US if matures else int(at_us)
        rows = con.execute(
            f"SELECT {segment} AS segment, arm, {parts} FROM measured {joined} "
            f"WHERE first_us <= {limit} GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        for name, arm, *values in rows:
            of_segment = found.setdefault(name, {})
            for k, i in enumerate(places):
                arms = of_segment.setdefault(i, [Moments()] * n_arms)
                arms[arm] = Moments.of_row(values[15 * k : 15 * (k + 1)])
    if by is None:
        for i in metrics:
            found[""].setdefault(i, [Moments()] * n_arms)
    return found


def unit_values(
    con: duckdb.DuckDBPyConnection, metric: Metric, place: int, *, n_arms: int, at_us: int
) -> list[Floats]:
    """Values of the units of each arm, sorted: for quantiles. Units without a value are left out."""
    limit = int(at_us) - metric.matures_days * DAY_US
    out = []
    for arm in range(n_arms):
        found = con.execute(
            f"SELECT y_{place}::DOUBLE AS y FROM measured WHERE arm = {arm} AND first_us <= {limit} "
            f"AND y_{place} IS NOT NULL ORDER BY 1"
        ).fetchnumpy()["y"]
        out.append(np.asarray(np.ma.getdata(found), np.float64))
    return out


def _source(
    table: str,
    metrics: Sequence[Metric],
    initiative: str,
    oldest_us: int,
    late_after_us: int | None,
    by_account: bool,
) -> str:
    """Events of exposed units with `since`: microseconds after the unit's first exposure."""
    parts = [part for metric in metrics for part in metric.parts if part.table == table]
    columns = {c.column for part in parts for c in part.where} | {p.column for p in parts if p.column}
    chosen = [f"e.{quoted(column)}" for column in sorted(columns)]
    rules = list(dict.fromkeys(part.rule for part in parts if part.rule is not None))
    joined = ""
    if rules:
        joined = "LEFT JOIN titles AS t ON t.title_id = e.title_id"
        chosen += [f"{rule.sql('e', 't.runtime_s')} AS {_good(rule)}" for rule in rules]
    if any(part.has_initiative for part in parts):
        chosen.append(f"(e.initiative = {literal(initiative)}) AS own")
    late = "false"
    if late_after_us is not None:
        late = (
            f"e.at_us <= {int(late_after_us)} AND e.seen_us > {int(late_after_us)} AND e.at_us >= k.first_us"
        )
    key = "coalesce(e.member_id, e.unit_id)" if table in BY_UNIT else "e.member_id"
    on = f"k.key = {key}"
    if by_account:
        on += " AND k.of_member" if table not in BY_UNIT else " AND k.of_member = (e.member_id IS NOT NULL)"
    shown = {
        "decisions": f" AND NOT {IN_SHADOW}",
        "outcomes": " AND NOT coalesce(e.shadow, false) AND e.sticky_of IS NULL",
    }.get(table, "")
    listed = "".join(f", {column}" for column in chosen)
    return (
        f"SELECT k.n, k.first_us, e.at_us - k.first_us AS since, {late} AS late{listed} "
        f"FROM {table} AS e JOIN keys AS k ON {on} {joined} WHERE e.at_us >= {oldest_us}{shown}"
    )


def _good(rule: FromPlays) -> str:
    """Column that says whether a play is a quality play."""
    return quoted(f"good {rule.min_s} {rule.share} {rule.rating_share}")


def _columns(metric: Metric, place: int, table: str, covariate_days: int) -> list[str]:
    """Aggregates of one metric over a table's events of a unit."""
    out = []
    before = f"since < 0 AND since >= {-covariate_days * DAY_US}"
    for names, part in zip((("y", "x"), ("d", "c")), metric.parts, strict=False):
        if part.table != table:
            continue
        after, column = "since >= 0", f"{names[0]}_{place}"
        if metric.kind == "returning":
            for day in metric.days:
                end = (day + RETAINED_DAYS) * DAY_US
                seen = _aggregate(part, f"since >= {day * DAY_US} AND since < {end}", True)
                out.append(f"{seen} AS {column}_{day}")
        else:
            if metric.window_days:
                after += f" AND since < {metric.window_days * DAY_US}"
            out.append(f"{_aggregate(part, after, metric.kind == 'proportion')} AS {column}")
        if covariate_days and metric.kind != "quantile":
            flag = metric.kind in ("proportion", "returning")
            out.append(f"{_aggregate(part, before, flag)} AS {names[1]}_{place}")
    return out


def _aggregate(part: Counted, window: str, flag: bool) -> str:
    """SQL of what is counted inside a window; `flag`: 1 if anything is."""
    tests = [window]
    condition = part.condition()
    if condition is not None:
        tests.append(condition.sql("s."))
    if part.rule is not None:
        tests.append(_good(part.rule))
    if part.own and part.has_initiative:
        tests.append("own")
    test, column = " AND ".join(tests), quoted(part.column)
    if flag:
        return f"max(CASE WHEN {test} THEN 1 ELSE 0 END)"
    if part.count == "events":
        return _scaled(f"count(*) FILTER ({test})", part.times)
    if part.count == "delay_h":
        return _scaled(f"min(since) FILTER ({test}) / {float(HOUR_US)}", part.times)
    if part.count == "days":
        return _scaled(f"count(DISTINCT CASE WHEN {test} THEN since // {DAY_US} END)", part.times)
    if part.count == "distinct":
        return _scaled(f"count(DISTINCT CASE WHEN {test} THEN {column} END)", part.times)
    word = {"sum": "sum", "mean": "avg", "max": "max"}[part.count]
    return _scaled(f"{word}({column}::DOUBLE) FILTER ({test})", part.times)


def _scaled(sql: str, times: float) -> str:
    return sql if times == 1 else f"{sql} * {times!r}::DOUBLE"


def _filled(metric: Metric, place: int, covariate_days: int) -> list[str]:
    """Columns of `measured`: units without an event have 0, or the whole wait, or no value at all."""
    if metric.kind == "quantile":
        waited = f"{metric.window_days * 24 * metric.of.times!r}"
        none = {"delay_h": waited, "mean": "NULL", "max": "NULL"}.get(metric.of.count, "0")
        return [f"coalesce(y_{place}, {none}) AS y_{place}"]
    names = [f"y_{place}"]
    if metric.kind == "returning":
        names = [f"y_{place}_{day}" for day in metric.days]
    before = [f"x_{place}"]
    if metric.kind == "ratio":
        names, before = [*names, f"d_{place}"], [*before, f"c_{place}"]
    if covariate_days:
        names += before
    return [f"coalesce({name}, 0) AS {name}" for name in names]


def _names(
    metric: Metric, place: int, covariate: bool, day: int | None
) -> tuple[str, str | None, str | None, str | None]:
    """Columns y, d, x and c of a metric in `measured`."""
    y = f"y_{place}"
    if metric.kind == "returning":
        y = f"y_{place}_{metric.days[-1] if day is None else day}"
    ratio = metric.kind == "ratio"
    return (
        y,
        f"d_{place}" if ratio else None,
        f"x_{place}" if covariate else None,
        f"c_{place}" if covariate and ratio else None,
    )
