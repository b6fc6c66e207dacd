"""Pages as a table, one line per tile: Parquet, or CSV if the file is named so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

import duckdb
import numpy as np

from matinee.initiatives.homepage.page import Page
from matinee.observe.lake.connection import spilling
from matinee.observe.table_file import copy_table, table_format

COLUMNS = {
    "member_id": "VARCHAR",
    "row": "INTEGER",
    "col": "INTEGER",
    "title_id": "VARCHAR",
    "row_kind": "VARCHAR",
    "reason": "VARCHAR",
    "artwork_id": "VARCHAR",
    "propensity": "DOUBLE",
}
"""Column -> SQL type. `row` and `col` start at 1; `artwork_id` is null where none was chosen."""
BATCH = 200
"""Pages handed to the database at a time."""


def write_pages(
    path: Path, pages: Iterable[Page], *, gone: Callable[[Collection[str]], Collection[str]] | None = None
) -> Iterator[Page]:
    """Write pages while they pass by; the file appears, whole, when the last one has.

    Pages are yielded again, so that one pass can feed a table and a viewer. A member without an eligible
    title has no line.

    Parameters
    ----------
    gone : callable, optional
        Which of the images may not be shown any more; asked when all pages have passed, before the file
        appears. Their tiles have none.

    Raises
    ------
    InputError
        The file's name tells no format, or its folder does not exist.
    StorageError
        The disk is full, or the folder cannot be written; a file that was there before is untouched.
    """
    table_format(path)  # before the work, not after it
    with spilling() as con:
        columns = ", ".join(f'"{name}" {sql_type}' for name, sql_type in COLUMNS.items())
        con.execute(f"CREATE TABLE tiles ({columns})")
        waiting = iter(pages)
        while batch := list(islice(waiting, BATCH)):
            _append(con, batch)
            yield from batch
        if gone is not None:
            _take_out(con, gone)
        copy_table(con, "FROM tiles", path)


def _take_out(con: duckdb.DuckDBPyConnection, gone: Callable[[Collection[str]], Collection[str]]) -> None:
    rows = con.execute("SELECT DISTINCT artwork_id FROM tiles WHERE artwork_id IS NOT NULL").fetchall()
    if out := gone([row[0] for row in rows]):
        con.execute(
            "UPDATE tiles SET artwork_id = NULL WHERE artwork_id IN (SELECT unnest(?::VARCHAR[]))",
            [sorted(out)],
        )


def _append(con: duckdb.DuckDBPyConnection, pages: list[Page]) -> None:
    tiles = [(page, row, tile) for page in pages for row in page.rows for tile in row.tiles]
    if not tiles:
        return
    batch = {
        "member_id": np.array([page.member_id for page, _, _ in tiles], dtype=object),
        "row": np.array([row.row for _, row, _ in tiles], np.int32),
        "col": np.array([tile.col for _, _, tile in tiles], np.int32),
        "title_id": np.array([tile.title_id for _, _, tile in tiles], dtype=object),
        "row_kind": np.array([row.kind for _, row, _ in tiles], dtype=object),
        "reason": np.array([tile.reason for _, _, tile in tiles], dtype=object),
        "artwork_id": np.array([tile.artwork_id or "" for _, _, tile in tiles], dtype=object),
        "propensity": np.array([tile.propensity for _, _, tile in tiles], np.float64),
    }
    con.register("batch", batch)
    con.execute("INSERT INTO tiles SELECT * REPLACE (nullif(artwork_id, '') AS artwork_id) FROM batch")
    con.unregister("batch")
