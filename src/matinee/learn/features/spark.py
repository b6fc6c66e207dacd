"""Features of past moments with Spark, from the same declarations and the same compiler as DuckDB.

For logs that one machine does not hold. Needs the extra `spark` and Java 17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from matinee.errors import InputError, MissingExtraError, NotFoundError, VerdictError, unknown_name
from matinee.learn.features.compiler import direct_sql, label_columns, start_of, view_sql
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.dialects import Dialect
from matinee.learn.features.plan import Job, jobs
from matinee.learn.features.sources import CLOCKS, Facts, Source
from matinee.learn.features.tiles import (
    HEAVY_PAIRS,
    MANY_LABELS,
    heavy_sql,
    levels_for,
    many_labels_sql,
    tile_steps,
    tiled_sql,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SUITS = {
    "text": {"string"},
    "int": {"tinyint", "smallint", "int", "bigint"},
    "float": {"float", "double"},
    "bool": {"boolean"},
    "text[]": {"array<string>"},
}


class Spark(Dialect):
    """Spark SQL, from 4.0."""

    sql_type: ClassVar[dict[str, str]] = {
        "text": "STRING",
        "int": "BIGINT",
        "float": "DOUBLE",
        "bool": "BOOLEAN",
        "text[]": "ARRAY<STRING>",
    }

    def name(self, text: str) -> str:
        return "`" + text.replace("`", "``") + "`"

    def text(self, value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def unfold(self, array: str) -> str:
        return f"explode(array_distinct({array}))"

    def numbers(self, first: str, after: str) -> str:
        none = "CAST(array() AS ARRAY<BIGINT>)"  # sequence(5, 4) would count down
        return f"CASE WHEN {first} < {after} THEN sequence({first}, {after} - 1) ELSE {none} END"

    def join_arrays(self, one: str, other: str) -> str:
        return f"concat({one}, {other})"

    def each(self, array: str) -> str:
        return f"explode({array})"

    def latest(self, value: str, k: int, condition: str) -> str:
        return f"transform({self.latest_states(value, k, condition)}, x -> x.value)"

    def latest_states(self, value: str, k: int, condition: str) -> str:
        state = f"named_struct('at_us', v.at_us, 'seq', v.seq, 'value', {value})"
        return f"slice(sort_array(collect_list(CASE WHEN {condition} THEN {state} END), false), 1, {k})"

    def merge_latest(self, states: str, k: int, condition: str) -> str:
        every = f"flatten(collect_list(CASE WHEN {condition} THEN {states} END))"
        return f"transform(slice(sort_array({every}, false), 1, {k}), x -> x.value)"

    def values(self, value: str, condition: str) -> str:
        return f"collect_set(CASE WHEN {condition} THEN {value} END)"

    def count_values(self, arrays: str, condition: str) -> str:
        return f"size(array_distinct(flatten(collect_list(CASE WHEN {condition} THEN {arrays} END))))"

    def as_map(self, key: str, value: str, condition: str) -> str:
        entry = f"CASE WHEN {condition} THEN named_struct('key', {key}, 'value', {value}) END"
        return f"map_from_entries(sort_array(collect_list({entry})))"

    def no_map(self, key_type: str, value_type: str) -> str:
        return f"CAST(map() AS MAP<{self.sql_type[key_type]}, {value_type}>)"

    def no_array(self, type_: str) -> str:
        return f"CAST(array() AS ARRAY<{self.sql_type[type_]}>)"

    def array_of(self, sql_type: str) -> str:
        return f"ARRAY<{sql_type}>"


def backfill_spark(
    spark: SparkSession,
    view: FeatureView,
    labels: DataFrame,
    *,
    many_labels: int = MANY_LABELS,
    heavy_pairs: int = HEAVY_PAIRS,
) -> DataFrame:
    """Compute a view for labels, each as of its own time; the meaning is that of `backfill.backfill`.

    Parameters
    ----------
    spark : SparkSession
        Has the tables or temporary views that the sources and facts of the view name.
    labels : DataFrame
        Columns `label_id` (each once), `entity_id`, `at_us`.
    many_labels, heavy_pairs : int
        From how many labels, and pairs of labels and events, of one entity tiles are used; see `tiles`.

    Returns
    -------
    DataFrame
        One row per label, by `label_id`: `label_id`, `entity_id`, `at_us`, then the features; persisted, for
        the caller to `unpersist`.

    Raises
    ------
    MissingExtraError
        The extra `spark` is not installed.
    NotFoundError
        A table is not there.
    InputError
        The labels, or a table's columns or their types, are not as declared. Nothing was computed.

    Notes
    -----
    Times are integers everywhere; Spark's timestamps, which have a time zone and another precision, are not
    used. While it runs, temporary views `matinee_…` are made in the session.
    """
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("backfill_spark", "spark") from error
    check_tables(spark, view)
    run = _Run(spark, view, many_labels, heavy_pairs)
    try:
        return run.result(labels)
    finally:
        run.clean()


def check_tables(spark: SparkSession, view: FeatureView) -> None:
    """Refuse tables that are not there, or not as the view declares them, before anything is computed."""
    for job in jobs(view):
        wanted = {column: job.source.columns[column] for column in (*job.columns, job.source.entity)}
        _check_columns(spark, job.source, wanted | dict.fromkeys(CLOCKS, "int"))
        if job.by is not None and job.by.facts is not None:
            facts = job.by.facts
            _check_columns(spark, facts, {c: facts.columns[c] for c in (facts.key, job.by.column)})
            key, table = _DIALECT.name(facts.key), _DIALECT.name(facts.table)
            twice = spark.sql(
                f"SELECT {key} FROM {table} WHERE {key} IS NOT NULL "
                f"GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
            ).collect()
            if twice:
                raise InputError(
                    f"Facts {facts.table}: {facts.key} {twice[0][0]!r} has several rows, expected one per "
                    "key. Make a view that chooses one."
                )


_DIALECT = Spark()


def _check_columns(spark: SparkSession, table: Source | Facts, wanted: dict[str, str]) -> None:
    from pyspark.errors import PySparkException

    sql = table.sql if isinstance(table, Source) else None
    relation = _DIALECT.name(table.table) if sql is None else f"({sql})"
    try:
        found = dict(spark.sql(f"SELECT * FROM {relation}").dtypes)
    except PySparkException as error:
        raise NotFoundError(
            f"{type(table).__name__} {table.table}: it cannot be read ({str(error).splitlines()[0]}). "
            "Make a temporary view of that name."
        ) from error
    for column, type_ in wanted.items():
        if column not in found:
            raise InputError(unknown_name(f"table {table.table}", "column", column, found))
        if found[column] not in _SUITS[type_]:
            raise InputError(
                f"table {table.table}: column {column} is {found[column]}, expected {type_} as declared "
                f"({' or '.join(sorted(_SUITS[type_]))}). Cast it in a view, or declare its type."
            )


class _Run:
    """One backfill: which views it made, and what it persisted."""

    def __init__(self, spark: SparkSession, view: FeatureView, many: int, pairs: int) -> None:
        self.spark = spark
        self.view = view
        self.many = many
        self.pairs = pairs
        self.kept: list[DataFrame] = []
        self.views: list[str] = []

    def result(self, labels: DataFrame) -> DataFrame:
        for column in ("label_id", "entity_id", "at_us"):
            if column not in labels.columns:
                raise InputError(unknown_name("labels", "column", column, labels.columns) + " It is needed.")
        labels.createOrReplaceTempView("matinee_given")
        self.views.append("matinee_given")
        at = "CAST(at_us AS BIGINT)"
        columns = ["label_id AS i", "label_id", "CAST(entity_id AS STRING) AS entity_id", f"{at} AS at_us"]
        columns += label_columns(self.view, at)
        n_labels = self.keep("matinee_labels", f"SELECT {', '.join(columns)} FROM matinee_given")
        self.check_labels(n_labels)
        parts = [self.job_sql(job) for job in jobs(self.view)]
        done = self.spark.sql(view_sql(self.view, parts, _DIALECT)).persist()
        n_rows = done.count()
        if n_rows != n_labels:
            done.unpersist()
            raise VerdictError(
                f"backfill of {self.view.name}: {n_rows:,} rows for {n_labels:,} labels, expected one each. "
                "Please report this with the view and the tables."
            )
        return done

    def check_labels(self, n_labels: int) -> None:
        for column in ("label_id", "entity_id", "at_us"):
            missing = self.spark.sql(f"SELECT label_id FROM matinee_labels WHERE {column} IS NULL").head()
            if missing is not None:
                raise InputError(f"labels, label_id {missing[0]!r}: {column} is missing, expected a value.")
        (different,) = self.spark.sql("SELECT count(DISTINCT label_id) FROM matinee_labels").collect()[0]
        if different != n_labels:
            raise InputError(
                f"labels: {n_labels:,} rows have {different:,} different label_id, expected each once. "
                "Number them; two labels of one entity at one time are fine."
            )

    def job_sql(self, job: Job) -> str:
        earliest = start_of(self.view, job.windows[0]) or "NULL"
        span = self.spark.sql(f"SELECT min({earliest}), max(at_us) FROM matinee_labels").collect()[0]
        bounds = (span[0], span[1])
        everyone = direct_sql(self.view, job, _DIALECT, span=bounds)
        if not self.keep("matinee_many_labels", many_labels_sql(many=self.many)):
            return everyone
        if not self.keep("matinee_heavy", heavy_sql(job, _DIALECT, pairs=self.pairs)):
            return everyone
        (most,) = self.spark.sql("SELECT max(n) FROM matinee_heavy").collect()[0]
        for name, sql in tile_steps(self.view, job, _DIALECT, levels_for(most)):
            self.keep(name, sql)
        position = len(self.kept)
        tiled, light = f"matinee_tiled_{position}", f"matinee_light_{position}"
        self.keep(tiled, tiled_sql(job, _DIALECT))
        rest = (
            "SELECT l.* FROM matinee_labels AS l "
            "LEFT ANTI JOIN matinee_heavy AS h ON h.entity_id = l.entity_id"
        )
        self.keep(light, rest)
        return f"{direct_sql(self.view, job, _DIALECT, light, span=bounds)} UNION ALL SELECT * FROM {tiled}"

    def keep(self, name: str, sql: str) -> int:
        """Compute a view once; returns its number of rows."""
        frame = self.spark.sql(sql).persist()
        frame.createOrReplaceTempView(name)
        self.kept.append(frame)
        self.views.append(name)
        return int(frame.count())

    def clean(self) -> None:
        for name in self.views:
            self.spark.catalog.dropTempView(name)
        for frame in self.kept:
            frame.unpersist()
