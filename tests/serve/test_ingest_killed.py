"""A process that takes events in is killed at random moments: nothing that was acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serve import killing

from matinee.observe.home import Home
from matinee.observe.state.sqlite import SqliteStore

PROCESS = Path(__file__).with_name("ingesting.py")


def kill_one(home: Home, run: str, after_s: float) -> list[str]:
    """Let one process take events in for a while, kill it; the names that it acknowledged."""
    process = killing.start(PROCESS, str(home.root), run)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    killing.kill_after(process, after_s)
    lines = process.stdout.read().split("\n")
    process.stdout.close()
    if process.stdin is not None:
        process.stdin.close()
    return [name for line in lines[:-1] for name in line.split()]  # the last one may be cut off


def survive(home: Home, runs: int, seed: int) -> tuple[int, int, int]:
    """Kill so many processes one after the other, each with a home that the one before left."""
    acknowledged = replayed = torn = 0
    SqliteStore(home.state_db).close()
    for number, after_s in enumerate(killing.moments(runs, 0.25, seed)):
        own = Home.create(home.root / f"run{number}")
        names: list[str] = []
        for part in "ab":  # the second one starts on what the first one left
            names += kill_one(own, f"{number}{part}", after_s)
        done = killing.recover(own)
        found = killing.check(own, names)
        acknowledged += len(names)
        replayed += done.events
        torn += found.torn
    return acknowledged, replayed, torn


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    acknowledged, _, _ = survive(Home.create(tmp_path), 1, seed=1)
    assert acknowledged > 0


@pytest.mark.slow
def test_what_was_acknowledged_survives_70_kills(tmp_path: Path) -> None:
    acknowledged, replayed, torn = survive(Home.create(tmp_path), 35, seed=2)
    print(
        f"killed 70 times: {acknowledged} events acknowledged, 0 lost, 0 doubled; "
        f"{replayed} taken in again, {torn} torn lines skipped"
    )
    assert acknowledged > 1_000
