"""The whole server on bad days: killed at random moments, flooded, starved of disk, asked nonsense."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from killing import event, read
from running import Running, make_home, play, serving, titles_on

from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.state.imports import take_in
from matinee.observe.state.sqlite import SqliteStore

BUSY = "\n[serve]\ncompact_s = 1\nrotate_mb = 0.02\nrefresh_s = 3600\n"
"""A server that compacts and rotates all the time."""


class Sender(threading.Thread):
    """A client that sends events until the server is gone, and remembers what it was promised."""

    def __init__(self, server: Running, name: str) -> None:
        super().__init__(daemon=True)
        self.address, self.label = server.address, name
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=10.0) as http:
            for batch in range(100_000):
                names = [f"{self.label}-{batch}-{k}" for k in range(5)]
                self.sent |= set(names)
                try:
                    reply = http.post(
                        "/v1/events", json=[event(name, 5 * batch + k) for k, name in enumerate(names)]
                    )
                except httpx.TransportError:
                    return
                if reply.status_code == 200:
                    assert reply.json()["accepted"] == len(names), reply.text
                    self.acknowledged |= set(names)


def settle(home: Home) -> SqliteStore:
    """What the next start does: take the log into the state, then compact."""
    store = SqliteStore(home.state_db)
    now_us = Clock.wall().now_us
    compact(home, taken_in=lambda: take_in(home, store, now_us))
    return store


def kill_and_compare(home: Home, rounds: int, how: str, *options: str) -> tuple[int, int]:
    """Start, send, end it in some way, again and again; then count what was promised and what is there."""
    rng = random.Random(rounds)
    acknowledged: set[str] = set()
    sent: set[str] = set()
    starts: list[float] = []
    for turn in range(rounds):
        began = time.monotonic()
        with serving(home, *options) as server:
            starts.append(time.monotonic() - began)
            senders = [Sender(server, f"{how}{turn}x{n}") for n in range(3)]
            for sender in senders:
                sender.start()
            time.sleep(rng.uniform(0.0, 0.8))
            if how == "kill":
                server.kill()
            else:
                server.process.send_signal(signal.SIGTERM)
                time.sleep(rng.uniform(0.0, 0.5))
                server.kill()
            for sender in senders:
                sender.join(20)
                acknowledged |= sender.acknowledged
                sent |= sender.sent
    store = settle(home)
    found = read(home)
    store.close()
    lost = [name for name in acknowledged if found.logged[f"e-{name}"] != 1]
    missing = [name for name in acknowledged if found.state[f"t-{name}"] != 1]
    doubled = [name for name in sent if found.logged[f"e-{name}"] > 1 or found.state[f"t-{name}"] > 1]
    assert not lost, lost[:5]
    assert not missing, missing[:5]
    assert not doubled, doubled[:5]
    assert acknowledged
    return len(acknowledged), len(sent)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    kept, sent = kill_and_compare(make_home(tmp_path / "home", BUSY), 2, "kill")
    print(f"2 kills: {kept} acknowledged of {sent} sent, 0 lost, 0 doubled")


@pytest.mark.slow
@pytest.mark.parametrize(("how", "rounds"), [("kill", 12), ("stop", 8)])
def test_what_was_acknowledged_survives_many_kills(tmp_path: Path, how: str, rounds: int) -> None:
    kept, sent = kill_and_compare(make_home(tmp_path / "home", BUSY), rounds, how)
    print(f"{rounds} times {how}: {kept} acknowledged of {sent} sent, 0 lost, 0 doubled")


@pytest.mark.slow
def test_several_processes_survive_kills_and_show_each_others_plays(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", BUSY)
    kill_and_compare(home, 4, "kill", "--workers", "2")
    with serving(home, "--workers", "2") as server:
        for n in range(40):  # each request on a connection of its own, so that both processes answer
            member = f"w{n}"
            before = fresh(server, member)
            title = titles_on(before)[0]
            with httpx.Client(base_url=server.address) as http:
                assert http.post("/v1/events", json=[play(f"rw{n}", member, title)]).json()["accepted"] == 1
            after = fresh(server, member)
            assert title not in titles_on(after, but=("watch_again", "continue_watching"))
        pids = {int(p) for p in workers_of(server)}
        assert len(pids) == 2
        subprocess.run(["kill", "-9", str(next(iter(pids)))], check=True)
        for _ in range(100):
            time.sleep(0.2)
            if len(set(workers_of(server)) - {str(p) for p in pids}) == 1:
                break
        assert fresh(server, "after")["rows"]
        assert server.stop() == 0


def fresh(server: Running, member: str) -> dict[str, object]:
    """A page, over a new connection."""
    with httpx.Client(base_url=server.address, timeout=30) as http:
        for _ in range(50):
            try:
                reply = http.get(f"/v1/members/{member}/homepage")
                break
            except httpx.TransportError:  # the process that took the connection was killed
                time.sleep(0.1)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())


def workers_of(server: Running) -> list[str]:
    """Process ids of the workers: children that run the server, not the helpers of the interpreter."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(server.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [line.split()[0] for line in found.splitlines() if "spawn_main" in line]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = "\n[serve]\nqueue_events = 2000\nmax_body_mb = 1.0\nrefresh_s = 3600\n"
    with serving(make_home(tmp_path_factory.mktemp("survive") / "home", settings)) as running:
        yield running


