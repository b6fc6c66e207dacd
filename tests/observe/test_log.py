"""Writing groups to segments: where they end, when they are closed, and what a failing disk leaves."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe import log as log_file
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import Moment, open_events
from matinee.observe.log import LogWriter, closed_segments, segment_name, segments
from matinee.types import HOUR_US, SECOND_US

NOON_US = 1_700_000_000 * SECOND_US


@dataclass
class SetClock:
    """A clock that a test sets."""

    now_us: int = NOON_US


def play(number: int, at_us: int = 10 * SECOND_US) -> tuple[Play, int]:
    event = Play(event_id=f"e{number}", member_id="m1", title_id=f"t{number}", at=10, watch_s=60)
    return event, at_us


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def writer(folder: Path, clock: SetClock | None = None, **options: int) -> LogWriter:
    return LogWriter(folder, clock or SetClock(), **options)  # type: ignore[arg-type]


def fail(code: int) -> object:
    def raising(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return raising


def test_a_group_of_events_and_records_is_stamped_and_its_end_is_told(tmp_path: Path) -> None:
    log = writer(tmp_path)
    record = b'{"type":"decision","event_id":"d1","member_id":"m1","at_us":5}\n'
    first = log.write([play(1), play(2)], [record])
    second = log.write([play(3)])
    (path,) = segments(tmp_path)
    assert first.position is not None
    assert second.position is not None
    assert (first.position.segment, second.position.end) == (segment_name(path), path.stat().st_size)
    assert path.read_bytes()[first.position.end :] == second.lines[0]
    assert [line["event_id"] for line in lines(path)] == ["e1", "e2", "d1", "e3"]
    assert [line["seq"] for line in lines(path)] == [NOON_US, NOON_US + 1, NOON_US + 2, NOON_US + 3]
    assert {line["seen_us"] for line in lines(path)} == {NOON_US}
    log.close()
    assert closed_segments(tmp_path) == [tmp_path / first.position.segment]


def test_nothing_to_write_makes_no_file(tmp_path: Path) -> None:
    assert writer(tmp_path).write([]).position is None
    assert segments(tmp_path) == []


def test_a_full_segment_is_closed_by_the_next_write(tmp_path: Path) -> None:
    log = writer(tmp_path, rotate_bytes=10)
    log.write([play(1)])
    assert closed_segments(tmp_path) == []  # what is behind it may not have been taken in yet
    log.write([play(2)])
    assert len(closed_segments(tmp_path)) == 1
    assert len(segments(tmp_path)) == 2
    log.close()


@pytest.mark.parametrize(("code", "todo"), [(errno.ENOSPC, "Free space"), (errno.EROFS, "writable")])
@pytest.mark.parametrize("function", ["write", "fdatasync", "open"])
def test_a_group_that_fails_leaves_nothing_and_later_ones_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, code: int, todo: str
) -> None:
    log = writer(tmp_path)
    if function != "open":
        log.write([play(1)])
    with monkeypatch.context() as patch:
        patch.setattr(log_file.os, function, fail(code))
        with pytest.raises(StorageError, match=todo):
            log.write([play(2), play(3)])
    position = log.write([play(4)]).position
    log.close()
    kept = [line["event_id"] for path in segments(tmp_path) for line in lines(path)]
    assert kept == (["e4"] if function == "open" else ["e1", "e4"])
    assert position is not None
    assert position.end == len(segments(tmp_path)[-1].read_bytes())


def test_a_half_written_group_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = writer(tmp_path)
    log.write([play(1)])
    real, calls = os.write, []

    def short(handle: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, bytes(data[:20]))

    with monkeypatch.context() as patch:
        patch.setattr(log_file.os, "write", short)
        with pytest.raises(StorageError):
            log.write([play(2)])
    assert [line["event_id"] for line in lines(segments(tmp_path)[0])] == ["e1"]
    log.close()


def test_a_disk_that_takes_a_little_at_a_time_gets_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, real = writer(tmp_path), os.write
    with monkeypatch.context() as patch:
        patch.setattr(log_file.os, "write", lambda handle, data: real(handle, bytes(data[:7])))
        log.write([play(1), play(2)])
    assert [line["event_id"] for line in lines(segments(tmp_path)[0])] == ["e1", "e2"]
    log.close()


def test_a_group_that_cannot_be_cut_off_is_given_up_with_its_segment_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = writer(tmp_path)
    log.write([play(1)])
    with monkeypatch.context() as patch:
        patch.setattr(log_file.os, "fdatasync", fail(errno.EIO))
        patch.setattr(log_file.os, "ftruncate", fail(errno.EIO))
        with pytest.raises(StorageError, match="tried again with the next events"):
            log.write([play(2)])
        assert closed_segments(tmp_path) == []  # still locked
    log.write([play(3)])  # to a new one, after the old one was cut
    (old,) = closed_segments(tmp_path)
    assert [line["event_id"] for line in lines(old)] == ["e1"]
    log.close()


def test_a_segment_that_cannot_be_renamed_is_closed_like_that_of_a_dead_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = writer(tmp_path)
    log.write([play(1)])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail(errno.EROFS))
        log.close()
    assert len(closed_segments(tmp_path)) == 1


def test_a_clock_set_back_loses_hides_and_reorders_nothing(tmp_path: Path) -> None:
    home, clock = Home.create(tmp_path), SetClock()
    log = writer(home.log, clock)
    log.write([play(1, NOON_US)])
    clock.now_us -= HOUR_US
    log.write([play(2, NOON_US - HOUR_US)])
    clock.now_us -= SECOND_US // 2  # small corrections do not begin a segment
    log.write([play(3, NOON_US - HOUR_US)])
    log.close()
    first, second = [lines(path) for path in segments(home.log)]
    assert [line["seen_us"] for line in second] == [NOON_US - HOUR_US] * 2
    numbers = [int(str(line["seq"])) for line in [*first, *second]]
    assert numbers == sorted(set(numbers))
    now = clock.now_us + SECOND_US

    def seen(moment: Moment | None) -> list[str]:
        with connect() as con:
            open_events(con, home, "plays", moment=moment)
            return [row[0] for row in con.execute("SELECT event_id FROM plays ORDER BY seq").fetchall()]

    assert seen(Moment(now, now)) == ["e2", "e3"]  # what comes after is seen as of now
    assert seen(None) == ["e1", "e2", "e3"]
    assert seen(Moment(NOON_US, NOON_US)) == ["e1", "e2", "e3"]


def test_the_empty_segment_of_a_dead_process_is_removed(tmp_path: Path) -> None:
    (tmp_path / "1-a-0001.open.ndjson").touch()
    assert closed_segments(tmp_path) == []
    assert segments(tmp_path) == []


@pytest.mark.parametrize("meanwhile", ["the other is at it", "the other is done"])
def test_a_new_segment_that_is_taken_for_a_dead_one_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    real, taken = log_file.lock_file, []

    def slow(handle: int) -> bool:
        monkeypatch.setattr(log_file, "lock_file", real)
        (made,) = segments(tmp_path)
        taken.append(made)
        if meanwhile == "the other is done":
            assert closed_segments(tmp_path) == []
            return real(handle)
        other = os.open(made, os.O_RDWR)
        try:
            return real(other) and real(handle)
        finally:
            made.unlink()
            os.close(other)

    monkeypatch.setattr(log_file, "lock_file", slow)
    log = writer(tmp_path)
    log.write([play(1)])
    (path,) = segments(tmp_path)
    assert path != taken[0]
    assert [line["event_id"] for line in lines(path)] == ["e1"]
    log.close()
    assert len(closed_segments(tmp_path)) == 1


def test_the_segment_of_a_dead_process_is_closed(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, Clock.wall())
    log.write([play(1)])
    assert closed_segments(tmp_path) == []
    assert log._segment is not None
    os.close(log._segment.handle)  # the process dies: the system frees its lock
    assert len(closed_segments(tmp_path)) == 1
