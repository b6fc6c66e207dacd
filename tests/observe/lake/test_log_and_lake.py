"""Events on their way: log segments, compaction, and reading both together."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from matinee.errors import ConfigError, StorageError
from matinee.observe import log as log_file
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play, Signal
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.reader import Moment, last_event_us, open_events, open_facts
from matinee.observe.log import LogWriter, segments

SECOND = 1_000_000


def play(number: int, *, member: str = "m1", at: int = 10) -> tuple[Play, int]:
    event = Play(event_id=f"e{number}", member_id=member, title_id=f"t{number}", at=at, watch_s=60)
    return event, at * SECOND


def rows(home: Home, moment: Moment | None = None, table: str = "plays") -> list[tuple[object, ...]]:
    with connect() as con:
        open_events(con, home, table, moment=moment)
        return con.execute(
            f"SELECT event_id, title_id, at_us // {SECOND} FROM {table} ORDER BY member_id, at_us, seq"
        ).fetchall()


def writer(home: Home, at: int = 100, **options: int) -> LogWriter:
    return LogWriter(home.log, Clock.fixed(at), **options)


def test_open_events_are_read_at_once_in_order_of_arrival_and_each_id_once(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = writer(home)
    log.append([play(2), play(1)])
    log.append([play(2), play(3, at=5)])
    assert [row[0] for row in rows(home)] == ["e3", "e2", "e1"]
    log.close()


def test_compaction_moves_closed_segments_and_changes_nothing_that_is_read(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = writer(home)
    log.append([play(1), play(2, at=90_000)])
    log.append(
        [(Signal(event_id="s1", member_id="m1", title_id="t1", at=10, signal="list_add"), 10 * SECOND)]
    )
    before = rows(home)
    log.close()
    done = compact(home)
    assert (done.added, done.duplicate, done.torn, done.segments) == (3, 0, 0, 1)
    assert segments(home.log) == []
    assert rows(home) == before
    assert rows(home, table="signals") == [("s1", "t1", 10)]
    assert last_event_us(home) == 90_000 * SECOND


def test_the_newest_event_may_still_be_in_the_open_log(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    assert last_event_us(home) is None
    log = writer(home)
    log.append([play(1, at=50)])
    assert last_event_us(home) == 50 * SECOND
    log.close()
    compact(home)
    log = writer(home)
    log.append([play(2, at=40)])
    assert last_event_us(home) == 50 * SECOND
    log.append([play(3, at=60)])
    assert last_event_us(home) == 60 * SECOND
    log.close()


def test_an_id_sent_again_after_compaction_is_a_duplicate(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    for _ in range(2):
        log = writer(home)
        log.append([play(1), play(2)])
        assert len(rows(home)) == 2
        log.close()
        done = compact(home)
    assert (done.added, done.duplicate) == (0, 2)
    assert len(rows(home)) == 2


def test_an_open_segment_is_left_alone_until_its_process_is_gone(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = writer(home)
    log.append([play(1)])
    assert compact(home).segments == 0
    os.close(log._segment.handle)  # type: ignore[union-attr]  # the process dies: the system frees its lock
    assert compact(home).added == 1


def test_a_torn_last_line_is_skipped_and_counted(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = writer(home)
    log.append([play(1)])
    with segments(home.log)[0].open("ab") as file:
        file.write(b'{"type":"play","event_id":"e2","memb')
    with connect() as con:
        assert open_events(con, home, "plays").torn == 1
    assert [row[0] for row in rows(home)] == ["e1"]
    log.close()
    assert compact(home).torn == 1


def test_a_reading_as_of_a_moment_sees_neither_later_events_nor_late_arrivals(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    for at, number in ((100, 1), (200, 2)):
        log = writer(home, at)
        log.append([play(number, at=10)])
        log.append([play(number + 10, at=150)])
        log.close()
        compact(home)
    seen = Moment(100 * SECOND, 100 * SECOND)
    assert [row[0] for row in rows(home, seen)] == ["e1"]
    assert [row[0] for row in rows(home, Moment(100 * SECOND))] == ["e1", "e2"]


def test_small_files_of_the_same_days_are_merged(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    for number in range(5):
        log = writer(home)
        log.append([play(number)])
        log.close()
        compact(home)
    assert [file.rows for file in read_manifest(home.lake).of("plays")] == [5]
    assert len(list(home.lake.glob("plays/*/*.parquet"))) == 2  # the last one replaced is kept for readers


def test_a_crash_after_the_manifest_leaves_segments_that_are_not_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.create(tmp_path)
    log = writer(home)
    log.append([play(1)])
    log.close()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_a, **_k: None)
        compact(home)
    assert len(segments(home.log)) == 1
    assert len(rows(home)) == 1
    assert compact(home).added == 0
    assert segments(home.log) == []


def test_segments_rotate_by_size(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = writer(home, rotate_bytes=300)
    for number in range(10):
        log.append([play(number)])
    log.close()
    assert len(segments(home.log)) > 2
    assert len(rows(home)) == 10


def test_a_full_disk_is_an_error_for_every_waiting_thread_and_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.create(tmp_path)
    log = writer(home)
    log.append([play(1)])
    failed = []

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    def try_append(number: int) -> None:
        try:
            log.append([play(number)])
        except StorageError as error:
            failed.append(str(error))

    with monkeypatch.context() as patch:
        patch.setattr(log_file, "_sync", full)
        threads = [threading.Thread(target=try_append, args=(n,)) for n in range(2, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(failed) == 4
    assert "Free space on the disk" in failed[0]
    log.append([play(9)])
    assert [row[0] for row in rows(home)] == ["e1", "e9"]
    log.close()


def test_a_limited_home_refuses_the_other_tables(tmp_path: Path) -> None:
    home = Home.create(tmp_path).limited_to(["plays", "titles"])
    with connect() as con:
        open_events(con, home, "plays")
        open_facts(con, home, "titles")
        with pytest.raises(ConfigError, match='table "signals" is read and not declared'):
            open_events(con, home, "plays", "signals")
        with pytest.raises(ConfigError, match='table "members" is read and not declared'):
            open_facts(con, home, "members")
