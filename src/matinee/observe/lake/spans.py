"""Store new events: drop the ones already there, cut time into spans of a good size, write one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from matinee.observe.lake.connection import literal, quoted
from matinee.observe.lake.manifest import DataFile
from matinee.observe.lake.tables import EVENTS, same_row
from matinee.observe.lake.writer import LakeWriter
from matinee.types import DAY_US

SPAN_ROWS = 4_000_000
"""Rows of a span; whole days are added until it is reached. Sorting one needs about 0.5 GB."""
SMALL_ROWS = 200_000
"""Files below this are merged with new events of the same days."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How many events were new, and how many were known."""

    added: int
    duplicate: int


def store_events(
    write: LakeWriter, con: duckdb.DuckDBPyConnection, table: str, source: str, *, has_ids: bool
) -> Stored:
    """Add the events of the view `source` to a table.

    Parameters
    ----------
    source : str
        View with the columns of the table except `copy`.
    has_ids : bool
        Some rows have an `event_id`: of equal ids the first to arrive is kept.

    Notes
    -----
    Sorting and joining happen one span of days at a time, so memory does not grow with the history.
    """
    first = f"(SELECT * FROM {source})"
    offered: int = con.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
    files = write.before.of(table)
    if has_ids:
        first = _first_of_each_id(write, con, source, files)
    added = 0
    for low, high in _spans(con, source):
        inside = f"at_us >= {low} AND at_us < {high}"
        old = [f for f in files if f.min_at_us < high and f.max_at_us >= low]
        there = f"(SELECT * FROM {parquet(write, old)} WHERE {inside})" if old else ""
        fresh = _fresh(con, table, f"SELECT * FROM {first} WHERE {inside}", there)
        (new,) = con.execute(f"SELECT count(*) FROM ({fresh})").fetchall()[0] if old else (1,)
        if not new:
            continue
        merged = [f for f in old if f.rows < SMALL_ROWS and f not in write.replaced]
        if merged:
            fresh = f"{fresh} UNION ALL BY NAME SELECT * FROM {parquet(write, merged)}"
        file = write.add(con, table, fresh)
        write.replace(merged)
        added += (file.rows if file else 0) - sum(f.rows for f in merged)
    return Stored(added, offered - added)


def parquet(write: LakeWriter, files: Sequence[DataFile]) -> str:
    """SQL that reads some files of the lake."""
    return f"read_parquet([{', '.join(literal(write.lake / f.path) for f in files)}])"


def _spans(con: duckdb.DuckDBPyConnection, source: str) -> list[tuple[int, int]]:
    """Half-open time ranges of whole days, each with about `SPAN_ROWS` rows or one day."""
    days = con.execute(
        f"SELECT at_us // {DAY_US} AS day, count(*) FROM {source} GROUP BY day ORDER BY day"
    ).fetchall()
    spans: list[tuple[int, int]] = []
    rows = SPAN_ROWS
    for day, n in days:
        low, high = day * DAY_US, (day + 1) * DAY_US
        if rows + n > SPAN_ROWS:
            spans.append((low, high))
            rows = n
        else:
            spans[-1] = (spans[-1][0], high)
            rows += n
    return spans


def _first_of_each_id(
    write: LakeWriter, con: duckdb.DuckDBPyConnection, source: str, files: Sequence[DataFile]
) -> str:
    """SQL of the rows whose id did not stand in an earlier row or in the lake. Ids may recur at any time."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated_ids AS SELECT event_id, min(seq) AS seq FROM {source} "
        "WHERE event_id IS NOT NULL GROUP BY event_id HAVING count(*) > 1"
    )
    known = "SELECT NULL::VARCHAR AS event_id LIMIT 0"
    if files:
        known = (
            f"SELECT event_id FROM {parquet(write, files)} WHERE event_id IN (SELECT event_id FROM {source})"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE known_ids AS {known}")
    return (
        f"(SELECT s.* FROM {source} AS s LEFT JOIN repeated_ids AS r ON s.event_id = r.event_id "
        "WHERE (r.seq IS NULL OR r.seq = s.seq) AND (s.event_id IS NULL OR "
        "NOT EXISTS (SELECT 1 FROM known_ids AS k WHERE k.event_id = s.event_id)))"
    )


def _fresh(con: duckdb.DuckDBPyConnection, table: str, rows: str, there: str) -> str:
    """SQL of the rows of one span with their `copy` number, without those that the lake has (`there`)."""
    within = f"PARTITION BY {', '.join(map(quoted, same_row(table)))} ORDER BY seq"
    key = "hash(member_id, title_id, at_us)"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated_rows AS SELECT {key} AS h FROM ({rows}) "
        "WHERE event_id IS NULL GROUP BY h HAVING count(*) > 1"
    )
    (repeated,) = con.execute("SELECT count(*) FROM repeated_rows").fetchall()[0]
    numbered = f"SELECT *, 0 AS copy FROM ({rows})"
    if repeated:
        here = f"event_id IS NULL AND {key} IN (SELECT h FROM repeated_rows)"
        numbered += (
            f" WHERE NOT ({here}) UNION ALL "
            f"SELECT *, row_number() OVER ({within}) - 1 AS copy FROM ({rows}) WHERE {here}"
        )
    if not there:
        return numbered
    equal = " AND ".join(
        f"n.{quoted(c)} IS NOT DISTINCT FROM o.{quoted(c)}" for c in [*same_row(table), "copy"]
    )
    columns = ", ".join(f"n.{quoted(c)}" for c in EVENTS[table])
    return (
        f"SELECT {columns} FROM ({numbered}) AS n WHERE n.event_id IS NOT NULL OR NOT EXISTS "
        f"(SELECT 1 FROM {there} AS o WHERE o.event_id IS NULL AND {equal})"
    )
