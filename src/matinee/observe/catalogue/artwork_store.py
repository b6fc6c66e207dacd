"""Rows of the table `artwork`, out of the lake and into it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import msgspec

from matinee.observe.catalogue.artwork import TABLE
from matinee.observe.lake.connection import literal, one_file
from matinee.observe.lake.facts import as_of, facts
from matinee.observe.lake.manifest import DataFile, parquet
from matinee.observe.lake.tables import FACTS
from matinee.observe.lake.writer import LakeWriter

Row = dict[str, Any]
"""Column of the table -> value, without the version."""


def image_rows(
    con: duckdb.DuckDBPyConnection,
    write: LakeWriter,
    *,
    ids: Sequence[str] | None = None,
    columns: Sequence[str] = (),
) -> dict[str, Row]:
    """Images as they are known, by id.

    Parameters
    ----------
    ids : sequence of str, optional
        Only these; unknown ones are left out.
    columns : sequence of str
        Only these and the id. Empty: all.
    """
    files = write.before.of(TABLE)
    if not files:
        return {}
    names = list(dict.fromkeys(["artwork_id", *columns])) if columns else facts(TABLE)
    where = "" if ids is None else " WHERE artwork_id IN (SELECT unnest(?::VARCHAR[]))"
    found = con.execute(
        f"SELECT {', '.join(names)} FROM ({as_of(TABLE, parquet(write.lake, files), None)}){where}",
        [] if ids is None else [list(ids)],
    )
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def stage_images(con: duckdb.DuckDBPyConnection, write: LakeWriter, rows: Sequence[Row], view: str) -> None:
    """Make a view of whole rows."""
    target = write.scratch / f"{view}.ndjson"
    target.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    types = ", ".join(f"{literal(c)}: '{FACTS[TABLE][c]}'" for c in facts(TABLE))
    con.execute(f"DROP VIEW IF EXISTS {view}")
    con.execute(
        f"CREATE TEMP VIEW {view} AS SELECT * FROM read_json({one_file(target)}, "
        f"format = 'newline_delimited', columns = {{{types}}})"
    )


def write_time(files: Sequence[DataFile], now_us: int) -> int:
    """Since when a new version holds: now, but never before an older version, which would hide it.

    Processes of one home may read its clock a little differently ("last_event").
    """
    return max([now_us, *(file.max_at_us for file in files)])
