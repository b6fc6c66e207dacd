"""Quicker SQL for last values and different values in DuckDB, taken only where it gives the same.

*Last values* ordered by `at_us` alone instead of by (at_us, seq) cost a fifth: DuckDB compares whole numbers
in place, and writes a key for each pair of a label and an event otherwise. Labels with two equal times among
their latest k + 1 events are found in the same pass and computed again in full order (`backfill`). Where
equal times are frequent, as in logs that know only the second or the day, the full order is taken at once.

*Different values* of a text column are counted by their hashes, which lists hold in 8 bytes. That no two
values of the column share a hash is checked beforehand on all its values, which costs little where they
repeat (Parquet keeps them in dictionaries). Columns in which most values differ are counted as they are.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from matinee.learn.features.compiler import events_sql
from matinee.learn.features.dialects import DuckDb
from matinee.learn.features.parts import LastPart, SetPart
from matinee.learn.features.plan import Job

SAMPLE_EVENTS = 100_000
"""Events that are looked at to decide whether a shortcut is worth trying; never whether it is right."""
MAX_TIED = 0.01
"""Share of events with the time of another one of the same entity up to which times alone are tried."""
MAX_DIFFERENT = 0.5
"""Share of different values among the events up to which a column's hashes are tried."""


def quick_dialect(con: duckdb.DuckDBPyConnection, job: Job) -> DuckDb:
    """The dialect for joining the labels of a job with its events directly; the plain one for free SQL."""
    last = any(isinstance(slot.part, LastPart) for slot in job.slots)
    sets = {slot.part.value for slot in job.slots if isinstance(slot.part, SetPart)}
    texts = sorted(c for c in job.columns if c in sets and job.source.columns[c] == "text")
    if job.source.sql is not None or not (last or texts):
        return DuckDb()
    events = events_sql(replace(job, by=None), DuckDb())
    counts = ["count(*)", "count(DISTINCT row(entity_id, at_us))"]
    counts += [f"count(DISTINCT c_{column})" for column in texts]
    sample = f"SELECT * FROM ({events}) AS e LIMIT {SAMPLE_EVENTS}"
    n, moments, *values = con.execute(f"SELECT {', '.join(counts)} FROM ({sample}) AS s").fetchall()[0]
    repeated = [c for c, n_values in zip(texts, values, strict=True) if n_values <= MAX_DIFFERENT * n]
    return DuckDb(
        by_time=last and n - moments <= MAX_TIED * n,
        hashed=frozenset(column for column in repeated if _hashes_differ(con, events, column)),
    )


def _hashes_differ(con: duckdb.DuckDBPyConnection, events: str, column: str) -> bool:
    values = f"SELECT DISTINCT c_{column} AS x FROM ({events}) AS e"
    counted = con.execute(
        f"SELECT count(*), count(DISTINCT hash(x)) FROM ({values}) AS v WHERE x IS NOT NULL"
    )
    n_values, n_hashes = counted.fetchall()[0]
    return bool(n_values == n_hashes)
