"""A view as SQL: the labels joined with the events they may see, folded into one row per label.

The text uses a view or table `matinee_labels` with the columns `i` (0, 1, …), `label_id`, `entity_id`,
`at_us` and `s0`, `s1`, … (the starts of the windows, see `label_columns`).
"""

from __future__ import annotations

from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.dialects import Dialect
from matinee.learn.features.parts import LastPart, TimePart
from matinee.learn.features.plan import Job, jobs, windows
from matinee.learn.features.sources import Attribute
from matinee.types import DAY_US

SEEN = "coalesce(v.seen_us, v.at_us) <= l.at_us"
"""An event without a time of arrival arrived when it happened. Checked last: most events drop out before."""


def label_columns(view: FeatureView, at: str) -> list[str]:
    """SQL of `s0`, `s1`, …: where each window of the view starts for a label at `at`; NULL for all time."""
    out = []
    for position, window_us in enumerate(windows(view)):
        start = "NULL" if window_us is None else f"({at} - {window_us})"
        if window_us is not None and window_us > view.tail_us:
            start = f"({start} - (({start} % {DAY_US}) + {DAY_US}) % {DAY_US})"  # % keeps the sign in SQL
        out.append(f"CAST({start} AS BIGINT) AS s{position}")
    return out


def start_of(view: FeatureView, window_us: int | None) -> str:
    """Column of `labels` with the start of a window; "" for all time."""
    return "" if window_us is None else f"s{windows(view).index(window_us)}"


def events_sql(job: Job, dialect: Dialect) -> str:
    """The job's events: entity, clocks, columns as `c_…`, and the group as `g` if there is one."""
    source = job.source
    relation = dialect.name(source.table) if source.sql is None else f"({source.sql}) AS given"
    columns = [
        f"CAST({dialect.name(source.entity)} AS {dialect.sql_type['text']}) AS entity_id",
        "CAST(at_us AS BIGINT) AS at_us",
        "CAST(seen_us AS BIGINT) AS seen_us",
        "CAST(seq AS BIGINT) AS seq",
        *(f"CAST({dialect.name(c)} AS {dialect.sql_type[source.columns[c]]}) AS c_{c}" for c in job.columns),
        *(f"hash(c_{c}) AS h_{c}" for c in job.columns if c in dialect.hashed),
    ]
    events = f"SELECT {', '.join(columns)} FROM {relation}"
    return events if job.by is None else _grouped(events, job, job.by, dialect)


def group_type(job: Job) -> str:
    """Type of the job's group: "text" or "int"."""
    assert job.by is not None
    columns = job.source.columns if job.by.facts is None else job.by.facts.columns
    return columns[job.by.column].removesuffix("[]")


def direct_sql(
    view: FeatureView,
    job: Job,
    dialect: Dialect,
    labels: str = "matinee_labels",
    *,
    span: tuple[int | None, int | None] = (None, None),
) -> str:
    """Fold every event that a label may see: `i`, the group if there is one, `p0`, `p1`, …

    If the dialect orders last values by time alone, `tied` follows: whether equal times may have misled it.

    `span` is the earliest start of the job's longest window and the latest label, if known: the engine then
    leaves out files and row groups that no label reaches.

    Cost: one pass over the events, and one step per pair of a label and an event of its entity in the job's
    longest window.
    """
    longest = start_of(view, job.windows[0])
    seen = ["v.entity_id = l.entity_id", "v.at_us < l.at_us", SEEN]
    if longest:
        seen.append(f"v.at_us >= l.{longest}")
    earliest, latest = span
    seen += [f"v.at_us >= {earliest}"] if longest and earliest is not None else []
    seen += [f"v.at_us < {latest}"] if latest is not None else []
    columns = ["l.i AS i"] + (["v.g AS g"] if job.by is not None else [])
    ties = []
    for position, slot in enumerate(job.slots):
        start = start_of(view, slot.window_us)
        inside = [f"v.at_us >= l.{start}"] if start != longest else []
        condition = dialect.condition(slot, *inside)
        columns.append(f"{dialect.whole(slot, condition)} AS p{position}")
        ties.append(dialect.tied(slot, condition))
    columns += [f"{' OR '.join(filter(None, ties))} AS tied"] if any(ties) else []
    keys = "l.i, v.g" if job.by is not None else "l.i"
    return (
        f"SELECT {', '.join(columns)} FROM {labels} AS l JOIN ({events_sql(job, dialect)}) AS v "
        f"ON {' AND '.join(seen)} GROUP BY {keys}"
    )


