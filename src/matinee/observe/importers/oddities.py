"""What is kept and served as it stands, but may be a mistake: told after an import, never refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from matinee.observe.catalogue.titles import KINDS
from matinee.observe.lake.connection import literal
from matinee.observe.lake.manifest import parquet
from matinee.observe.lake.writer import LakeWriter

NAMED = 3
"""So many examples stand in a sentence."""
OTHER_WORDS = {"movie": "film", "show": "series", "live event": "live"}
"""Kinds as others call them."""
NO_TITLES = "This home has no titles yet: pages show ids. Next: matinee import titles FILE"

ABOUT = {
    "events": (
        "{titles} of its events {are} not in the catalogue ({ids}): {rows}, kept and served without facts. "
        "Import their titles (matinee import titles FILE); a misspelt id stands on pages as it is."
    ),
    "availability": (
        "{titles} of its windows {are} not in the catalogue ({ids}): {rows}. Where an id is misspelt, the "
        "title that was meant goes without its window. Correct it, or import the titles."
    ),
    "pins": (
        "{titles} of its pins {are} not in the catalogue ({ids}): {rows}. Pages leave out a pin whose title "
        "nobody knows. Correct the id, or import the titles."
    ),
}
ROWS = {"events": "event", "availability": "window", "pins": "pin"}


@dataclass(frozen=True, slots=True)
class _Odd:
    """Values of a column that nothing else names: those of the most rows `first`, and whose they are."""

    n: int
    n_rows: int
    first: list[str]
    ids: list[str]

    def named(self) -> str:
        return _some(self.first, self.n)

    def quoted(self) -> str:
        return _some([f'"{one}"' for one in self.first], self.n) + " of " + _some(self.ids, self.n_rows)


def oddities(
    con: duckdb.DuckDBPyConnection, write: LakeWriter, target: str, columns: Sequence[str]
) -> Iterator[str]:
    """One sentence for each kind of oddity in the view `staged`, whose rows were stored in a table.

    Parameters
    ----------
    write : LakeWriter
        The titles and windows of the home, with those of this import.
    columns : sequence of str
        Of `staged`.
    """
    if target == "titles":
        if "kind" in columns:
            yield from _kinds(con)
        if "series_id" in columns:
            yield from _series(con, write)
    elif target == "members" and "territory" in columns:
        yield from _territories(con, write)
    elif target in ABOUT and "title_id" in columns:
        yield from _unknown_titles(con, write, target)


def _unknown_titles(con: duckdb.DuckDBPyConnection, write: LakeWriter, target: str) -> Iterator[str]:
    known = _known_titles(write)
    odd = _odd(con, "title_id", known or "SELECT NULL")
    if odd is None:
        return
    if known is None:
        yield NO_TITLES
        return
    are = "is" if odd.n == 1 else "are"
    titles, rows = _counted(odd.n, "title"), _counted(odd.n_rows, ROWS[target])
    yield ABOUT[target].format(titles=titles, are=are, ids=odd.named(), rows=rows)


def _kinds(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    odd = _odd(con, "lower(kind)", f"VALUES {', '.join(f'({literal(kind)})' for kind in KINDS)}", "title_id")
    if odd is not None:
        said = odd.first[0]
        near = OTHER_WORDS.get(said) or next(iter(difflib.get_close_matches(said, KINDS, n=1)), "")
        have = "has a kind" if odd.n_rows == 1 else "have kinds"
        yield (
            f"{_counted(odd.n_rows, 'title')} {have} that nothing here knows ({odd.quoted()}), expected "
            f"{', '.join(KINDS)}. Such titles are served too.{_hint(near)}"
        )


def _series(con: duckdb.DuckDBPyConnection, write: LakeWriter) -> Iterator[str]:
    odd = _odd(con, "series_id", _known(write, "titles", "title_id") or "SELECT NULL")
    if odd is not None:
        have = "that episodes name has" if odd.n == 1 else "that episodes name have"
        yield (
            f"{odd.n:,} series {have} no row ({odd.named()}): {_counted(odd.n_rows, 'title')}. Pages show "
            "the id. Import the series as a title too, or correct series_id."
        )


def _territories(con: duckdb.DuckDBPyConnection, write: LakeWriter) -> Iterator[str]:
    named = _known(write, "availability", "territory")
    odd = None if named is None else _odd(con, "territory", named, "member_id")
    if odd is not None:
        known = {str(row[0]) for row in con.execute(f"SELECT DISTINCT * FROM ({named})").fetchall()}
        near = difflib.get_close_matches(odd.first[0].upper(), sorted(known), n=1)
        are = "is in a territory" if odd.n_rows == 1 else "are in territories"
        yield (
            f"{_counted(odd.n_rows, 'member')} {are} that no window names ({odd.quoted()}): there, "
            f"only titles without windows are shown.{_hint(near[0] if near else '')}"
        )


def _known_titles(write: LakeWriter) -> str | None:
    """SQL of the ids of titles and of series that episodes name; None in a home without titles."""
    titles, series = _known(write, "titles", "title_id"), _known(write, "titles", "series_id")
    return None if titles is None else f"{titles} UNION {series}"


def _known(write: LakeWriter, table: str, column: str) -> str | None:
    """SQL of what a column of a table of facts ever held, with this import; None where it is empty."""
    files = [one for one in (*write.before.files, *write.added) if one.table == table]
    return f"SELECT {column} FROM {parquet(write.lake, files)}" if files else None


def _odd(con: duckdb.DuckDBPyConnection, value: str, known: str, of: str = "") -> _Odd | None:
    """What `value` holds in `staged` and a query of one column does not; None without any.

    `of` is the column of the ids that are told beside the values.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE odd AS SELECT * FROM (SELECT {value} AS value, count(*) AS n "
        f"FROM staged WHERE {value} IS NOT NULL GROUP BY ALL) ANTI JOIN ({known}) AS known(value) "
        "USING (value)"
    )
    (n, n_rows) = con.execute("SELECT count(*), coalesce(sum(n), 0)::BIGINT FROM odd").fetchall()[0]
    first = con.execute(f"SELECT value FROM odd ORDER BY n DESC, value LIMIT {NAMED}").fetchall()
    ids = []
    if n and of:
        theirs = f"SELECT {of} FROM staged WHERE {value} IN (SELECT value FROM odd)"
        ids = con.execute(f"{theirs} ORDER BY row_no LIMIT {NAMED}").fetchall()
    con.execute("DROP TABLE odd")
    return _Odd(n, n_rows, [str(row[0]) for row in first], [str(row[0]) for row in ids]) if n else None


def _some(names: Sequence[str], n: int) -> str:
    return ", ".join(names) + (", …" if n > len(names) else "")


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _hint(near: str) -> str:
    return f' Did you mean "{near}"?' if near else ""
