from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from matinee.errors import InputError
from matinee.platform.registry.address import Address
from matinee.platform.registry.connection import Database
from matinee.platform.registry.migrate import migrate
from matinee.platform.registry.migrations import MIGRATIONS
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.schema import METADATA
from matinee.platform.registry.sqlite_file import make_file


def empty(url: str) -> Database:
    address = Address.read(url)
    if address.path is not None:
        make_file(address.path, wait_s=1)
    return Database(address)


def columns(database: Database) -> dict[str, list[str]]:
    with database.reading() as con:
        look = inspect(con)
        return {name: [str(c["name"]) for c in look.get_columns(name)] for name in look.get_table_names()}


def test_the_tables_that_are_made_are_those_that_queries_see(registry: Registry) -> None:
    made = columns(registry.database)
    assert set(made) == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        assert sorted(made[name]) == sorted(table.columns.keys()), name


def test_migrations_run_once_and_in_order(registry_url: str) -> None:
    ran: list[int] = []

    def step(number: int) -> tuple[str, object]:
        def upgrade(con: Connection) -> None:
            ran.append(number)
            con.exec_driver_sql(f"CREATE TABLE extra{number} (x INTEGER)")

        return f"step {number}", upgrade

    steps = [MIGRATIONS[0], step(2), step(3)]
    database = empty(registry_url)
    assert migrate(database, migrations=steps[:2]) == 2
    assert migrate(database, migrations=steps) == 3
    assert migrate(database, migrations=steps) == 3
    assert ran == [2, 3]
    with database.reading() as con:
        found = con.exec_driver_sql("SELECT version, name FROM schema_version ORDER BY version").all()
    assert [tuple(row) for row in found] == [(1, "first tables"), (2, "step 2"), (3, "step 3")]
    database.close()


def test_a_migration_that_fails_leaves_the_version_before(registry_url: str) -> None:
    def half(con: Connection) -> None:
        con.exec_driver_sql("CREATE TABLE half (x INTEGER)")
        raise ZeroDivisionError

    database = empty(registry_url)
    with pytest.raises(ZeroDivisionError):
        migrate(database, migrations=[*MIGRATIONS, ("half", half)])
    assert columns(database) == {}
    assert migrate(database) == len(MIGRATIONS)
    with pytest.raises(ZeroDivisionError):
        migrate(database, migrations=[*MIGRATIONS, ("half", half)])
    assert "half" not in columns(database)
    assert migrate(database) == len(MIGRATIONS)
    database.close()


def test_a_database_of_a_newer_matinee_is_refused(registry: Registry, registry_url: str) -> None:
    with registry.database.transaction() as con:
        con.exec_driver_sql("INSERT INTO schema_version VALUES (99, 'from the future')")
    with pytest.raises(
        InputError, match=rf"its tables have version 99, expected at most {len(MIGRATIONS)}.* upgrade"
    ):
        Registry.open(registry_url)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE member (x)")
    con.close()
    with pytest.raises(InputError, match=r"state\.db: holds tables of another program \(member\)"):
        Registry.open(path)
    with sqlite3.connect(path) as con:
        assert con.execute("SELECT name FROM sqlite_master").fetchall() == [("member",)]
        assert con.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    con.close()
