"""Features of past moments with DuckDB: what the online evaluator would have answered at each label."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError, NotFoundError, VerdictError, unknown_name
from matinee.learn.features.compiler import direct_sql, label_columns, start_of, view_sql
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.dialects import DuckDb
from matinee.learn.features.plan import Job, jobs
from matinee.learn.features.shortcuts import quick_dialect
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
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, one_file, quoted, spilling
from matinee.observe.lake.reader import open_events, open_facts
from matinee.observe.lake.tables import EVENTS, FACTS

Labels = str | Path | Mapping[str, Sequence[Any] | NDArray[Any]]
LABEL_COLUMNS = ("label_id", "entity_id", "at_us")
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_SUITS = {
    "text": {"VARCHAR"},
    "int": _INTEGERS,
    "float": {"FLOAT", "DOUBLE"},
    "bool": {"BOOLEAN"},
    "text[]": {"VARCHAR[]"},
}
_DIALECT = DuckDb()
BATCH_LABELS = 500_000
_RUN = itertools.count()
"""Numbers the results of this process, so that several can stand in one connection."""


@dataclass(frozen=True, slots=True)
class Backfilled:
    """One row per label, in the order of the labels: `label_id`, `entity_id`, `at_us`, then the features.

    Attributes
    ----------
    table : str
        Temporary table of the connection; the caller may drop it.
    n_rows : int
        As many as there were labels.
    heavy : int
        Entities that were computed with tiles, summed over the jobs.
    """

    con: duckdb.DuckDBPyConnection
    table: str
    n_rows: int
    heavy: int

    def rows(self) -> list[dict[str, Any]]:
        """All rows; a grouped feature is a dict from group to value."""
        found = self.con.execute(f"FROM {self.table}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Columns as arrays of length `n_rows`; masked where values are missing."""
        return self.con.execute(f"FROM {self.table}").fetchnumpy()

    def write(self, path: Path) -> None:
        """Write a Parquet file."""
        self.con.execute(f"COPY {self.table} TO {literal(path)} (FORMAT parquet)")


def backfill(
    con: duckdb.DuckDBPyConnection,
    view: FeatureView,
    labels: Labels,
    *,
    many_labels: int = MANY_LABELS,
    heavy_pairs: int = HEAVY_PAIRS,
    batch_labels: int = BATCH_LABELS,
) -> Backfilled:
    """Compute a view for labels, each as of its own time.

    Parameters
    ----------
    con : DuckDBPyConnection
        Has the tables or views that the sources and facts of the view name. What does not fit into its
        memory limit spills to its temporary folder.
    labels : str, Path or mapping
        Name of a table or view, a Parquet or CSV file, or columns: `label_id` (each once), `entity_id`,
        `at_us`.
    many_labels, heavy_pairs : int
        From how many labels, and pairs of labels and events, of one entity tiles are used; see `tiles`.
    batch_labels : int
        Labels computed at once. The events are read once per batch; lists, maps and sets of the labels of a
        batch stay in memory, everything else may spill.

    Returns
    -------
    Backfilled
        As many rows as labels. A label before its entity's first event, or of an unknown entity, has the
        empty values.

    Raises
    ------
    NotFoundError
        A table is not there.
    InputError
        The labels, or a table's columns or their types, are not as declared. Nothing was computed.
    """
    check_tables(con, view)
    made: list[str] = []
    table = f"matinee_features_{next(_RUN)}"
    try:
        n_labels = _load_labels(con, view, labels, made)
        quick = [quick_dialect(con, job) for job in jobs(view)]
        heavy = 0
        for first in range(0, max(n_labels, 1), batch_labels):
            batch = f"SELECT * FROM matinee_asked WHERE i >= {first} AND i < {first + batch_labels}"
            _make(con, made, "matinee_labels", f"{batch} ORDER BY entity_id")
            sql, n = _batch_sql(con, view, made, (many_labels, heavy_pairs), quick)
            con.execute(f"INSERT INTO {table} {sql}" if first else f"CREATE TEMP TABLE {table} AS {sql}")
            heavy += n
        n_rows = _count(con, table)
    finally:
        for name in made:
            con.execute(f"DROP TABLE IF EXISTS {name}")
    if n_rows != n_labels:
        con.execute(f"DROP TABLE {table}")
        raise VerdictError(
            f"backfill of {view.name}: {n_rows:,} rows for {n_labels:,} labels, expected one each. "
            "Please report this with the view and the tables."
        )
    return Backfilled(con, table, n_rows, heavy)


