"""Compaction is killed at random moments: every event is there once, in lake or log, and in the state."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serve import killing

from matinee.observe.home import Home

PROCESS = Path(__file__).with_name("compacting.py")


def survive(home: Home, kills: int, seed: int) -> int:
    """Kill a process that compacts so many times; how many events were written."""
    written: list[str] = []
    for number, after_s in enumerate(killing.moments(kills, 0.4, seed)):
        process = killing.start(PROCESS, str(home.root), str(number))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        killing.kill_after(process, after_s)
        written += [name for line in process.stdout.read().split("\n")[:-1] for name in line.split()]
        process.stdout.close()
        if process.stdin is not None:
            process.stdin.close()
    killing.recover(home)
    assert len(written) < 900  # a member's record holds them all
    killing.check(home, written)
    return len(written)


def test_compaction_may_be_killed(tmp_path: Path) -> None:
    assert survive(Home.create(tmp_path), 2, seed=1) >= 0


@pytest.mark.slow
def test_compaction_may_be_killed_60_times(tmp_path: Path) -> None:
    written = 0
    for number in range(10):  # homes of a few runs each, so that the record of the member holds everything
        written += survive(Home.create(tmp_path / str(number)), 6, seed=number)
    print(f"compaction killed 60 times: {written} events written, 0 lost, 0 doubled")
    assert written > 100
