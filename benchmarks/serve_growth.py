"""What grows: latency and memory with titles, reads with members, bytes with events and decisions."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from benchmarks.serve_client import FIRST_SCREEN, Connection
from benchmarks.serve_host import matinee
from benchmarks.serve_lines import Line
from benchmarks.serve_pages import FRESH
from benchmarks.serve_soak import MOST_GROWTH, People, soak

from benchmarks import state

T = TypeVar("T")
GROUP = 20
"""Events of one request."""


def by_titles(homes: dict[int, Path], members: int, requests: int) -> list[Line]:
    """Line 7: first screens, and memory of a worker, in homes of different catalogues."""
    out = []
    for titles, home in homes.items():
        with matinee(home, settings=FRESH) as server:
            connection = Connection(server.port)
            took = []
            for n in range(-20, requests):
                at = time.perf_counter()
                connection.get(FIRST_SCREEN.format(n % members))
                took.append(1e3 * (time.perf_counter() - at))
                if n == 0:
                    cpu_s = server.cpu_s()
            cpu_ms = 1e3 * (server.cpu_s() - cpu_s) / requests
            rss, peak = server.rss_mb(), server.peak_mb()
        p50, p99 = statistics.median(took[20:]), sorted(took[20:])[int(0.99 * requests)]
        out.append(
            Line(
                f"{titles:,} titles",
                f"first screen p50 {p50:.2f} ms, p99 {p99:.1f} ms, CPU {cpu_ms:.2f} ms; a worker has "
                f"{rss:,.0f} MB (at its start up to {peak:,.0f})",
                figures={"titles": titles, "p50_ms": p50, "p99_ms": p99, "cpu_ms": cpu_ms, "rss_mb": rss},
            )
        )
    return out


def by_members(sizes: tuple[int, ...], reads: int) -> list[Line]:
    """Line 7: state of more and more members of 20 plays (`state.py` says more)."""
    out = []
    for members in sizes:
        one = state.growth(state.sqlite, members, 20, reads)
        read, take = one["record"], one["take_one"]
        out.append(
            Line(
                f"{members:,} members",
                f"state of one read in {read['p50_us']:.0f} us (p99 {read['p99_us']:.0f}), an event taken in "
                f"{take['mean_us']:.1f} us, {one['bytes_per_member']:,.0f} bytes a member of "
                f"{state.FEW_PLAYS} plays",
                figures=one,
            )
        )
    return out


def kept(home: Path, members: int, titles: int, n: int) -> list[Line]:
    """Line 6: bytes of log, lake and state per event, per page and per page that is served again."""
    few = list(range(1, min(members, n // GROUP)))
    with scratch(home) as copy:
        compact(copy)
        for file in copy.glob("state.db*"):  # made anew from the lake: without pages, without free room
            file.unlink()
        at = _weighed(copy, lambda connection: _pages(connection, [0]))[1]
        before = lake(copy)
        page, _ = _weighed(copy, lambda connection: _pages(connection, few))
        again, _ = _weighed(copy, lambda connection: _pages(connection, few))
        event, _ = _weighed(copy, lambda connection: _events(connection, at, members, titles, n))
        after = lake(copy)
        in_lake = after["decisions"] / computed(copy)
    figures = {
        "log_per_event": event[0] / n,
        "state_per_event": event[1] / n,
        "lake_per_event": (after["plays"] - before["plays"]) / n,
        "log_per_page": page[0] / len(few),
        "state_per_page": page[1] / len(few),
        "log_per_page_again": again[0] / len(few),
        "lake_per_page": in_lake,
    }
    shown = {name: f"{value:,.0f}" for name, value in figures.items()}
    return [
        Line(
            "bytes per play",
            f"log {shown['log_per_event']}, lake {shown['lake_per_event']}, state {shown['state_per_event']}",
            note=f"state: id, and the play until it is folded into the record of its member; {n:,} plays of "
            f"{members:,} members",
            figures=figures,
        ),
        Line(
            "bytes per page of 6 x 10",
            f"log {shown['log_per_page']}, served again {shown['log_per_page_again']}; lake "
            f"{shown['lake_per_page']} with that; state {shown['state_per_page']}, one page per member",
        ),
    ]


def _weighed(home: Path, call: Callable[[Connection], T]) -> tuple[tuple[float, float], T]:
    """Bytes that requests add to the log, and to the state once it is closed; then compacts the log."""
    state_db = home / "state.db"
    before = state_db.stat().st_size if state_db.exists() else 0
    with matinee(home) as server:
        logged = server.figure("matinee_log_bytes")
        found = call(Connection(server.port))
        time.sleep(1)
        logged = server.figure("matinee_log_bytes") - logged
    compact(home)
    return (logged, state_db.stat().st_size - before), found


def _events(connection: Connection, at: str, members: int, titles: int, n: int) -> None:
    rng = random.Random(0)
    for start in range(0, n, GROUP):
        sent = [
            {
                "type": "play",
                "event_id": f"{rng.getrandbits(128):032x}",
                "member_id": f"m{rng.randrange(members):07d}",
                "title_id": f"t{rng.randrange(titles):06d}",
                "at": at,
                "watch_s": rng.randrange(6_000),
                "device": "tv",
            }
            for _ in range(start, start + GROUP)
        ]
        reply = connection.post("/v1/events", sent)
        assert reply["accepted"] == GROUP, reply


def _pages(connection: Connection, members: list[int]) -> str:
    """Ask for pages; the server's time of the last one."""
    at = ""
    for n in members:
        at = connection.get(FIRST_SCREEN.format(n)).partition(b'"at":"')[2].partition(b'"')[0].decode()
    return at