def backfill_home(home: Home, view: FeatureView, labels: Labels, out: Path) -> int:
    """Compute a view from the lake and the log of a home into a Parquet file; returns the number of rows.

    Raises
    ------
    NotFoundError, InputError
        As `backfill`. Nothing was written.
    StorageError
        The lake cannot be read, or there is no room for temporary files.
    """
    with spilling() as con:
        open_view(con, home, view)
        done = backfill(con, view, labels)
        done.write(out)
        return done.n_rows


def open_view(con: duckdb.DuckDBPyConnection, home: Home, view: FeatureView) -> None:
    """Make the tables of the lake that a view names visible in a connection."""
    open_events(con, home, *sorted({f.source.table for f in view.features} & set(EVENTS)))
    looked_up = {f.by.facts.table for f in view.features if f.by is not None and f.by.facts is not None}
    open_facts(con, home, *sorted(looked_up & set(FACTS)))


def check_tables(con: duckdb.DuckDBPyConnection, view: FeatureView) -> None:
    """Refuse tables that are not there, or not as the view declares them, before anything is computed.

    Raises
    ------
    NotFoundError
        A table or its SQL cannot be read.
    InputError
        A column is missing or has another type, or a table of facts has two rows for one key.
    """
    for job in jobs(view):
        wanted = {column: job.source.columns[column] for column in (*job.columns, job.source.entity)}
        _check_columns(con, job.source, wanted | dict.fromkeys(CLOCKS, "int"))
        if job.by is not None and job.by.facts is not None:
            facts = job.by.facts
            _check_columns(con, facts, {c: facts.columns[c] for c in (facts.key, job.by.column)})
            _check_keys(con, facts)


def _check_columns(con: duckdb.DuckDBPyConnection, table: Source | Facts, wanted: Mapping[str, str]) -> None:
    sql = table.sql if isinstance(table, Source) else None
    relation = quoted(table.table) if sql is None else f"({sql})"
    try:
        found = {row[0]: row[1] for row in con.execute(f"DESCRIBE FROM {relation}").fetchall()}
    except duckdb.Error as error:
        raise NotFoundError(
            f"{type(table).__name__} {table.table}: it cannot be read ({str(error).splitlines()[0]}). "
            "Make a view of that name, or open it from a home."
        ) from error
    for column, type_ in wanted.items():
        if column not in found:
            raise InputError(unknown_name(f"table {table.table}", "column", column, found))
        if found[column] not in _SUITS[type_] and not (type_ == "text" and found[column].startswith("ENUM")):
            raise InputError(
                f"table {table.table}: column {column} is {found[column]}, expected {type_} as declared "
                f"({' or '.join(sorted(_SUITS[type_]))}). Cast it in a view, or declare its type."
            )


