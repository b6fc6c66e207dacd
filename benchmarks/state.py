"""The state of members: cost of each operation in SQLite and Redis, bytes per member and event, growth.

    python benchmarks/state.py [--quick] [--no-redis] [--out state.json]

Events are plays in groups of 1,280, as a server has them from 64 requests of 20 events: each request of one
member, or each event of another one. Ingestion goes on for `--groups` groups; the second half is measured.
"folded cpu" counts all groups, and all that is done with their events until they stand in their members'
records. "bytes, folded" is the file without free room.
`record` is read of members with 100 plays. Growth: the same with 10,000, 100,000 and 1,000,000 members of 20
plays in the store. Redis is a server of its own on a free port; without one it is skipped, with the reason.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from matinee.observe.members import Member
from matinee.observe.state.fold import apply
from matinee.observe.state.record import MemberRecord
from matinee.observe.state.redis import RedisStore
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.store import Arrival, OpenedStore, Position, Rebuilt

NOW_US = 1_700_000_000_000_000
REQUESTS, PER_REQUEST = 64, 20
GROUP = REQUESTS * PER_REQUEST
SIZES = (10_000, 100_000, 1_000_000)
PLAYS, FEW_PLAYS = 100, 20
CHUNK = 2_000
Open = Callable[[Path], OpenedStore]


class Traffic:
    """Plays with random ids."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = random.Random(seed)
        self.n = 0

    def play(self, member_id: str) -> Arrival:
        self.n += 1
        event_id = f"{self.rng.getrandbits(128):032x}"
        at_us = NOW_US + self.n * 1_000
        event = {
            "type": "play",
            "event_id": event_id,
            "member_id": member_id,
            "title_id": f"t{self.rng.randrange(10_000)}",
            "watch_s": 3_600.5,
            "device": "tv",
            "at_us": at_us,
            "seen_us": at_us,
            "seq": at_us,
        }
        return Arrival(event_id, member_id, msgspec.json.encode(event) + b"\n")

    def group(self, members: int, *, mixed: bool) -> list[Arrival]:
        out = []
        for _ in range(REQUESTS):
            whose = name(self.rng.randrange(members))
            for _ in range(PER_REQUEST):
                out.append(self.play(name(self.rng.randrange(members)) if mixed else whose))
        return out


def name(n: int) -> str:
    return f"member-{n:07d}"


def fill(store: OpenedStore, members: int, plays: int) -> float:
    """Put so many members into an empty store; seconds."""
    traffic = Traffic(1)
    record = apply(MemberRecord(), b"".join(traffic.play("m").line for _ in range(plays)))
    began = time.perf_counter()
    token, after = store.begin_rebuild(), ""
    for start in range(0, members, CHUNK):
        ids = [name(n) for n in range(start, min(start + CHUNK, members))]
        rows = [Rebuilt(one, record, Member(one, territory="NL")) for one in ids]
        store.write_rebuilt(token, rows, after=after, upto=ids[-1], now_us=NOW_US)
        after = ids[-1]
    store.end_rebuild(token, [])
    return time.perf_counter() - began


def taking(store: OpenedStore, members: int, groups: int, *, mixed: bool) -> dict[str, float]:
    """Microseconds per event of `take`, over the second half of the groups; and of all that comes of it."""
    traffic = Traffic(2 + mixed)
    wall, cpu, later = [], [], 0.0
    for n in range(groups):
        group = traffic.group(members, mixed=mixed)
        at, cpu_at = time.perf_counter(), time.process_time()
        store.take(group, Position("bench", n + 1), NOW_US)
        wall.append((time.perf_counter() - at) * 1e6 / GROUP)
        cpu.append((time.process_time() - cpu_at) * 1e6 / GROUP)
        cpu_at = time.process_time()
        store.tend()
        later += time.process_time() - cpu_at
    waiting = store.size()["bytes"]
    cpu_at = time.process_time()
    while store.size()["waiting"]:
        store.maintain(NOW_US)
    later += time.process_time() - cpu_at
    half = groups // 2
    return {
        "mean_us": statistics.mean(wall[half:]),
        "p50_us": statistics.median(wall[half:]),
        "max_us": max(wall[half:]),
        "cpu_us": statistics.mean(cpu[half:]),
        "folded_cpu_us": statistics.mean(cpu) + later * 1e6 / (groups * GROUP),
        "bytes": waiting,
    }


def without_room(file: Path) -> int:
    """Bytes of a closed state that has no free room."""
    con = sqlite3.connect(file)
    con.execute("VACUUM")
    con.close()
    return file.stat().st_size


