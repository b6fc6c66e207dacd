from __future__ import annotations

import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from matinee.errors import ConfigError, InputError, StorageError
from matinee.observe.home import Home
from matinee.observe.members import Member
from matinee.observe.state import sqlite, sqlite_file, sqlite_folding, sqlite_groups, sqlite_window
from matinee.observe.state.open import open_store
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.sqlite_leftovers import Leftovers
from matinee.observe.state.store import CopiesLeftError
from matinee.testing.state_stores import HOUR, NOW, Ids, Opening, StateStoreContract, listed, opened, play


class TestSqliteStore(StateStoreContract):
    def opening(self, tmp_path: Path) -> Opening:
        return Opening("matinee.observe.state.sqlite:SqliteStore", (str(tmp_path / "state.db"),))

    @pytest.mark.parametrize("seed", range(4))
    def test_nothing_of_an_erased_member_is_in_any_file(
        self, how: Opening, tmp_path: Path, seed: int
    ) -> None:
        rng = random.Random(seed)
        with opened(how, folds=[Ids()]) as store:
            whom = [f"member-{n:03d}" for n in range(30)]
            store.put_members([Member(one, account_id=f"account of {one}") for one in whom])
            store.put("page", [(one, f"page of {one}".encode() * rng.randrange(1, 400)) for one in whom])
            for n in range(0, 3_000, 6):
                mine = rng.choice(whom)
                store.take([play(n + i, mine, f"title of {mine}") for i in range(6)], None, NOW)
                if rng.random() < 0.02:
                    store.maintain(NOW)
            store.erase(whom[5:25])
            for one in whom[5:25]:
                assert places(tmp_path, one) == []
            assert places(tmp_path, whom[0])

    def test_an_erased_id_does_not_stay_where_a_page_was_split(self, how: Opening, tmp_path: Path) -> None:
        rng = random.Random(2)
        whom = [f"mem-{n:05d}" for n in range(1_500)] + [
            f"{'y' * rng.randrange(20, 250)}{n}" for n in range(40)
        ]
        rng.shuffle(whom)
        with opened(how) as store, closing(Leftovers(tmp_path / "state.db")) as left:
            for longest in (1, 90):
                store.put_members([Member(one, account_id="a" * rng.randrange(longest)) for one in whom])
            with closing(sqlite3.connect(tmp_path / "state.db")) as con:
                con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            stale = [one for one in whom if left.of([one])]
            assert stale, "pages were split, so that some ids stand where no row is"
            store.erase(stale[:2])
            for one in stale[:2]:
                assert places(tmp_path, one) == []
            assert not any(left.of([one]) for one in whom), "the file was written anew"
            assert store.member(next(one for one in whom if one not in stale)) is not None

    def test_a_disk_that_is_full_leaves_copies_to_the_next_erasure(
        self, how: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with opened(how) as store:
            store.put_members([Member("m1"), Member("m2")])
            monkeypatch.setattr(Leftovers, "of", lambda *_: True)
            with monkeypatch.context() as now:
                now.setattr(sqlite, "write_anew", disk_full)
                with pytest.raises(CopiesLeftError) as told:
                    store.erase(["m1"])
            assert told.value.removed["facts"] == 1
            assert str(told.value).endswith(
                "state.db: the disk is full. The rows are erased; copies of them may stand in free places of "
                "the file until it is written anew, which takes up to twice its size. Free space, and erase "
                "again."
            )
            assert (tmp_path / "state.db-wal").stat().st_size == 0, "it does not keep what it took"
            assert (store.member("m1"), store.member("m2")) == (None, Member("m2"))
            assert not any(store.erase(["m1"]).values())

    def test_a_take_that_fails_changes_nothing(self, how: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_arguments: object) -> None:
            raise RuntimeError("broken")

        with opened(how, folds=[Ids()]) as store:
            for n in range(15):
                store.take([play(n)], None, NOW)
            with monkeypatch.context() as patch:
                patch.setattr(sqlite_groups, "add", broken)
                with pytest.raises(RuntimeError, match="broken"):
                    store.take([play(15)], None, NOW)
            assert store.known(["e14", "e15"]) == [True, False]
            assert len(store.record("m1").plays) == 15

    def test_events_are_taken_in_whatever_comes_of_folding(
        self, how: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_arguments: object) -> int:
            raise RuntimeError("broken")

        monkeypatch.setattr(sqlite_groups, "MOST_GROUPS", 5)
        monkeypatch.setattr(sqlite_folding, "FOLD_FROM", 1)
        with opened(how, folds=[Ids()]) as store:
            with monkeypatch.context() as patch:
                patch.setattr(sqlite_folding, "fold", broken)
                assert all(store.take([play(n)], None, NOW) == [True] for n in range(40))
            assert len(store.record("m1").plays) == 40
            store.maintain(NOW)
            assert store.size()["waiting"] == 0
            assert listed(store, "m1") == [f"e{n}" for n in range(40)]

    def test_others_write_while_an_erasure_waits_for_a_reader(self, how: Opening, tmp_path: Path) -> None:
        with opened(how) as store, ThreadPoolExecutor(1) as beside:
            store.take([play(1), play(2, "m2")], None, NOW)
            with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM base").fetchall()
                erasing = beside.submit(store.erase, ["m2"])
                while store.record("m2").plays:
                    time.sleep(0.005)
                began = time.monotonic()
                for n in range(10, 20):
                    store.take([play(n)], None, NOW)
                took_s = time.monotonic() - began
                assert not erasing.done()
            assert erasing.result(20)["waiting"] == 1
            assert took_s < sqlite_file.BUSY_S / 2
            assert places(tmp_path, '"m2"') == []

    def test_a_record_that_cannot_be_read_holds_up_nobody(self, how: Opening, tmp_path: Path) -> None:
        with opened(how, folds=[Ids()]) as store:
            store.take([play(n, f"m{n}") for n in range(100)], None, NOW)
            store.maintain(NOW)
            with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
                other.execute("UPDATE base SET record = x'c1' WHERE member_id = 'm7'")
            store.take([play(100 + n, f"m{n}") for n in range(100)], None, NOW)
            store.maintain(NOW)
            store.maintain(NOW)
            assert store.size()["waiting"] == 1
            assert len(store.record("m8").plays) == 2
            with pytest.raises(StorageError, match="rebuild-state"):
                store.record("m7")

    def test_readers_do_not_wait_for_a_writer(self, how: Opening, tmp_path: Path) -> None:
        with opened(how) as store:
            store.take([play(1)], None, NOW)
            with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as writer:
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("DELETE FROM waiting")
                assert len(store.record("m1").plays) == 1
                assert store.known(["e1"]) == [True]
                assert store.size()["members"] == 1


def disk_full(con: sqlite3.Connection) -> None:
    """Write some pages, until there is no room for more, as SQLite sees it."""
    con.execute("PRAGMA max_page_count = 1").fetchall()  # so many as there are
    con.execute("CREATE TABLE anew AS SELECT zeroblob(1000000)")


def places(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.glob("state.db*") if text.encode() in path.read_bytes()]


def test_a_damaged_file_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"this is no database" * 500)
    with pytest.raises(StorageError, match=r"state is damaged .* run matinee rebuild-state"):
        SqliteStore(tmp_path / "state.db")