def view_sql(view: FeatureView, parts: list[str], dialect: Dialect, labels: str = "matinee_labels") -> str:
    """One row per label from the results of the jobs (`parts`: SQL with `i`, `g`, `p0`, …)."""
    columns = dict.fromkeys(view.names, "")
    joins = []
    for position, (job, rows) in enumerate(zip(jobs(view), parts, strict=True)):
        alias = f"j{position}"
        relation = rows if job.by is None else _maps(job, rows, dialect, labels)
        joins.append(f"LEFT JOIN ({relation}) AS {alias} ON {alias}.i = l.i")
        for feature, slots in job.features:
            name = dialect.name(feature.name)
            if job.by is None:
                value = _finished(job, feature, [(slot, f"{alias}.p{slot}") for slot in slots], dialect)
            else:
                value = f"coalesce({alias}.{name}, {_no_groups(job, feature, dialect)})"
            columns[feature.name] = f"{value} AS {name}"
    return (
        f"SELECT l.label_id, l.entity_id, l.at_us, {', '.join(columns.values())} "
        f"FROM {labels} AS l {' '.join(joins)} ORDER BY l.i"
    )


def _grouped(events: str, job: Job, by: Attribute, dialect: Dialect) -> str:
    source_columns = job.source.columns
    if by.facts is None:
        group, several = f"v.c_{by.column}", source_columns[by.column] == "text[]"
        joined = f"({events}) AS v"
    else:
        facts = by.facts
        type_ = facts.columns[by.column]
        group, several = "f.g", type_ == "text[]"
        looked_up = (
            f"SELECT CAST({dialect.name(facts.key)} AS {dialect.sql_type['text']}) AS k, "
            f"CAST({dialect.name(by.column)} AS {dialect.sql_type[type_]}) AS g "
            f"FROM {dialect.name(facts.table)}"
        )
        joined = f"({events}) AS v JOIN ({looked_up}) AS f ON f.k = v.c_{facts.key}"
    value = dialect.unfold(group) if several else group
    return f"SELECT * FROM (SELECT v.*, {value} AS g FROM {joined}) AS w WHERE g IS NOT NULL"


def _finished(job: Job, feature: Feature, slots: list[tuple[int, str]], dialect: Dialect) -> str:
    """Value of a feature from the columns of its slots; `l` is the label."""
    columns = [
        f"(l.at_us - {column})" if isinstance(job.slots[slot].part, TimePart) else column
        for slot, column in slots
    ]
    value = feature.aggregate.finish_sql(columns)
    if isinstance(job.slots[slots[0][0]].part, LastPart):
        assert feature.value_type is not None
        return f"coalesce({value}, {dialect.no_array(feature.value_type)})"
    return value


def _maps(job: Job, rows: str, dialect: Dialect, labels: str) -> str:
    """One row per label with a map for each feature."""
    maps = []
    for feature, slots in job.features:
        *own, there = slots
        value = _finished(job, feature, [(slot, f"r.p{slot}") for slot in own], dialect)
        maps.append(f"{dialect.as_map('r.g', value, f'r.p{there} > 0')} AS {dialect.name(feature.name)}")
    return (
        f"SELECT r.i AS i, {', '.join(maps)} FROM ({rows}) AS r JOIN {labels} AS l ON l.i = r.i GROUP BY r.i"
    )


def _no_groups(job: Job, feature: Feature, dialect: Dialect) -> str:
    return dialect.no_map(group_type(job), value_sql_type(feature, dialect))


def value_sql_type(feature: Feature, dialect: Dialect) -> str:
    """SQL type of the value of a feature (of one group, if it is grouped)."""
    kind = feature.aggregate.result_type(feature.value_type)
    if kind.endswith("[]"):
        return dialect.array_of(dialect.sql_type[kind.removesuffix("[]")])
    return dialect.sql_type[kind]
