"""Events per second that one process takes in, beside an endpoint that only appends the same bytes.

    python benchmarks/serve_ingest.py [--out FILE.json] [--peer PYTHON] [--rounds 5] [--seconds 5]

64 connections, 20 events per request, from a second process on this machine (Debian's `wrk`), in turns.
"ours" is `matinee serve` with an empty home: each event is checked, told from repeated ones, on disk and part
of its member's state before it is acknowledged. The other is `serve_ingest_bare.py`: nothing but bytes that
are synced in groups. PYTHON is an interpreter with uvicorn and starlette (`uv pip install starlette uvicorn
httptools uvloop`); without one the other is a bare ASGI function, which is a harder bar.

Two shapes of a request: the events of one member ("device"), and of 20 members drawn at random from 100,000
("gateway"). "CPU us" is CPU time of the server's process per event, and "bare" that of the other; what is not
measured apart is the HTTP layer.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matinee.observe.clock import Clock, wall_us
from matinee.observe.home import Home
from matinee.observe.log import LogWriter
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.store import Arrival
from matinee.serve.bodies import parse

HERE = Path(__file__).parent
EVENTS, CONNECTIONS, MEMBERS = 20, 64, 100_000
LEAST_SHARE, MOST_TAIL = 0.45, 5.0
"""Of the bare endpoint's event rate; p99 over p50."""
SHAPES = ("device", "gateway")
PARTS = ("decode and check", "log and fsync", "duplicates and state", "order in the state")


@dataclass(frozen=True)
class Load:
    """What one turn of the generator saw."""

    events_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: float
    """Of the server's process, per event."""


def main() -> int:
    """Measure, print, and say whether the bounds are held."""
    options = parser().parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt-get install wrk", file=sys.stderr)
        return 2
    peer = options.peer
    kind = "starlette" if peer else "asgi"
    with tempfile.TemporaryDirectory(prefix="matinee-ingest-") as name:
        folder = Path(name)
        home = Home.create(folder / "home")
        home.settings.write_text("[serve]\nrefresh_s = 3600\n")
        port = free_port()
        bare = [
            peer or sys.executable,
            str(HERE / "serve_ingest_bare.py"),
            str(folder / "bare"),
            str(port),
            kind,
        ]
        ours_port = free_port()
        ours = [sys.executable, "-m", "matinee", "serve", "--home", str(home.root), "--port", str(ours_port)]
        found: dict[str, dict[str, list[Load]]] = {shape: {"bare": [], "ours": []} for shape in SHAPES}
        with running(bare, port, folder) as bare_pid, running(ours, ours_port, folder) as ours_pid:
            for turn in range(-1, options.rounds):
                for shape in SHAPES:
                    for who, where, pid in (("bare", port, bare_pid), ("ours", ours_port, ours_pid)):
                        seconds = options.seconds if turn >= 0 else 1
                        one = load(where, pid, shape, f"{who}{turn}{shape}", seconds)
                        if turn >= 0:
                            found[shape][who].append(one)
        result = report(found, kind, {shape: parts(folder / f"parts-{shape}", shape) for shape in SHAPES})
    if options.out:
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if result["held"] else 1


