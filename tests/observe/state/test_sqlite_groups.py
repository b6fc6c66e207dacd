from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from matinee.observe.state import sqlite_file, sqlite_folding, sqlite_groups
from matinee.observe.state.sqlite import SqliteStore
from matinee.testing.state_stores import NOW, Ids, play


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
            rng.choice([one, two]).take([play(k, member) for k, member in taken], None, NOW)
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
