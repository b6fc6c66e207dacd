"""Availability windows as rows, on their way from a table into the `Catalogue`."""

from __future__ import annotations

import duckdb

from matinee.types import ALWAYS_US, NEVER_US

WindowRow = tuple[str, str, int, int]
"""title_id, territory, from_us, until_us (exclusive)."""


def window_rows(con: duckdb.DuckDBPyConnection) -> list[WindowRow]:
    """Windows of the view `availability`; a missing end is always, or never."""
    return con.execute(
        "SELECT title_id, territory, coalesce(start_us, ?::BIGINT), coalesce(end_us, ?::BIGINT) "
        "FROM availability ORDER BY ALL",
        [ALWAYS_US, NEVER_US],
    ).fetchall()
