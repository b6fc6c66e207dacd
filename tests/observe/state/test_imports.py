"""A state that was lost, or set back, after segments of the log were deleted is found and made again."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.clock import Clock
from matinee.observe.erasure.lake import remove_from_lake
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.log import LogWriter, segments
from matinee.observe.state import sqlite as sqlite_file
from matinee.observe.state.imports import catch_up, is_behind, take_in
from matinee.observe.state.marks import COMPACTED, told
from matinee.observe.state.open import open_store
from matinee.observe.state.sqlite_file import discard
from matinee.observe.state.store import Arrival, StateStore

NOW = 1_730_000_000_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "shop")


def sent(home: Home, store: StateStore | None, *numbers: int) -> None:
    """Events as a server takes them in; the segment is closed."""
    log = LogWriter(home.log, Clock("fixed", NOW))
    for n in numbers:
        event = Play(event_id=f"e{n}", member_id="m1", title_id=f"t{n}", at=NOW // 1_000_000 + n)
        written = log.write([(event, NOW + n * 1_000_000)])
        if store is not None:
            store.take([Arrival(event.event_id, "m1", written.lines[0])], written.position, NOW)
    log.close()


def compacted(home: Home, store: StateStore) -> int:
    return compact(home, taken_in=lambda: take_in(home, store, NOW)).segments


def titles(store: StateStore) -> list[str]:
    return [play.title_id for play in store.record("m1").plays]


def test_a_state_that_was_deleted_is_behind(home: Home) -> None:
    with closing(open_store(home)) as store:
        sent(home, store, 1)
        assert compacted(home, store) == 1
        assert not is_behind(home, store)
        assert told(store, COMPACTED) == read_manifest(home.lake).compactions == 1
    discard(home.state_db)
    with closing(open_store(home)) as store:
        assert is_behind(home, store)
        sent(home, store, 2)
        assert compacted(home, store) == 1
        assert is_behind(home, store), "what is missing is missing still"
        catch_up(home, store, NOW)
        assert not is_behind(home, store)
        assert titles(store) == ["t1", "t2"]


def test_a_state_that_was_set_back_is_behind(home: Home, tmp_path: Path) -> None:
    with closing(open_store(home)) as store:
        sent(home, store, 1)
        compacted(home, store)
    shutil.copy(home.state_db, tmp_path / "earlier.db")
    with closing(open_store(home)) as store:
        sent(home, store, 2)
        compacted(home, store)
    shutil.copy(tmp_path / "earlier.db", home.state_db)
    with closing(open_store(home)) as store:
        assert titles(store) == ["t1"]
        assert is_behind(home, store)
        catch_up(home, store, NOW)
        assert titles(store) == ["t1", "t2"]
        assert not is_behind(home, store)


def test_a_state_that_begins_after_a_compaction_is_behind(home: Home) -> None:
    sent(home, None, 1)
    compact(home)
    with closing(open_store(home)) as store:
        assert is_behind(home, store)


def test_a_compaction_that_did_not_happen_is_numbered_anew(home: Home) -> None:
    with closing(open_store(home)) as store:
        sent(home, store, 1)
        assert take_in(home, store, NOW) == 1
        sent(home, store, 2)
        assert compacted(home, store) == 2
        assert read_manifest(home.lake).compactions == 2
        assert not is_behind(home, store)
        assert compacted(home, store) == 0
        assert read_manifest(home.lake).compactions == 2


def test_other_writes_of_the_lake_keep_the_number(home: Home) -> None:
    sent(home, None, 1)
    compact(home)
    remove_from_lake(home, "m1", {})
    assert read_manifest(home.lake).files == []
    assert read_manifest(home.lake).compactions == 1


def test_segments_stay_until_the_state_is_on_the_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        synced.append(path.name)
        raise OSError(5, "Input/output error")

    synced: list[str] = []
    with closing(open_store(home)) as store:
        sent(home, store, 1)
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_file, "sync_file", full)
            with pytest.raises(StorageError, match=r"-wal: could not be written"):
                compacted(home, store)
        assert synced == ["state.db-wal"]
        assert len(segments(home.log)) == 1
        assert compacted(home, store) == 1
