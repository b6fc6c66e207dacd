"""Titles as rows, on their way from a table into the `Catalogue`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from matinee.observe.lake.connection import quoted

Row = dict[str, object]

KINDS = ("film", "series", "season", "episode", "game", "live")
"""What a title may be. One of another kind is served too, without a word for what it is."""
KIND = (
    "coalesce(lower({kind}), CASE WHEN {episode} IS NOT NULL THEN 'episode' "
    "WHEN {season} IS NOT NULL THEN 'season' ELSE 'film' END)"
)


def title_rows(con: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> list[Row]:
    """Rows of the view `titles_now`, in the order of title_id; a missing kind is told from the numbers."""
    known = {name: name if name in columns else "NULL" for name in ("kind", "season", "episode")}
    names = [name for name in columns if name not in ("kind", "from_us", "row_no")]
    found = con.execute(
        f"SELECT {', '.join(map(quoted, names))}, {KIND.format(**known)} AS kind "
        "FROM titles_now ORDER BY title_id"
    ).fetchall()
    return [dict(zip([*names, "kind"], row, strict=True)) for row in found]


def with_bare_titles(rows: Sequence[Row], ids: Iterable[str] = ()) -> list[Row]:
    """Add a row without metadata for each id that has none, and for series that only episodes name.

    Examples
    --------
    >>> with_bare_titles([{"title_id": "e1", "series_id": "s"}], ["x"])
    [{'title_id': 'e1', 'series_id': 's'}, {'title_id': 's', 'kind': 'series'}, {'title_id': 'x'}]
    """
    bare: dict[str, Row] = {title_id: {"title_id": title_id} for title_id in ids}
    for row in rows:
        if row.get("series_id"):
            series = str(row["series_id"])
            bare[series] = {"title_id": series, "kind": "series"}
    every = bare | {str(row["title_id"]): row for row in rows}
    return [every[title_id] for title_id in sorted(every)]
