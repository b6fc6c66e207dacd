"""Many rows in one step of SQLite.

Python frees its lock for each step of a statement and waits for it afterwards. While another thread computes,
that wait costs far more than the step; so what is read and written by key goes in a few steps of many rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

MOST_ROWS = 64
"""Rows of one step."""
Row = TypeVar("Row")


def put_rows(con: sqlite3.Connection, into: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
    """Insert rows.

    Parameters
    ----------
    into : str
        The table.
    rows : sequence of sequence
        All of one width.
    conflict : str
        What to do about a key that is there: "ON CONFLICT ...".

    Examples
    --------
    >>> con = sqlite3.connect(":memory:", isolation_level=None)
    >>> _ = con.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER)")
    >>> put_rows(con, "t", [(f"k{n}", n) for n in range(100)])
    >>> values_of(con, "SELECT v FROM t WHERE k = ?", [("k7",), ("none",), ("k99",)])
    [7, None, 99]
    """
    for some in _portions(rows):
        row = f"({', '.join('?' * len(some[0]))})"
        values = ", ".join([row] * len(some))
        con.execute(f"INSERT INTO {into} VALUES {values} {conflict}", list(chain.from_iterable(some)))


def values_of(con: sqlite3.Connection, select: str, keys: Sequence[Sequence[Any]]) -> list[Any]:
    """The one value that `select` finds for each key, which are its parameters; None where there is none."""
    out: list[Any] = []
    for some in _portions(keys):
        whole = "SELECT " + ", ".join([f"({select})"] * len(some))
        out += con.execute(whole, list(chain.from_iterable(some))).fetchone()
    return out


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Slices of few different lengths, so that few different statements are prepared."""
    start, size = 0, MOST_ROWS
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size
