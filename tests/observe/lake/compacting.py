"""A process that compacts until it is killed: `python compacting.py HOME RUN`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.log import LogWriter
from matinee.observe.state.imports import take_in
from matinee.observe.state.sqlite import SqliteStore

EVENTS = 5


def main(root: str, run: str) -> None:
    """Write a few events, print their ids, compact, and so on."""
    home = Home(Path(root))
    store = SqliteStore(home.state_db)
    clock = Clock.wall()
    os.write(1, b"ready\n")
    for number in range(1_000):
        log = LogWriter(home.log, clock)
        names = [f"{run}-{number}-{k}" for k in range(EVENTS)]
        plays = [Play(event_id=f"e-{name}", member_id="m1", title_id=f"t-{name}", at=5) for name in names]
        log.write([(play, 5_000_000 + number) for play in plays])
        os.write(1, (" ".join(names) + "\n").encode())
        log.close()
        compact(home, taken_in=lambda: take_in(home, store, clock.now_us))


if __name__ == "__main__":
    main(*sys.argv[1:])