def memory(
    home: Path, members: int, titles: int, *, minutes: float = 0.0, requests: int = 0, tell: Any = None
) -> list[Line]:
    """Line 6: memory of a worker under mixed requests."""
    people = People([f"m{n:07d}" for n in range(members)], [f"t{n:06d}" for n in range(titles)])
    with scratch(home) as copy, matinee(copy) as server:
        found = soak(server.port, people, server.rss_mb, minutes=minutes, requests=requests, tell=tell)
        violations, dropped = (
            server.figure(f"matinee_{name}") for name in ("constraint_violations", "log_dropped")
        )
    growth, slope = found.growth(), found.slope_mb()
    refused = sum(n for (_, code), n in found.statuses.items() if code != 200) - found.errors
    return [
        Line(
            f"memory over {found.requests:,} mixed requests",
            f"{growth:+.1%} after the warm-up, from {found.samples[0][1]:,.0f} MB at the start to "
            f"{found.samples[-1][1]:,.0f} MB",
            f"less than {MOST_GROWTH:+.0%}",
            growth < MOST_GROWTH and found.errors == 0 and violations == 0 and dropped == 0,
            f"{found.requests / found.seconds:,.0f} requests/s; {1e6 * slope:+.1f} MB per million requests; "
            f"errors {found.errors}, refused {refused} (old cursors), violations of limits {violations:.0f}, "
            f"lines of the log lost {dropped:.0f}",
            {
                "growth": growth,
                "mb_per_request": slope,
                "samples": found.samples,
                "statuses": {f"{kind} {code}": n for (kind, code), n in sorted(found.statuses.items())},
            },
        )
    ]


@contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """A copy of a home, without what training left, for measurements that write much."""
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
        copy = Path(folder) / "home"
        left = shutil.ignore_patterns("artefacts", "runs", "cache", "scratch")
        shutil.copytree(home, copy, ignore=left)
        yield copy


def compact(home: Path) -> None:
    """Move the log into the lake."""
    command = [sys.executable, "-m", "matinee", "compact", "--home", str(home), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def lake(home: Path) -> dict[str, int]:
    """Bytes of each table."""
    tables = [one for one in (home / "lake").iterdir() if one.is_dir()]
    return {one.name: sum(file.stat().st_size for file in one.rglob("*.parquet")) for one in tables}


def computed(home: Path) -> int:
    """Decisions in the lake that were not given out again."""
    files = str(home / "lake" / "decisions" / "**" / "*.parquet")
    with duckdb.connect() as con:
        found = con.execute(
            "SELECT count(*) FROM read_parquet(?, union_by_name=true) WHERE slots IS NOT NULL", [files]
        )
        return int((found.fetchone() or (0,))[0])
