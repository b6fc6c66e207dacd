from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from matinee.observe.state import sqlite, sqlite_file, sqlite_folding, sqlite_groups
from matinee.observe.state.sqlite import SqliteStore
from matinee.testing.state_stores import NOW, Ids, listed, play


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps are taken within a few groups."""
    monkeypatch.setattr(sqlite_groups, "MOST_GROUPS", 3)
    monkeypatch.setattr(sqlite_groups, "BUCKETS", 4)
    monkeypatch.setattr(sqlite_folding, "FOLD_FROM", 2)
    monkeypatch.setattr(sqlite_folding, "FOLD_MOST", 1)


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as con:
        return int(con.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.parametrize("seed", range(3))
def test_every_process_sees_every_event_at_every_step(tmp_path: Path, seed: int) -> None:
    path, rng = tmp_path / "state.db", random.Random(seed)
    mine: dict[str, set[str]] = {f"m{n}": set() for n in range(12)}
    with (
        closing(SqliteStore(path, folds=[Ids()])) as one,
        closing(SqliteStore(path, folds=[Ids()])) as two,
        closing(SqliteStore(path, folds=None)) as tool,
    ):
        steps: set[str] = set()
        for n in range(0, 300, 5):
            taken = [(n + i, rng.choice(list(mine))) for i in range(5)]
            taker = rng.choice([one, two])
            taker.take([play(k, member) for k, member in taken], None, NOW)
            if rng.random() < 0.8:
                taker.tend()
            for k, member in taken:
                mine[member].add(f"title {k}")
            if rng.random() < 0.05:
                one.maintain(NOW)
            if rng.random() < 0.05:
                gone = rng.choice(list(mine))
                two.erase([gone])
                mine[gone] = set()
            steps |= {table for table in ("groups", "waiting", "base") if count(path, table)}
            events = sum(map(len, mine.values()))
            for store in (one, two, tool):
                for member in rng.sample(list(mine), 4):
                    assert len(store.record(member).plays) == len(mine[member])
                assert store.member_ids() == sorted(member for member, of in mine.items() if of)
                assert store.size()["members"] == sum(1 for of in mine.values() if of)
                assert store.size()["waiting"] <= events
        assert steps == {"groups", "waiting", "base"}
        for _ in range(9):
            one.maintain(NOW)
        assert (one.size()["waiting"], count(path, "waiting"), count(path, "groups")) == (0, 0, 0)
        assert all(len(two.record(member).plays) == len(of) for member, of in mine.items())


def test_many_events_of_one_member_are_folded_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, folds=[Ids()])) as store, closing(SqliteStore(path, folds=None)) as tool:
        many, few = [play(n) for n in range(20)], [play(100 + n, "m2") for n in range(3)]
        assert store.take([*many, *few, play(3)], None, NOW) == [True] * 23 + [False]
        assert store.size()["waiting"] == 3
        assert len(tool.record("m1").plays) == 20
        assert listed(store, "m1") == [f"e{n}" for n in range(20)]
        assert not any(store.take(many, None, NOW))
        tool.take([play(200 + n) for n in range(20)], None, NOW)  # a tool folds nothing
        assert store.size()["waiting"] == 23


def test_events_that_wait_come_before_those_that_are_many(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "state.db", folds=[Ids()])) as store:
        for start in (0, 1, 21, 41, 61):  # the first one waits, in a group and then in a bucket
            store.take([play(n) for n in range(start, 1 if start == 0 else start + 20)], None, NOW)
            assert store.size()["waiting"] == (start + 20 if start else 1)
            store.tend()
            assert listed(store, "m1") == [f"e{n}" for n in range(start + 20 if start else 1)]
            if store.size()["waiting"] == 0:
                break
        store.maintain(NOW)
        waiting = store.size()["waiting"]
        store.take([play(n) for n in range(200, 220)], None, NOW)
        assert (waiting, store.size()["waiting"]) == (0, 0)


def test_a_large_record_is_written_again_when_much_has_come(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        store.take([play(n) for n in range(900)], None, NOW)
        assert store.size()["waiting"] == 0
        store.take([play(1_000 + n) for n in range(20)], None, NOW)
        assert store.size()["waiting"] == 20
        assert len(store.record("m1").plays) == 920


def test_nothing_is_folded_at_once_while_the_state_is_rebuilt(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "state.db", folds=[Ids()])) as store:
        token = store.begin_rebuild()
        store.take([play(n) for n in range(20)], None, NOW)
        assert store.size()["waiting"] == 20
        store.end_rebuild(token, [])
        store.maintain(NOW)
        assert listed(store, "m1") == [f"e{n}" for n in range(20)]


def test_while_many_events_come_maintenance_leaves_folding_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PACE_S", 0.0)
    monkeypatch.setattr(sqlite, "BUSY_EVENTS_S", 1e-3)
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        store.maintain(NOW)
        store.take([play(n, f"m{n}") for n in range(12)], None, NOW)
        store.maintain(NOW)
        assert store.size()["waiting"] == 12
        store.maintain(NOW)
        assert store.size()["waiting"] == 0


def test_a_name_within_a_name_is_another_member(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        for n in range(8):
            store.take([play(10 * n, "m1"), play(10 * n + 1, "m11"), play(10 * n + 2, "xm1")], None, NOW)
        store.erase(["m1"])
        assert [len(store.record(member).plays) for member in ("m1", "m11", "xm1")] == [0, 8, 8]


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    lines = [play(n, f"m{n % 3}") for n in range(9)]
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as con:
        con.execute("DROP TABLE groups")
        con.execute("DROP TABLE waiting")
        con.execute(
            "CREATE TABLE waiting (member_id TEXT NOT NULL, n INTEGER NOT NULL, lines BLOB NOT NULL, "
            "PRIMARY KEY (member_id, n)) WITHOUT ROWID"
        )
        con.executemany(
            "INSERT INTO waiting VALUES (?, ?, ?)",
            [(one.member_id, n + 1, one.line) for n, one in enumerate(lines)],
        )
        con.execute("INSERT INTO marks VALUES ('waiting_events', 9), ('waiting_rows', 9)")
        con.execute("PRAGMA user_version = 1")
        con.commit()
    for _ in range(2):
        with closing(SqliteStore(path)) as store:
            assert [len(store.record(f"m{n}").plays) for n in range(4)] == [3, 3, 3, 0]
            assert store.size()["waiting"] == 9
    with closing(sqlite3.connect(path)) as con:
        assert con.execute("PRAGMA user_version").fetchone()[0] == sqlite_file.FORMAT