def parser() -> argparse.ArgumentParser:
    """The options."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--out", type=Path, help="write the figures as JSON")
    out.add_argument("--peer", help="an interpreter with uvicorn and starlette")
    out.add_argument("--rounds", type=int, default=5)
    out.add_argument("--seconds", type=int, default=5)
    return out


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server; its process id."""
    log = folder / f"{port}.txt"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"the server ended: {log.read_text()[-2000:]}")
            try:
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/v1/events", data=b"[]", method="POST"
                )
                urllib.request.urlopen(request, timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load(port: int, pid: int, shape: str, prefix: str, seconds: int) -> Load:
    """One turn of the generator."""
    at = str(wall_us() // 1_000_000)
    before = cpu_s(pid)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(HERE / "serve_ingest.lua")]
    words = [*command, f"http://127.0.0.1:{port}", "--", shape, prefix, at]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    seen = json.loads(out.strip().splitlines()[-1])
    events = seen["requests"] * EVENTS
    used_us = (cpu_s(pid) - before) / max(1, events) * 1e6
    return Load(events / seen["seconds"], seen["p50_ms"], seen["p99_ms"], seen["errors"], used_us)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def parts(folder: Path, shape: str) -> dict[str, float]:
    """CPU microseconds per event of each part, measured apart in groups of 64 requests."""
    home = Home.create(folder)
    store = SqliteStore(home.state_db)
    clock = Clock.wall()
    log = LogWriter(home.log, clock)
    rng = random.Random(0)
    spent = dict.fromkeys(PARTS, 0.0)
    n_groups = 100
    for group in range(n_groups):
        bodies = [body(rng, shape, f"{group}-{k}") for k in range(CONNECTIONS)]
        began = time.process_time()
        pairs = [pair for one in bodies for pair in parse(one, latest_us=clock.latest_us).events]
        decoded = time.process_time()
        written = log.write(pairs)
        logged = time.process_time()
        store.take(
            [
                Arrival(event.event_id, event.member_id, line)
                for (event, _), line in zip(pairs, written.lines, strict=True)
            ],
            written.position,
            clock.now_us,
        )
        taken = time.process_time()
        store.tend()
        done = time.process_time()
        for name, used in zip(
            PARTS, (decoded - began, logged - decoded, taken - logged, done - taken), strict=True
        ):
            spent[name] += used
    log.close()
    store.close()
    return {name: used / (n_groups * CONNECTIONS * EVENTS) * 1e6 for name, used in spent.items()}


def body(rng: random.Random, shape: str, name: str) -> bytes:
    """A request as the generator makes it."""
    member = rng.randrange(MEMBERS)
    return json.dumps(
        [
            {
                "type": "play",
                "event_id": f"{name}-{k}",
                "member_id": f"member-{rng.randrange(MEMBERS) if shape == 'gateway' else member}",
                "title_id": f"title-{rng.randrange(10_000)}",
                "at": wall_us() // 1_000_000 + k,
                "watch_s": rng.randrange(6_000),
                "position_s": rng.randrange(6_000),
                "territory": "AT",
                "device": "tv",
            }
            for k in range(EVENTS)
        ]
    ).encode()


def report(
    found: dict[str, dict[str, list[Load]]], kind: str, apart: dict[str, dict[str, float]]
) -> dict[str, object]:
    """Print the table; the figures."""
    if kind == "asgi":
        print("starlette is not there (--peer): compared with a bare ASGI function, a harder bar\n")
    print(f"{EVENTS} events per request, {CONNECTIONS} connections, one process, medians of the rounds\n")
    names = {"ours": 12, "share": 8, "p50 ms": 9, "p99 ms": 9, "p99/p50": 9, "CPU us": 9, "bare": 7}
    print(f"{'':10}{kind:>12}" + "".join(f"{name:>{width}}" for name, width in names.items()))
    out: dict[str, object] = {"peer": kind}
    held = True
    for shape, by in found.items():
        shares = [a.events_s / b.events_s for a, b in zip(by["ours"], by["bare"], strict=True)]
        share = statistics.median(shares)
        bare, ours = (statistics.median(one.events_s for one in by[who]) for who in ("bare", "ours"))
        p50, p99, cpu_us = (
            statistics.median(getattr(one, name) for one in by["ours"])
            for name in ("p50_ms", "p99_ms", "cpu_us")
        )
        bare_us = statistics.median(one.cpu_us for one in by["bare"])
        errors = sum(one.errors for loads in by.values() for one in loads)
        print(
            f"{shape:10}{bare:12,.0f}{ours:12,.0f}{share:8.0%}{p50:9.1f}{p99:9.1f}{p99 / p50:9.1f}"
            f"{cpu_us:9.1f}{bare_us:7.1f}"
        )
        held &= share >= LEAST_SHARE and p99 < MOST_TAIL * p50 and errors == 0
        out[shape] = {
            "bare_events_s": bare, "ours_events_s": ours, "share": share, "shares": shares, "p50_ms": p50,
            "p99_ms": p99, "cpu_us": cpu_us, "bare_cpu_us": bare_us, "errors": errors,
            "parts_us": apart[shape],
        }  # fmt: skip
    print("\nCPU microseconds per event, measured apart; the rest of the above is HTTP and the event loop\n")
    for shape, spent in apart.items():
        print(f"{shape:10}" + ", ".join(f"{name} {used:.1f}" for name, used in spent.items()))
    print(
        f"\nat least {LEAST_SHARE:.0%}, and p99 under {MOST_TAIL:g} x p50: {'held' if held else 'NOT HELD'}"
    )
    out["held"] = held
    return out


if __name__ == "__main__":
    sys.exit(main())
