"""For tests that kill a process that takes events in: make events, kill it, compare with what it promised."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.observe.state.replay import Replayed, replay
from matinee.observe.state.sqlite import SqliteStore

MEMBERS = 20


@dataclass(slots=True)
class Found:
    """What is in a home: how often each event is in the lake and log, and which events the state has.

    Attributes
    ----------
    logged : Counter of str
        Event id -> rows that a reader of lake and log sees.
    state : Counter of str
        Title id -> plays in the records of all members. Events of these tests have titles of their own.
    torn : int
        Torn lines that readers skip.
    """

    logged: Counter[str] = field(default_factory=Counter)
    state: Counter[str] = field(default_factory=Counter)
    torn: int = 0


def event(name: str, member: int) -> dict[str, object]:
    """A play as a client sends it; its title is named after it, so that the state tells it from others."""
    return {
        "type": "play",
        "event_id": f"e-{name}",
        "member_id": f"m{member % MEMBERS}",
        "title_id": f"t-{name}",
        "at": 1_700_000_000 + member,
        "watch_s": 60.0,
    }


def start(module: Path, *words: str) -> subprocess.Popen[str]:
    """Run a Python file with pipes, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", str(module), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )


def kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill a process at some moment, and wait until the system has freed its locks."""
    time.sleep(seconds)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait(30)


def read(home: Home) -> Found:
    """What is in a home now."""
    found = Found()
    with connect() as con:
        found.torn = open_events(con, home, "plays").torn
        for event_id, n in con.execute("SELECT event_id, count(*) FROM plays GROUP BY event_id").fetchall():
            found.logged[event_id] = n
    store = SqliteStore(home.state_db)
    try:
        for number in range(MEMBERS):
            record = store.record(f"m{number}")
            found.state.update([play.title_id for play in record.plays] + record.older)
    finally:
        store.close()
    return found


def recover(home: Home) -> Replayed:
    """What a server does when it starts."""
    store = SqliteStore(home.state_db)
    try:
        return replay(home, store, Clock.wall().now_us)
    finally:
        store.close()


def check(home: Home, acknowledged: Sequence[str]) -> Found:
    """No acknowledged event is lost or doubled, before and after compaction, in the log and in the state.

    Parameters
    ----------
    acknowledged : sequence of str
        Names given to `event`; fewer than a member's record holds (`record.PLAYS_KEPT` for each member).
    """
    found = read(home)
    for name in acknowledged:
        assert found.logged[f"e-{name}"] == 1, f"{name} is {found.logged[f'e-{name}']} times in the log"
        assert found.state[f"t-{name}"] == 1, f"{name} is {found.state[f't-{name}']} times in the state"
    assert set(found.logged.values()) <= {1}
    assert set(found.state.values()) <= {1}
    assert {f"t{name[1:]}" for name in found.logged} == set(found.state)
    compact(home)
    after = read(home)
    assert after.logged == found.logged
    assert after.state == found.state
    return found


def moments(n: int, longest_s: float, seed: int) -> list[float]:
    """Random moments at which to kill."""
    rng = random.Random(seed)
    return [rng.uniform(0, longest_s) for _ in range(n)]
