"""Facts that change now and then (titles, members, windows, pins): each version is kept with a from-date."""

from __future__ import annotations

import duckdb

from matinee.observe.lake.connection import quoted
from matinee.observe.lake.manifest import parquet
from matinee.observe.lake.spans import Stored
from matinee.observe.lake.tables import FACT_KEY, FACTS, VERSION
from matinee.observe.lake.writer import LakeWriter


def store_facts(
    write: LakeWriter, con: duckdb.DuckDBPyConnection, table: str, source: str, *, from_us: int
) -> Stored:
    """Add what differs from the present version; the same file again adds nothing.

    Parameters
    ----------
    source : str
        View with the columns of the table except `from_us` and `batch`. Equal keys make one version.
    from_us : int
        Since when the new version holds.

    Returns
    -------
    Stored
        Rows that a new version holds, and rows whose key had them already. A window added to a title
        makes a new version of all its windows, a pin one of the whole plan.
    """
    key, columns = FACT_KEY[table], facts(table)
    state = f"bit_xor(hash(row({', '.join(map(quoted, columns))}))) AS state, count(*) AS n"
    offered: int = con.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
    changed = f"SELECT {key} AS key FROM {source}"
    files = write.before.of(table)
    if files:
        present = as_of(table, parquet(write.lake, files), None)
        changed = (
            f"SELECT key FROM (SELECT {key} AS key, {state} FROM {source} GROUP BY key) "
            f"EXCEPT SELECT key FROM (SELECT {key} AS key, {state} FROM {source} GROUP BY key INTERSECT "
            f"SELECT {key} AS key, {state} FROM ({present}) GROUP BY key)"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE changed_keys AS {changed}")
    write.add(
        con,
        table,
        f"SELECT *, {from_us} AS from_us, {write.before.version + 1} AS batch FROM {source} "
        f"WHERE {key} IN (SELECT key FROM changed_keys)",
    )
    (added,) = con.execute(
        f"SELECT count(*) FROM {source} WHERE {key} IN (SELECT key FROM changed_keys)"
    ).fetchall()[0]
    return Stored(added, offered - added)


def facts(table: str) -> list[str]:
    """Columns of a table of facts, without the version."""
    return [column for column in FACTS[table] if column not in VERSION]


def as_of(table: str, relation: str, at_us: int | None) -> str:
    """SQL of the version of each key that holds at a time; None: the newest.

    A key's first version also counts before its from-date: what a film is was true before somebody
    imported it.
    """
    moment = "9223372036854775807" if at_us is None else str(int(at_us))
    begun = f"from_us <= {moment}"
    return (
        f"SELECT {', '.join(map(quoted, facts(table)))} FROM {relation} "
        f"QUALIFY dense_rank() OVER (PARTITION BY {FACT_KEY[table]} ORDER BY {begun} DESC, "
        f"CASE WHEN {begun} THEN from_us END DESC, CASE WHEN NOT {begun} THEN from_us END, batch DESC) = 1"
    )
