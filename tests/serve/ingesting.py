"""A process that takes events in until it is killed: `python ingesting.py HOME RUN`.

It prints "ready", then the name of each acknowledged event, a line for each request. Segments are small, so
that rotation is among the moments at which it dies.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.state.replay import replay
from matinee.observe.state.sqlite import SqliteStore
from matinee.serve.bodies import parse
from matinee.serve.ingest import IngestConfig, Ingestor

TITLES = 3
WAITING = 8
MOST = 900


def main(root: str, run: str) -> None:
    """Offer events as fast as they are taken, with a few requests under way at a time."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.serve.killing import event

    home = Home(Path(root))
    store = SqliteStore(home.state_db)
    clock = Clock.wall()
    replay(home, store, clock.now_us)
    ingestor = Ingestor(home, store, clock, IngestConfig(rotate_bytes=20_000, group_events=32))
    os.write(1, b"ready\n")
    under_way: deque[tuple[list[str], Future[list[bool]]]] = deque()
    for number in range(MOST):
        names = [f"{run}-{number}-{k}" for k in range(TITLES)]
        body = json.dumps([event(name, number + k) for k, name in enumerate(names)]).encode()
        under_way.append((names, ingestor.offer(parse(body).events)))
        ingestor.record([b'{"type":"decision","event_id":"d-%d","member_id":"m1","at_us":5}' % number])
        while len(under_way) > WAITING:
            acknowledged, future = under_way.popleft()
            assert all(future.result())
            os.write(1, (" ".join(acknowledged) + "\n").encode())
    ingestor.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
