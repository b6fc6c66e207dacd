"""Bring a database to this program's tables: numbered steps, in one transaction, under a lock."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, select, text

from matinee.errors import InputError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.migrations import MIGRATIONS, Migration
from matinee.platform.registry.schema import schema_version

LOCK = 0x6D6174696E6565
"""Number of PostgreSQL's advisory lock: the bytes of "matinee"."""
VERSION_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL)"


def migrate(database: Database, *, migrations: list[Migration] | None = None) -> int:
    """Run the migrations that this database has not seen; two processes at once are safe.

    Returns
    -------
    int
        Version of the tables, the number of migrations that ran so far.

    Raises
    ------
    InputError
        The database belongs to a newer Matinee, or holds tables of another program.
    StorageError
        It cannot be read or written. It stays at the version it had.
    """
    steps = MIGRATIONS if migrations is None else migrations
    with database.reading() as con:
        at = _version(con, database.address.name, len(steps))
    if at == len(steps):
        return at
    with database.transaction() as con:
        if con.dialect.name == "postgresql":
            con.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        at = _version(con, database.address.name, len(steps))
        con.exec_driver_sql(VERSION_TABLE)
        for number, (name, upgrade) in enumerate(steps[at:], start=at + 1):
            upgrade(con)
            con.execute(insert(schema_version).values(version=number, name=name))
    return len(steps)


def _version(con: Connection, name: str, newest: int) -> int:
    tables = set(inspect(con).get_table_names())
    if schema_version.name not in tables:
        if tables:
            raise InputError(
                f"{name}: holds tables of another program ({', '.join(sorted(tables)[:5])}), expected an "
                "empty database or one of Matinee's registry. Name another one."
            )
        return 0
    found: int | None = con.execute(
        select(schema_version.c.version).order_by(schema_version.c.version.desc())
    ).scalar()
    if (found or 0) > newest:
        raise InputError(
            f"{name}: its tables have version {found}, expected at most {newest}, which this Matinee knows. "
            "It was opened by a newer one: upgrade (pip install -U matinee), or name another database."
        )
    return found or 0