def _check_keys(con: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    twice = con.execute(
        f"SELECT {quoted(facts.key)} FROM {quoted(facts.table)} WHERE {quoted(facts.key)} IS NOT NULL "
        f"GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if twice:
        raise InputError(
            f"Facts {facts.table}: {facts.key} {twice[0][0]!r} has several rows, expected one per key. "
            "Make a view that chooses one."
        )


def _load_labels(con: duckdb.DuckDBPyConnection, view: FeatureView, labels: Labels, made: list[str]) -> int:
    """Make `matinee_asked`, numbered in the order of the labels; returns how many there are."""
    given = "matinee_given"
    if isinstance(labels, Mapping):
        columns = {name: np.asarray(values) for name, values in labels.items()}
        columns = {n: v.astype(object) if v.dtype.kind == "U" else v for n, v in columns.items()}
        con.register(given, columns)
    elif isinstance(labels, Path):
        given = (
            f"read_csv({one_file(labels)})"
            if labels.suffix == ".csv"
            else f"read_parquet({one_file(labels)})"
        )
    else:
        given = quoted(labels)
    try:
        found = [row[0] for row in con.execute(f"DESCRIBE FROM {given}").fetchall()]
        for column in LABEL_COLUMNS:
            if column not in found:
                raise InputError(unknown_name("labels", "column", column, found) + " It is needed.")
        at = "CAST(at_us AS BIGINT)"
        columns_sql = ["row_number() OVER () - 1 AS i", "label_id", "CAST(entity_id AS VARCHAR) AS entity_id"]
        columns_sql += [f"{at} AS at_us", *label_columns(view, at)]
        _make(con, made, "matinee_asked", f"SELECT {', '.join(columns_sql)} FROM {given}")
    except duckdb.Error as error:
        raise InputError(
            f"labels: they cannot be read ({str(error).splitlines()[0]}), expected a table, a Parquet or CSV "
            "file, or columns label_id, entity_id, at_us (microseconds)."
        ) from error
    finally:
        if isinstance(labels, Mapping):
            con.unregister("matinee_given")
    _check_labels(con)
    return _count(con, "matinee_asked")


def _check_labels(con: duckdb.DuckDBPyConnection) -> None:
    for column in LABEL_COLUMNS:
        missing = con.execute(f"SELECT i FROM matinee_asked WHERE {column} IS NULL LIMIT 1").fetchall()
        if missing:
            raise InputError(
                f"labels, row {missing[0][0] + 1}: {column} is missing, expected a value in each."
            )
    twice = con.execute(
        "SELECT label_id, count(*) FROM matinee_asked GROUP BY label_id HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if twice:
        raise InputError(
            f"labels: label_id {twice[0][0]!r} stands {twice[0][1]} times, expected each once. "
            "Number them; two labels of one entity at one time are fine."
        )


def _batch_sql(
    con: duckdb.DuckDBPyConnection,
    view: FeatureView,
    made: list[str],
    limits: tuple[int, int],
    quick: list[DuckDb],
) -> tuple[str, int]:
    """SQL of the rows of the labels in `matinee_labels`, and how many entities have tiles.

    Labels are stored by entity: events mostly come sorted by entity, so that the results of labels that stand
    together are updated together, which saves a fifth of the time of the join.
    """
    parts, heavy = [], 0
    for position, (job, dialect) in enumerate(zip(jobs(view), quick, strict=True)):
        tiled, n = _tiled_sql(con, view, job, position, made, limits)
        light = f"matinee_light_{position}" if n else "matinee_labels"
        rows = _light_sql(con, view, job, light, made, dialect)
        parts.append(f"{rows} UNION ALL {tiled}" if n else rows)
        heavy += n
    return view_sql(view, parts, _DIALECT), heavy


def _tiled_sql(
    con: duckdb.DuckDBPyConnection,
    view: FeatureView,
    job: Job,
    position: int,
    made: list[str],
    limits: tuple[int, int],
) -> tuple[str, int]:
    """SQL of the rows of a job's heavy entities, and how many; `matinee_light_…` has the other labels."""
    many, pairs = limits
    if not _make(con, made, "matinee_many_labels", many_labels_sql(many=many)):
        return "", 0
    if not (heavy := _make(con, made, "matinee_heavy", heavy_sql(job, _DIALECT, pairs=pairs))):
        return "", 0
    (most,) = con.execute("SELECT max(n) FROM matinee_heavy").fetchall()[0]
    for name, sql in tile_steps(view, job, _DIALECT, levels_for(most)):
        _make(con, made, name, sql)
    tiled, light = f"matinee_tiled_{position}", f"matinee_light_{position}"
    _make(con, made, tiled, tiled_sql(job, _DIALECT))
    rest = "SELECT * FROM matinee_labels WHERE entity_id NOT IN (SELECT entity_id FROM matinee_heavy)"
    _make(con, made, light, rest)
    return f"SELECT * FROM {tiled}", heavy


def _light_sql(
    con: duckdb.DuckDBPyConnection, view: FeatureView, job: Job, labels: str, made: list[str], dialect: DuckDb
) -> str:
    """SQL of the rows of a job for labels that are joined with their events directly.

    Labels whose last values equal times may have misled are computed again, in full order.
    """
    earliest = start_of(view, job.windows[0]) or "NULL"
    span = con.execute(f"SELECT min({earliest}), max(at_us) FROM matinee_labels").fetchall()[0]
    rows = direct_sql(view, job, dialect, labels, span=span)
    if not dialect.by_time:
        return rows
    direct, again = f"{labels}_direct_{len(made)}", f"{labels}_again_{len(made)}"
    _make(con, made, direct, rows)
    tied = f"SELECT * FROM {labels} WHERE i IN (SELECT i FROM {direct} WHERE tied)"
    if not _make(con, made, again, tied):
        return f"SELECT * EXCLUDE (tied) FROM {direct}"
    kept = f"SELECT * EXCLUDE (tied) FROM {direct} WHERE i NOT IN (SELECT i FROM {again})"
    return f"{kept} UNION ALL {direct_sql(view, job, _DIALECT, again, span=span)}"


def _make(con: duckdb.DuckDBPyConnection, made: list[str], name: str, sql: str) -> int:
    """Make a table that is dropped at the end; returns its number of rows."""
    made.append(name)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
    return _count(con, name)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    (n,) = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
    return int(n)
