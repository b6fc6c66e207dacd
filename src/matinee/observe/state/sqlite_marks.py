"""Numbers that a `SqliteStore` keeps about itself."""

from __future__ import annotations

import sqlite3


def mark(con: sqlite3.Connection, name: str, add: int = 1) -> int:
    """Add to a number that is kept in the file; the number after it."""
    row = con.execute(
        "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value "
        "RETURNING value",
        (name, add),
    ).fetchall()
    return int(row[0][0])


def put_mark(con: sqlite3.Connection, name: str, value: int) -> None:
    """Set a number."""
    con.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))


def marked(con: sqlite3.Connection, name: str) -> int:
    """A number that is kept in the file, 0 at first."""
    row = con.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])
