"""Keep erased members out of what is read, compacted and imported."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from matinee.observe.erasure.erased import Erased
from matinee.observe.lake.connection import quoted

NAMES = ("member_id", "unit_id")
"""Columns that may hold a member's id."""


def drop_refused(con: duckdb.DuckDBPyConnection, erased: Erased, tables: Iterable[str]) -> int:
    """Delete the rows of erased members from temporary tables; returns how many.

    Costs nothing while nobody was erased, else one hash for each different id.

    Raises
    ------
    StorageError
        The list of erased members cannot be read.
    """
    if not erased.reload():
        return 0
    dropped = 0
    for table in tables:
        columns = [row[0] for row in con.execute(f"DESCRIBE {quoted(table)}").fetchall()]
        for name in [one for one in NAMES if one in columns]:
            if list_refused(con, erased, table, name):
                (n,) = con.execute(
                    f"DELETE FROM {quoted(table)} WHERE {quoted(name)} IN (SELECT id FROM refused_ids)"
                ).fetchall()[0]
                dropped += n
    return dropped


def list_refused(con: duckdb.DuckDBPyConnection, erased: Erased, relation: str, column: str) -> int:
    """Make the temporary table `refused_ids` of the ids in a column that are refused; returns how many."""
    name = quoted(column)
    ids = con.execute(f"SELECT DISTINCT {name} FROM {quoted(relation)} WHERE {name} IS NOT NULL").fetchall()
    found = erased.refused(row[0] for row in ids)
    con.execute("CREATE OR REPLACE TEMP TABLE refused_ids (id VARCHAR)")
    if found:
        con.executemany("INSERT INTO refused_ids VALUES (?)", [[one] for one in found])
    return len(found)