def test_a_file_that_is_damaged_inside_names_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(SqliteStore(path)) as store:
        store.take([play(n, f"m{n}") for n in range(2_000)], None, NOW)
        store.maintain(NOW)
    data = bytearray(path.read_bytes())
    data[4_096:] = b"\xa5" * (len(data) - 4_096)
    path.write_bytes(data)
    with closing(SqliteStore(path, folds=None)) as store, pytest.raises(StorageError, match="rebuild-state"):
        store.take([play(3_000)], None, NOW)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="has format 99, expected at most 2"):
        SqliteStore(path)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as con:
        con.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StorageError, match="is a database of something else"):
        SqliteStore(tmp_path / "state.db")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store.close()
    with pytest.raises(StorageError, match=r"state\.db"):
        store.record("m1")
    seen: list[type[BaseException]] = []

    def ask() -> None:
        try:
            store.record("m1")
        except BaseException as problem:
            seen.append(type(problem))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [StorageError]


def test_two_folds_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='two folds have the name "ids"'):
        SqliteStore(tmp_path / "state.db", folds=[Ids(), Ids()])


def test_the_window_must_be_longer_than_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dedup_h is 0"):
        open_store(Home(tmp_path), dedup_h=0)


class TestWindow:
    """Small segments, so that they are merged twice."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (("SEAL_IDS", 64), ("MERGED", 4), ("CHUNK_BITS", 3), ("SLICE_CHUNKS", 2)):
            monkeypatch.setattr(sqlite_window, name, value)

    def test_every_id_is_told_and_no_other(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        with closing(SqliteStore(path)) as store, closing(SqliteStore(path)) as other:
            for start in range(0, 3_000, 30):
                assert all(store.take([play(n, f"m{n}") for n in range(start, start + 30)], None, NOW))
                if start % 60 == 0:
                    other.maintain(NOW)
                if start % 300 == 0:
                    asked = [f"e{n}" for n in range(0, 6_000, 7)]
                    assert other.known(asked) == [n < start + 30 for n in range(0, 6_000, 7)]
            for _ in range(50):
                store.maintain(NOW)
            with closing(sqlite3.connect(path)) as con:
                tiers = {row[0] for row in con.execute("SELECT tier FROM segments")}
            assert max(tiers) == 2
            assert not any(store.take([play(n, f"m{n}") for n in range(3_000)], None, NOW))
            assert store.size()["ids"] == 3_000

    def test_a_write_that_fails_while_others_read_forgets_no_id(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with closing(SqliteStore(tmp_path / "state.db")) as store:
            store.take([play(n, f"m{n}") for n in range(100)], None, NOW)
            window, others = store._window, []

            class Reading(sqlite_window.Window):
                def __setattr__(self, name: str, value: object) -> None:
                    if name == "_recent" and not others:  # half-way through `reset`
                        others.append(threading.Thread(target=store.known, args=(["e1"],)))
                        others[0].start()
                        others[0].join(0.2)
                    object.__setattr__(self, name, value)

            window.__class__ = Reading
            window.reset()
            others[0].join()
            assert store.known(["e1", "e99", "e100"]) == [True, True, False]

    def test_ids_are_told_for_the_window_and_then_forgotten(self, tmp_path: Path) -> None:
        with closing(SqliteStore(tmp_path / "state.db", dedup_h=2)) as store:
            for hour in range(12):
                now_us = NOW + hour * HOUR
                store.take([play(hour * 100 + n, "m1") for n in range(100)], None, now_us)
                for _ in range(10):
                    store.maintain(now_us)
                for back in range(3):
                    recent = max(0, hour - back) * 100
                    assert all(store.known([f"e{recent + n}" for n in range(100)]))
            assert not any(store.known([f"e{n}" for n in range(300)]))
            assert store.size()["ids"] < 900

    def test_a_clock_that_was_set_back_forgets_nothing_early(self, tmp_path: Path) -> None:
        with closing(SqliteStore(tmp_path / "state.db", dedup_h=2)) as store:
            store.take([play(n, "m1") for n in range(200)], None, NOW)
            store.maintain(NOW - 5 * HOUR)
            store.take([play(n, "m1") for n in range(200, 400)], None, NOW - 5 * HOUR)
            store.maintain(NOW - 4 * HOUR)
            assert all(store.known([f"e{n}" for n in range(400)]))
            for _ in range(20):
                store.maintain(NOW)
            assert not any(store.known([f"e{n}" for n in range(100)]))