def reading(read: Callable[[str], Any], members: int, reads: int) -> dict[str, float]:
    """Microseconds of one read."""
    rng = random.Random(5)
    took = []
    for _ in range(reads):
        whose = name(rng.randrange(members))
        at = time.perf_counter()
        read(whose)
        took.append((time.perf_counter() - at) * 1e6)
    return {"p50_us": statistics.median(took), "p99_us": statistics.quantiles(took, n=100)[98]}


def per_operation(open_store: Open, groups: int, reads: int, members: int = 2_000) -> dict[str, Any]:
    """Cost of each operation, and bytes."""
    out: dict[str, Any] = {}
    for mixed in (False, True):
        with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
            store = open_store(Path(folder))
            before = store.size()["bytes"]
            key = "take, events of many members" if mixed else "take, a request of one member"
            took = taking(store, members, groups, mixed=mixed)
            n, who = groups * GROUP, "many" if mixed else "one"
            out[f"bytes per event, waiting ({who})"] = (took.pop("bytes") - before) / n
            out[key] = took
            store.close()
            if (file := Path(folder) / "state.db").is_file():
                out[f"bytes per event, folded ({who})"] = without_room(file) / n
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
        store = open_store(Path(folder))
        before = store.size()["bytes"]
        fill(store, members, PLAYS)
        out["bytes per member of 100 plays"] = (store.size()["bytes"] - before) / members
        out["record of 100 plays"] = reading(store.record, members, reads)
        out["member"] = reading(store.member, members, reads)
        store.close()
    return out


def growth(open_store: Open, members: int, groups: int, reads: int) -> dict[str, Any]:
    """Cost with so many members in the store."""
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
        store = open_store(Path(folder))
        before = store.size()["bytes"]
        seconds = fill(store, members, FEW_PLAYS)
        size = (store.size()["bytes"] - before) / members
        out = {
            "members": members,
            "fill_s": seconds,
            "bytes_per_member": size,
            "record": reading(store.record, members, reads),
            "take_one": taking(store, members, groups, mixed=False),
            "take_many": taking(store, members, groups, mixed=True),
        }
        store.close()
    return out


@contextmanager
def redis_url() -> Iterator[str | None]:
    """A server that keeps nothing on disk, or None."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        running.terminate()
        running.wait(timeout=20)


def sqlite(folder: Path) -> OpenedStore:
    return SqliteStore(folder / "state.db")


def empty_redis(url: str) -> Open:
    def open_it(folder: Path) -> OpenedStore:
        import redis

        client = redis.Redis.from_url(url)
        client.flushall()
        client.close()
        return RedisStore(url, prefix=f"{folder.name}:")

    return open_it


def show(title: str, found: dict[str, Any]) -> None:
    print(f"{title}:")
    for what, value in found.items():
        text = f"{value:10,.0f}" if not isinstance(value, dict) else cost(value)
        print(f"  {what:34} {text}")


def cost(value: dict[str, float]) -> str:
    return "   ".join(
        f"{key.removesuffix('_us').replace('_', ' ')} {figure:7.1f} us" for key, figure in value.items()
    )


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    words.add_argument("--quick", action="store_true", help="a few seconds, without the largest store")
    words.add_argument("--no-redis", action="store_true")
    words.add_argument("--groups", type=int, default=150)
    words.add_argument("--out", type=Path)
    options = words.parse_args()
    groups, reads, sizes = (20, 300, SIZES[:1]) if options.quick else (options.groups, 3_000, SIZES)
    result: dict[str, Any] = {"sqlite": per_operation(sqlite, groups, reads)}
    show("SQLite", result["sqlite"])
    result["growth"] = [growth(sqlite, members, max(10, groups // 4), reads) for members in sizes]
    for one in result["growth"]:
        print(
            f"SQLite, {one['members']:9,} members of {FEW_PLAYS} plays: {one['bytes_per_member']:,.0f} bytes "
            f"a member; record {cost(one['record'])}; take {one['take_one']['mean_us']:.1f} us (a request of "
            f"one member), {one['take_many']['mean_us']:.1f} us (many); filled in {one['fill_s']:.0f} s"
        )
    if not options.no_redis:
        with redis_url() as url:
            if url is None:
                print("Redis: skipped, neither redis-server nor valkey-server is installed")
            else:
                result["redis"] = per_operation(empty_redis(url), groups, reads)
                show("Redis", result["redis"])
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
