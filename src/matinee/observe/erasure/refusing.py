"""Keep erased members out of what is read, compacted and imported."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from matinee.observe.erasure.erased import Erased
from matinee.observe.lake.connection import quoted


def drop_refused(con: duckdb.DuckDBPyConnection, erased: Erased, tables: Iterable[str]) -> int:
    """Delete the rows of erased members from temporary tables with a `member_id`; returns how many.

    Costs nothing while nobody was erased, else one hash for each different id. The unit of a decision does
    not count: where it is a member, `member_id` says so, and an account may have the id of a member.

    Raises
    ------
    StorageError
        The list of erased members cannot be read.
    """
    if not erased.reload():
        return 0
    dropped = 0
    for table in tables:
        if list_refused(con, erased, table):
            (n,) = con.execute(
                f"DELETE FROM {quoted(table)} WHERE member_id IN (SELECT id FROM refused_ids)"
            ).fetchall()[0]
            dropped += n
    return dropped


def list_refused(con: duckdb.DuckDBPyConnection, erased: Erased, relation: str) -> int:
    """Make the temporary table `refused_ids` of the member ids that are refused; returns how many."""
    ids = con.execute(
        f"SELECT DISTINCT member_id FROM {quoted(relation)} WHERE member_id IS NOT NULL"
    ).fetchall()
    found = erased.refused(row[0] for row in ids)
    con.execute("CREATE OR REPLACE TEMP TABLE refused_ids (id VARCHAR)")
    if found:
        con.executemany("INSERT INTO refused_ids VALUES (?)", [[one] for one in found])
    return len(found)
