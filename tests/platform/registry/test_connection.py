from __future__ import annotations

import os
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from matinee.errors import InputError, MissingExtraError, NotFoundError, StorageError
from matinee.platform.registry.connection import POOL
from matinee.platform.registry.registry import Registry


def test_a_transaction_that_fails_leaves_nothing(story: Any) -> None:
    def half() -> None:
        with story.registry.transaction():
            story.source("plays")
            story.initiative("art", sources=["plays"])
            story.model("art", "a")
            story.release("art", "a", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert story.registry.initiatives.all() == []
    assert story.registry.inputs.sources() == []
    with story.registry.database.reading() as con:
        assert con.execute(text("SELECT COUNT(*) FROM edge")).scalar() == 0


def test_what_is_read_together_is_of_one_moment(story: Any) -> None:
    story.source("plays")
    registry = story.registry
    with registry.database.reading():
        assert [one.name for one in registry.inputs.sources()] == ["plays"]
        with ThreadPoolExecutor() as others:
            others.submit(story.source, "searches").result()
        assert [one.name for one in registry.inputs.sources()] == ["plays"]
    assert len(registry.inputs.sources()) == 2


def test_a_stamp_is_the_same_until_something_is_written(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.platform.registry.connection.QUIET_US", 3_600_000_000)  # for slow machines
    database = story.registry.database
    path = database.address.path
    if path is None:
        assert database.stamp() is None
        return

    def aged(by_s: int) -> Any:
        then = time.time() - by_s
        os.utime(path, (then, then))
        return database.stamp()

    story.source("plays")
    assert database.stamp() is None, "written a moment ago"
    first = aged(20_000)
    assert first is not None
    assert [one.name for one in story.registry.inputs.sources()] == ["plays"]
    assert database.stamp() == first
    story.source("searches")
    assert database.stamp() is None
    assert aged(10_000) not in (None, first)
    assert aged(-20_000) is None, "the clock was set back"
    path.rename(path.with_name("away.db"))
    assert database.stamp() is None
    path.with_name("away.db").rename(path)


def test_what_fails_inside_a_transaction_leaves_the_rest(story: Any) -> None:
    with story.registry.transaction():
        story.source("plays")
        with pytest.raises(NotFoundError, match='unknown source "prices"'):
            story.feature("n", "1", "plays", "prices")
        story.feature("n", "1", "plays")
    assert len(story.registry.inputs.features("n")) == 1


def test_a_transaction_reads_what_it_wrote(story: Any) -> None:
    with story.registry.transaction():
        story.initiative("art")
        assert story.registry.initiatives.read("art").name == "art"


def test_a_registry_stays_after_it_was_closed(story: Any, registry_url: str) -> None:
    story.initiative("art")
    with Registry.open(registry_url) as again:
        assert [row.name for row in again.initiatives.all()] == ["art"]


def test_rows_that_contradict_others_are_refused(story: Any) -> None:
    statement = "INSERT INTO step VALUES ('none', 's', 'k', NULL, 'ran', 0, 0, 0, 1, '')"
    with (
        pytest.raises(InputError, match="the rows contradict what is registered"),
        story.registry.database.transaction() as con,
    ):
        con.exec_driver_sql(statement)


# SQLite


def test_sqlite_readers_do_not_wait_for_the_writer(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "meta.db") as registry:
        with sqlite3.connect(tmp_path / "meta.db", isolation_level=None) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            other.execute("BEGIN IMMEDIATE")
            assert registry.initiatives.all() == []
        other.close()


def test_a_locked_file_is_told_after_the_wait(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "meta.db", wait_s=0.05) as registry:
        other = sqlite3.connect(tmp_path / "meta.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(StorageError, match=r"meta\.db: is locked by another process.*Nothing was written"),
            registry.transaction(),
        ):
            raise AssertionError("not reached")
        other.close()


def test_a_file_that_is_gone_is_told_and_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    with Registry.open(path) as registry:
        path.unlink()
        with pytest.raises(StorageError, match=r"meta\.db: cannot be opened.*It is gone"):
            registry.initiatives.all()
        assert not path.exists()
        path.touch()
        with pytest.raises(StorageError, match=r"has lost a table of the registry. Restore it from a backup"):
            registry.initiatives.all()


def test_no_file_where_one_is_expected(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(NotFoundError, match=r"meta\.db: no registry here, expected a file"):
        Registry.open(tmp_path / "meta.db", create=False)
    assert not (tmp_path / "meta.db").exists()
    with pytest.raises(NotFoundError, match=r"the folder .*nowhere does not exist, expected it to hold"):
        Registry.open(tmp_path / "nowhere" / "meta.db")
    with pytest.raises(StorageError, match=r"folder: the registry could not be made .*Choose a file"):
        Registry.open(folder)


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("member_id,title_id\n" * 100)
    with pytest.raises(StorageError, match=r"plays\.csv: is not a SQLite database. Name another file"):
        Registry.open(path)
    assert path.read_text() == "member_id,title_id\n" * 100


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "meta.db"
    with Registry.open(path) as registry:
        raw = bytearray(path.read_bytes())
        raw[100:] = b"\x00" * (len(raw) - 100)
        path.write_bytes(raw)
        with pytest.raises(StorageError, match=r"is damaged|is not a SQLite database|lost a table"):
            registry.initiatives.all()


def test_a_file_that_may_not_be_written_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "meta.db"
    Registry.open(path).close()
    real = sqlite3.connect

    def read_only(where: str, **options: Any) -> sqlite3.Connection:  # root may write every file
        return real(where.replace("?mode=rw", "?mode=ro"), **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with Registry.open(path) as registry:
        assert registry.initiatives.all() == []
        with pytest.raises(
            StorageError, match=r"meta\.db: is read-only, expected a file and a folder that can be"
        ):
            registry.alerts.clear("art", "drift", closed_us=0)


# PostgreSQL


def test_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://ana:s3cret@/matinee?host={tmp_path}"
    with pytest.raises(
        StorageError,
        match=r"cannot be reached. Start the server, or correct host and port in \[platform\] registry",
    ) as told:
        Registry.open(url, wait_s=2)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(("wait_s", "connect_s"), [(30.0, 5), (3.0, 3), (0.1, 2)])
def test_a_server_that_is_silent_is_not_waited_for_as_a_lock_is(
    wait_s: float, connect_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    psycopg = pytest.importorskip("psycopg")
    given: list[int] = []

    def refuses(*_: object, connect_timeout: int, **_more: object) -> None:
        given.append(connect_timeout)
        raise psycopg.OperationalError("no answer")

    monkeypatch.setattr(psycopg, "connect", refuses)
    with pytest.raises(StorageError, match="cannot be reached"):
        Registry.open("postgresql://ana@db.example/matinee", wait_s=wait_s)
    assert given == [connect_s]


def test_wrong_credentials_are_told_without_the_password(postgres: Any) -> None:
    postgres.sql("CREATE ROLE guest LOGIN PASSWORD 'right'")
    where = f"?host={postgres.folder}&port={postgres.port}"
    for credentials, meaning in (
        ("guest:wr0ng", "refused the user or the password. Correct [platform] registry."),
        ("guest", "asks for a password. Put it into [platform] registry, or into ~/.pgpass."),
    ):
        with pytest.raises(StorageError) as told:
            Registry.open(f"postgresql://{credentials}@/postgres{where}")
        assert f"postgresql://guest@/postgres: {meaning}" in str(told.value)
        assert "wr0ng" not in str(told.value)
    with pytest.raises(StorageError, match=r"has no such database or user. Make it"):
        Registry.open(postgres.url("nowhere"))
    with pytest.raises(StorageError, match=r"does not let this user do this. Let its owner grant CREATE"):
        Registry.open(f"postgresql://guest:right@/postgres{where}")


def test_a_lock_in_postgres_is_told_after_the_wait(postgres: Any) -> None:
    url = postgres.empty()
    with (
        Registry.open(url, wait_s=0.1) as registry,
        Registry.open(url) as other,
        other.database.transaction() as con,
    ):
        con.execute(text("LOCK TABLE initiative"))
        with pytest.raises(StorageError, match="is locked by another session that did not finish in time"):
            registry.initiatives.all()


def test_a_connection_that_broke_is_told_and_the_next_one_works(postgres: Any) -> None:
    with Registry.open(postgres.empty()) as registry:
        with pytest.raises(StorageError, match="cannot be reached"), registry.database.transaction() as con:
            con.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert registry.initiatives.all() == []


def test_more_threads_than_connections_wait_their_turn(postgres: Any) -> None:
    with Registry.open(postgres.empty(), wait_s=10) as registry, ThreadPoolExecutor(12) as pool:
        assert list(pool.map(lambda _: registry.initiatives.all(), range(36))) == [[]] * 36
    with Registry.open(postgres.empty(), wait_s=0.1) as registry, ExitStack() as held:
        for _ in range(POOL):
            held.enter_context(registry.database.engine.connect())
        with pytest.raises(
            StorageError, match=r"all connections of this process are in use. Ask less at once"
        ):
            registry.initiatives.all()


def test_a_standby_is_told(postgres: Any) -> None:
    url = postgres.empty()
    Registry.open(url).close()
    url += "%20-cdefault_transaction_read_only%3Don"
    with Registry.open(url) as registry:
        assert registry.initiatives.all() == []
        with (
            pytest.raises(StorageError, match="is read-only, expected the primary"),
            registry.database.transaction() as con,
        ):
            con.exec_driver_sql("DELETE FROM alert")


def test_postgres_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'matinee\[postgres\]'"):
        Registry.open("postgresql://ana@db/matinee")