def well(server: Running) -> None:
    """The server does its work for everybody else."""
    assert server.http.get("/healthz").status_code == 200
    assert server.page("m1")["rows"]
    assert server.send(play(f"well{time.monotonic_ns()}", "m3", "t4"))["accepted"] == 1


def test_a_body_of_100_mb_is_refused_while_it_comes(server: Running) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000_000

    try:
        with httpx.Client(base_url=server.address, timeout=30) as http:
            assert http.post("/v1/events", content=body()).status_code == 413
    except httpx.TransportError:
        pass  # the connection was closed on us: as good an answer
    well(server)


def test_json_of_1000_levels_is_refused(server: Running) -> None:
    for body in (b"[" * 1000 + b"]" * 1000, b'[{"a":' * 1000 + b"1" + b"}]" * 1000):
        assert server.http.post("/v1/events", content=body).status_code in (400, 413)
        reply = server.http.post("/v1/decisions/retention", content=body)
        assert reply.status_code in (400, 413), reply.text
    well(server)


def test_clients_that_stop_in_the_middle_hold_up_nobody(server: Running) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with connections(host, int(port), 200) as idle:
        for n, one in enumerate(idle):
            head = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
            one.sendall(head if n % 2 else head + b"\r\n[{")
        well(server)
    well(server)


@contextmanager
def connections(host: str, port: int, n: int) -> Iterator[list[socket.socket]]:
    """Open connections, closed at the end."""
    found = [socket.create_connection((host, port), timeout=10) for _ in range(n)]
    try:
        yield found
    finally:
        for one in found:
            one.close()


def test_a_flood_is_told_to_wait_and_others_are_served(server: Running) -> None:
    stop = threading.Event()
    statuses: set[int] = set()

    def flood(n: int) -> None:
        with httpx.Client(base_url=server.address, timeout=60) as http:
            batch = 0
            while not stop.is_set():
                events = [event(f"flood{n}-{batch}-{k}", k) for k in range(1000)]
                reply = http.post("/v1/events", json=events)
                statuses.add(reply.status_code)
                if reply.status_code == 429:
                    assert int(reply.headers["retry-after"]) >= 1
                batch += 1

    with ThreadPoolExecutor(16) as pool:
        running = [pool.submit(flood, n) for n in range(16)]
        try:
            for n in range(10):
                with httpx.Client(base_url=server.address, timeout=30) as http:
                    assert http.get(f"/v1/members/calm{n}/homepage").status_code == 200
        finally:
            stop.set()
        for one in running:
            one.result()
    assert statuses <= {200, 429}
    for _ in range(100):  # the last groups are answered a moment before they count as done
        if server.http.post("/v1/events", json=[play("calm", "m3", "t4")]).status_code != 429:
            break
        time.sleep(0.1)
    well(server)


@pytest.mark.slow
def test_a_full_disk_stops_writes_and_not_reads(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        home = make_home(folder / "home", "\n[serve]\nrefresh_s = 3600\ncompact_s = 3600\n")
        with serving(home) as server:
            ballast = folder / "ballast"
            with ballast.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 65_536)
                except OSError:
                    pass
            statuses = [
                server.http.post(
                    "/v1/events", json=[event(f"full{n}-{k}", k) for k in range(500)]
                ).status_code
                for n in range(20)
            ]
            assert 503 in statuses
            assert set(statuses) <= {200, 503}
            assert server.page("m1")["rows"]
            ballast.unlink()
            end = time.monotonic() + 20
            while server.http.post("/v1/events", json=[event("room", 0)]).status_code != 200:
                assert time.monotonic() < end
                time.sleep(0.2)
            well(server)
            assert server.stop() == 0
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
