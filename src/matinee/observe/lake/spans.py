"""Store new events: drop the ones already there, cut time into spans of a good size, write one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from matinee.observe.lake.connection import quoted
from matinee.observe.lake.manifest import DataFile, parquet
from matinee.observe.lake.tables import SMALL_ROWS, SMALL_ROWS_DEFAULT, filled, no_events, same_row
from matinee.observe.lake.writer import LakeWriter
from matinee.types import DAY_US

SPAN_ROWS = 2_000_000
"""Rows of a span; whole days are added until it is reached. Sorting one needs about 0.3 GB."""


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
        View with columns of the table; it has member_id, title_id, at_us and seq; `event_id` if `has_ids`.
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
        first = _first_of_each_id(con, table, source, write.lake, files)
    added, small = 0, SMALL_ROWS.get(table, SMALL_ROWS_DEFAULT)
    for low, high in _spans(con, source):
        inside = f"at_us >= {low} AND at_us < {high}"
        old = [f for f in files if f.min_at_us < high and f.max_at_us >= low]
        there = f"(SELECT * FROM ({filled(table, parquet(write.lake, old))}) WHERE {inside})" if old else ""
        rows = f"SELECT * FROM {first} WHERE {inside}"
        fresh = _fresh(con, table, rows, there, "event_id IS NULL" if has_ids else "true")
        (new,) = con.execute(f"SELECT count(*) FROM ({fresh})").fetchall()[0] if old else (1,)
        if not new:
            continue
        merged = [f for f in old if f.rows < small and f not in write.replaced]
        if merged:
            fresh = f"{fresh} UNION ALL BY NAME SELECT * FROM {parquet(write.lake, merged)}"
        file = write.add(con, table, fresh)
        write.replace(merged)
        added += (file.rows if file else 0) - sum(f.rows for f in merged)
    return Stored(added, offered - added)


def _spans(con: duckdb.DuckDBPyConnection, source: str) -> list[tuple[int, int]]:
    """Half-open time ranges of whole days, each with about `SPAN_ROWS` rows or one day."""
    day = f"(at_us - (at_us % {DAY_US} + {DAY_US}) % {DAY_US}) // {DAY_US}"  # SQL rounds towards 1970
    days = con.execute(f"SELECT {day} AS day, count(*) FROM {source} GROUP BY day ORDER BY day").fetchall()
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
    con: duckdb.DuckDBPyConnection, table: str, source: str, lake: Path, files: Sequence[DataFile]
) -> str:
    """SQL of the rows whose id did not stand in an earlier row or in the lake. Ids may recur at any time."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated_ids AS SELECT event_id, min(seq) AS seq FROM {source} "
        "WHERE event_id IS NOT NULL GROUP BY event_id HAVING count(*) > 1"
    )
    known = "SELECT NULL::VARCHAR AS event_id WHERE false"
    if files:
        there = filled(table, parquet(lake, files))
        known = f"SELECT event_id FROM ({there}) WHERE event_id IN (SELECT event_id FROM {source})"
    con.execute(f"CREATE OR REPLACE TEMP TABLE known_ids AS {known}")
    return (
        f"(SELECT s.* FROM {source} AS s LEFT JOIN repeated_ids AS r ON s.event_id = r.event_id "
        "WHERE (r.seq IS NULL OR r.seq = s.seq) AND (s.event_id IS NULL OR "
        "NOT EXISTS (SELECT 1 FROM known_ids AS k WHERE k.event_id = s.event_id)))"
    )


def _fresh(con: duckdb.DuckDBPyConnection, table: str, rows: str, there: str, loose: str) -> str:
    """SQL of the rows of one span, without those that the lake has (`there`, "" if none can be there).

    `loose` is the condition of rows without an id. A column `copy` is added when equal rows without an id
    are found, or are looked for in the lake.
    """
    key = "hash(member_id, title_id, at_us)"
    found = con.execute(f"SELECT {key} AS h FROM ({rows}) WHERE {loose}").fetchnumpy()["h"]
    hashes = np.sort(np.ma.getdata(found))  # half the time of GROUP BY, which builds a table of all of them
    repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    numbered = rows
    if len(repeated):
        con.register("repeated", {"h": repeated})
        con.execute("CREATE OR REPLACE TEMP TABLE repeated_rows AS SELECT h FROM repeated")
        con.unregister("repeated")
        here = f"{loose} AND {key} IN (SELECT h FROM repeated_rows)"
        same = ", ".join(f"n.{quoted(c)}" for c in same_row(table))
        numbered = (
            f"SELECT *, 0 AS copy FROM ({rows}) WHERE NOT ({here}) UNION ALL BY NAME "
            f"SELECT n.* EXCLUDE (copy), row_number() OVER (PARTITION BY {same} ORDER BY n.seq) - 1 AS copy "
            f"FROM (SELECT * FROM ({no_events(table)}) UNION ALL BY NAME "
            f"SELECT * FROM ({rows}) WHERE {here}) AS n"
        )
    if not there:
        return numbered
    whole = f"SELECT * FROM ({no_events(table)}) UNION ALL BY NAME SELECT * FROM ({numbered})"
    equal = " AND ".join(f"n.{quoted(c)} IS NOT DISTINCT FROM o.{quoted(c)}" for c in same_row(table))
    return (
        f"SELECT n.* FROM ({whole}) AS n WHERE n.event_id IS NOT NULL OR NOT EXISTS "
        f"(SELECT 1 FROM {there} AS o WHERE o.event_id IS NULL AND coalesce(n.copy, 0) = o.copy AND {equal})"
    )
