"""The server while its state, a Redis server, is stopped, started, and hangs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from load import Events, Pages, asking, compare, in_order, until
from running import Running, play, serving, titles_on
from tests.observe.state.conftest import Server
from trained import trained_home

from matinee.observe.lake.compaction import compact
from matinee.observe.state.redis import RedisStore

pytestmark = pytest.mark.slow
SETTINGS = "\n[serve]\nrefresh_s = 3600\ncompact_s = 2\nrotate_mb = 0.05\n"
MEMBERS = ("m1", "m2", "kid", "m5")
SAFE = {f"t{i}" for i in range(0, 60, 4)} - {"t0"}
"""Titles of `make_home` that anybody may be shown."""
OWN_ROWS = ("watch_again", "continue_watching")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    """A Redis server of this test's own, since it is stopped."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip(
            "neither redis-server nor valkey-server is installed (Debian: apt-get install redis-server)"
        )
    pytest.importorskip("redis", reason="the extra redis is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "redis"
    folder.mkdir()
    server = Server(program, folder, port)
    server.start()
    yield server
    server.stop()


def fails(server: Server, how: str) -> None:
    """Let it refuse connections, or hang."""
    assert server.running is not None
    if how == "stop":
        server.stop()
    else:
        os.kill(server.running.pid, signal.SIGSTOP)


def comes_back(server: Server, how: str) -> None:
    if how == "stop":
        server.start()
    else:
        assert server.running is not None
        os.kill(server.running.pid, signal.SIGCONT)


def shows_the_last_play(server: Running, number: int) -> None:
    """Read-your-writes, over connections of their own, so that any process answers."""
    member = f"new{number}"
    before = page_of(server, member)
    title = titles_on(before)[0]
    with httpx.Client(base_url=server.address, timeout=30) as http:
        reply = http.post("/v1/events", json=[play(f"rw-{number}", member, title)])
        assert reply.json()["accepted"] == 1, reply.text
    assert title not in titles_on(page_of(server, member), but=OWN_ROWS)


def page_of(server: Running, member: str) -> Any:
    with httpx.Client(base_url=server.address, timeout=30) as http:
        reply = http.get(f"/v1/members/{member}/homepage")
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.mark.parametrize(("how", "workers"), [("stop", 1), ("hang", 1), ("stop", 2)])
def test_an_outage_of_redis_loses_nothing_and_stops_nobody(
    how: str, workers: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, redis: Server
) -> None:
    home = trained_home(tmp_path_factory, tmp_path / "home", SETTINGS)
    with serving(home, "--state", redis.url, "--workers", str(workers)) as server:
        until(lambda: not server.page("m1")["fallback"], "the model answers")
        events = [Events(server, f"{how}{n}") for n in range(3)]
        pages = [Pages(server, MEMBERS) for _ in range(2)]
        try:
            with asking(*events, *pages):
                time.sleep(1.5)
                fails(redis, how)
                time.sleep(1.5)
                begun = [len(client.pages) for client in pages]
                accepted = [len(client.acknowledged) for client in events]
                time.sleep(4.0)
                ended = [len(client.pages) for client in pages]
                assert all(len(one.acknowledged) > n for one, n in zip(events, accepted, strict=True))
                said = server.http.get("/readyz").json()
                assert said["state"] == "unreachable"
                assert said["details"]["troubles"]
                comes_back(redis, how)
                took_s = until(lambda: in_order(server), "the state is up to date")
                time.sleep(1.0)
        finally:
            if how == "hang":
                comes_back(redis, how)
        for client in (*events, *pages):
            assert set(client.statuses) == {200}, (client.statuses, client.bad[:3])
        down = [
            page
            for client, first, last in zip(pages, begun, ended, strict=True)
            for page in client.pages[first:last]
        ]
        assert down
        for page in down:
            assert page["fallback"]
            assert page["fallback_reason"] == "state unreachable"
            assert page["rows"]
            assert set(titles_on(page)) <= SAFE
        for number in range(20):
            shows_the_last_play(server, number)
        assert not page_of(server, "m1")["fallback"]
        assert server.stop() == 0
    store = RedisStore(redis.url)
    compact(home)
    kept, sent = compare(home, store, events)
    store.close()
    slowest = max(client.slowest_s for client in (*events, *pages))
    print(
        f"redis {how}, {workers} workers: {kept} acknowledged of {sent} sent, 0 lost, 0 doubled; "
        f"{len(down)} pages while it was down, slowest {slowest:.2f} s; up to date after {took_s:.1f} s"
    )
