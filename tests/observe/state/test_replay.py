"""Taking the log into the state again: from where it stopped, and without harm when it is done twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.clock import Clock
from matinee.observe.erasure.erased import mark
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.log import LogWriter, segments
from matinee.observe.state import replay as module
from matinee.observe.state.imports import take_in
from matinee.observe.state.replay import Replayed, replay
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.store import Arrival

NOW_US = 1_700_000_000_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path)


@pytest.fixture
def store(home: Home) -> Iterator[SqliteStore]:
    opened = SqliteStore(home.state_db)
    yield opened
    opened.close()


def play(number: int, member: str = "m1") -> tuple[Play, int]:
    return Play(event_id=f"e{number}", member_id=member, title_id=f"t{number}", at=10), 10_000_000 + number


def write(home: Home, *numbers: int, close: bool = True) -> LogWriter:
    log = LogWriter(home.log, Clock("fixed", NOW_US))
    log.write([play(number) for number in numbers], [b'{"type":"decision","event_id":"d1","at_us":5}'])
    if close:
        log.close()
    return log


def titles(store: SqliteStore, member: str = "m1") -> list[str]:
    return [one.title_id for one in store.record(member).plays]


def test_what_the_log_has_and_the_state_lacks_is_taken_in_once(home: Home, store: SqliteStore) -> None:
    write(home, 1, 2)
    write(home, 2, 3)
    assert replay(home, store, NOW_US) == Replayed(events=3, segments=2, torn=0)
    assert titles(store) == ["t1", "t2", "t3"]
    assert replay(home, store, NOW_US) == Replayed()
    assert set(store.positions()) == {path.name for path in segments(home.log)}


def test_it_goes_on_behind_the_position(home: Home, store: SqliteStore) -> None:
    log = write(home, close=False)
    written = log.write([play(1)])
    store.take([Arrival("e1", "m1", written.lines[0])], written.position, NOW_US)
    log.write([play(2)])  # and then the process died
    log.close()
    assert replay(home, store, NOW_US).events == 1
    assert titles(store) == ["t1", "t2"]


def test_a_torn_line_is_skipped_and_its_segment_is_done(home: Home, store: SqliteStore) -> None:
    write(home, 1)
    (path,) = segments(home.log)
    with path.open("ab") as file:
        file.write(b'{"type":"play","event_id":"e2"}\n[[[\n\xff\n{"type":"play","event_id":"e3","memb')
    assert replay(home, store, NOW_US) == Replayed(events=1, segments=1, torn=4)
    assert store.positions() == {path.name: path.stat().st_size}


def test_lines_are_taken_in_the_order_of_the_file_in_chunks(
    home: Home, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 100)  # less than a line
    write(home, *range(50))
    taken: list[str] = []
    real = store.take

    def take(arrivals: list[Arrival], *rest: object) -> list[bool]:
        taken.extend(one.event_id for one in arrivals)
        return real(arrivals, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "take", take)
    assert replay(home, store, NOW_US).events == 50
    assert taken == [f"e{n}" for n in range(50)]


def test_the_open_segment_of_a_live_process_is_left_to_it(home: Home, store: SqliteStore) -> None:
    log = write(home, 1, close=False)
    assert replay(home, store, NOW_US).events == 0
    assert log._segment is not None
    os.close(log._segment.handle)  # the process dies
    assert replay(home, store, NOW_US).events == 1


def test_positions_of_segments_that_are_gone_are_forgotten(home: Home, store: SqliteStore) -> None:
    write(home, 1)
    replay(home, store, NOW_US)
    compact(home)
    replay(home, store, NOW_US)
    assert store.positions() == {}
    assert titles(store) == ["t1"]


def test_compaction_can_insist_that_segments_are_taken_in_before_they_go(
    home: Home, store: SqliteStore
) -> None:
    write(home, 1)

    def unreachable() -> None:
        raise StorageError("no state")

    with pytest.raises(StorageError, match="no state"):
        compact(home, taken_in=unreachable)
    assert len(segments(home.log)) == 1
    assert compact(home, taken_in=lambda: take_in(home, store, NOW_US)).added == 2
    assert segments(home.log) == []
    assert titles(store) == ["t1"]


def test_members_who_were_erased_do_not_come_back(home: Home, store: SqliteStore) -> None:
    log = LogWriter(home.log, Clock("fixed", NOW_US))
    log.write([play(1), play(2, "m2")])
    log.close()
    mark(home, "m1")
    assert replay(home, store, NOW_US).events == 1
    assert (titles(store), titles(store, "m2")) == ([], ["t2"])


def test_one_replays_at_a_time(home: Home, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 1, 2)
    real = store.positions
    inside: list[int] = []

    def positions() -> dict[str, int]:
        inside.append(1)
        assert len(inside) == 1
        time.sleep(0.1)
        inside.pop()
        return real()

    monkeypatch.setattr(store, "positions", positions)
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(replay(home, store, NOW_US).events)) for _ in "ab"]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    with pytest.raises(StorageError, match="another process has been replaying"):
        replay(home, store, NOW_US, wait_s=0)
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 2]
