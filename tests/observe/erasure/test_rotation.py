"""Whoever writes closes the segment when asked; what a dead process left is closed by its lock."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.clock import Clock
from matinee.observe.erasure.rotation import RotationRequest, close_segments
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.log import OPEN, LogWriter, segments


def test_a_writer_that_looks_closes_its_segment(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = LogWriter(home.log, Clock.fixed(5))
    log.append([(Play(event_id="e1", member_id="m1", title_id="t1", at=5), 5)])
    due = RotationRequest(home, look_every_s=0.01)
    assert not due.changed()
    answered = []

    def serve() -> None:
        give_up = time.monotonic() + 10
        while not answered and time.monotonic() < give_up:
            if due.changed():
                log.close()
                answered.append(True)
            time.sleep(0.005)

    server = threading.Thread(target=serve)
    server.start()
    assert close_segments(home) == 1
    server.join()
    assert answered
    assert not any(path.name.endswith(OPEN) for path in segments(home.log))
    assert close_segments(home) == 0


def test_one_that_does_not_answer_is_named(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    log = LogWriter(home.log, Clock.fixed(5))
    log.append([(Play(event_id="e1", member_id="m1", title_id="t1", at=5), 5)])
    with pytest.raises(StorageError, match=r"process \d+ does not close its segment .* within 0\.05 s"):
        close_segments(home, patience_s=0.05)
    log.close()


def test_what_a_process_left_that_died_before_it_wrote_holds_up_nobody(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    home.log.mkdir(parents=True, exist_ok=True)
    (home.log / f"999-dead-0001{OPEN}").touch()
    assert close_segments(home, patience_s=5) == 1
    assert segments(home.log) == []


def test_a_request_is_seen_once(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    due = RotationRequest(home, look_every_s=0)
    (home.work / "serve").mkdir(parents=True)
    due.path.write_text("1")
    assert due.changed()
    assert not due.changed()
