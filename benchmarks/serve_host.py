"""Servers to measure: `matinee serve` and an empty Litestar route; their CPU time and memory from /proc."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serve_ingest import cpu_s, free_port

HERE = Path(__file__).parent
START_S = 180.0
WORKER = b"spawn_main"
"""Stands in the command line of a worker process of uvicorn's."""


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes
    ----------
    port, pid : int
    workers : tuple of int
        The processes that answer.
    """

    port: int
    pid: int
    workers: tuple[int, ...]

    def cpu_s(self) -> float:
        """CPU seconds of the processes that answer, so far."""
        return sum(cpu_s(pid) for pid in self.workers)

    def rss_mb(self) -> float:
        """Resident memory of the processes that answer, in MB."""
        return sum(_status(pid, "VmRSS") for pid in self.workers)

    def peak_mb(self) -> float:
        """Most that they ever had."""
        return sum(_status(pid, "VmHWM") for pid in self.workers)

    def figure(self, name: str, **labels: str) -> float:
        """Sum of a figure of `/metrics` over all labels, or those that are named."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30).read().decode()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = re.finditer(rf"^{name}(?:_total)?(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
        return sum(float(one[2]) for one in found if all(pair in (one[1] or "") for pair in wanted))


@contextmanager
def matinee(
    home: Path, *options: str, workers: int = 1, settings: Mapping[str, object] | None = None
) -> Iterator[Server]:
    """`matinee serve`, as its users run it, with its log in a file.

    Parameters
    ----------
    settings : dict
        Of the section [serve].
    """
    port = free_port()
    command = [sys.executable, "-m", "matinee", "serve", "--home", str(home), "--port", str(port), "--json"]
    given = {f"MATINEE_SERVE__{key.upper()}": str(value) for key, value in (settings or {}).items()}
    with _running([*command, "--workers", str(workers), *options], port, "/readyz", workers, given) as found:
        yield found


@contextmanager
def with_bare_page(home: Path) -> Iterator[Server]:
    """`matinee serve` with the page of `browser_server.py` in the same process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.browser_server:create"]
    options = ["--port", str(port), "--no-access-log", "--no-server-header", "--log-level", "warning"]
    given = {"MATINEE_SERVE_HOME": str(home.resolve()), "PYTHONPATH": str(HERE.parent)}
    with _running([*command, *options], port, "/readyz", 1, given) as found:
        yield found


@contextmanager
def empty_route() -> Iterator[Server]:
    """A Litestar application with one route that answers {"status": "ok"}."""
    port = free_port()
    with _running([sys.executable, str(HERE / "serve_empty.py"), str(port)], port, "/", 1, {}) as found:
        yield found


@dataclass(frozen=True)
class Load:
    """What wrk saw.

    Attributes
    ----------
    rate : float
        Replies per second.
    cpu_ms : float
        CPU time of the processes that answer, per reply.
    errors : int
        Replies that were not 2xx, and connections that failed.
    fallbacks : int
        Decisions that the fallback made.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    errors: int
    fallbacks: int = 0


def wrk(server: Server, script: str, *words: object, connections: int, seconds: float) -> Load:
    """One turn of Debian's load generator, one thread.

    Parameters
    ----------
    script : str
        A file in this folder, whose `done` prints the figures as JSON.
    """
    fell_back = server.figure("matinee_fallbacks")
    before = server.cpu_s()
    run = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "-s", str(HERE / script)]
    address = f"http://127.0.0.1:{server.port}"
    done = subprocess.run([*run, address, "--", *map(str, words)], capture_output=True, text=True, check=True)
    used_s = server.cpu_s() - before
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    return Load(
        seen["requests"] / seen["seconds"],
        seen["p50_ms"],
        seen["p99_ms"],
        1e3 * used_s / max(1, seen["requests"]),
        seen["errors"],
        round(server.figure("matinee_fallbacks") - fell_back),
    )


def missing_wrk() -> str:
    """Why there is no load generator; empty if there is one."""
    return "" if shutil.which("wrk") else "wrk is not installed: apt-get install wrk"


@contextmanager
def _running(
    command: list[str], port: int, ready: str, workers: int, environment: dict[str, str]
) -> Iterator[Server]:
    log = Path(os.environ.get("TMPDIR", "/tmp")) / f"matinee-bench-{os.getpid()}-{port}.txt"
    fixed = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | fixed | environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", log)
        yield Server(port, process.pid, _workers(process.pid, workers))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.unlink(missing_ok=True)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"the server ended: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server was not ready after {START_S:.0f} s: {log.read_text()[-2000:]}")


def _workers(pid: int, n: int) -> tuple[int, ...]:
    if n == 1:
        return (pid,)
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        ids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = [one for one in ids if WORKER in Path(f"/proc/{one}/cmdline").read_bytes()]
        if len(found) == n:
            return tuple(int(one) for one in found)
        time.sleep(0.1)
    raise SystemExit(f"there are not {n} worker processes after {START_S:.0f} s.")


def _status(pid: int, name: str) -> float:
    """MB of one line of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:", 1)[1].split(maxsplit=1)[0]) * 1024 / 1e6
