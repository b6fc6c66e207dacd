"""Features: point-in-time backfill beside a bare DuckDB join, the online evaluator beside numpy, and Feast.

    python benchmarks/features.py [--quick] [--largest] [--no-feast] [--out features.json]

Bounds: the backfill of five aggregations for 100,000 labels over 10,000,000 events costs at most 1.5 times
the range join of the same tables that only counts (CPU), with less than 2 GB (the costlier last and different
values are shown beside SQL by hand for the same features, with no bound); the evaluator's median for five
aggregations is at most 6 times five masked numpy sums over the same events. Each backfill and each join is
a process of its own, and the two alternate. `--largest` adds 100,000,000 events (6 GB of disk, out of core).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np

from matinee.learn.features.aggregates import Aggregate, Count, Distinct, LastK, Max, Mean, Min, Sum
from matinee.learn.features.backfill import backfill
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.online import OnlineEvaluator
from matinee.learn.features.sources import Source
from matinee.observe.lake.connection import connect, literal

HERE = Path(__file__).parent
FEAST = "feast[duckdb]==0.67.0"
DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
START_US = 19_676 * DAY_US
MAX_COST, MAX_MEMORY_MB, MAX_ONLINE = 1.5, 2_000, 6.0
MEMORY_MB = 1_200
SIZES = (1_000_000, 10_000_000)
LARGEST = 100_000_000
BOUNDED = 10_000_000
LABELS = 100_000
REPEATS = 3
TAILS = (50, 500, 5_000)
PLAYS = Source("plays", {"member_id": "text", "title_id": "text", "watch_s": "float"})


def view(*said: tuple[Aggregate, str]) -> FeatureView:
    features = tuple(Feature(f"f{n}", PLAYS, aggregate, window) for n, (aggregate, window) in enumerate(said))
    return FeatureView("bench", "member", features)


WATCH = "watch_s"
VIEWS = {
    "numbers": view(
        (Count(), "7d"), (Sum(WATCH), "30d"), (Mean(WATCH), "30d"), (Min(WATCH), "90d"), (Max(WATCH), "90d")
    ),
    "lists": view(
        (Count(), "7d"), (Sum(WATCH), "30d"), (LastK("title_id", 5), "90d"), (Distinct("title_id"), "30d"),
        (Max(WATCH), "90d"),
    ),
    "tail only": view(
        (Count(), "24h"), (Sum(WATCH), "48h"), (Mean(WATCH), "12h"), (Min(WATCH), "48h"), (Max(WATCH), "6h")
    ),
}  # fmt: skip
"""Five aggregations each. The bound of the backfill is for "numbers"; "lists" has the costlier kinds."""


def generate(events: Path, labels: Path, n_events: int) -> None:
    """90 days of plays in files of about 2,000,000 by time, each sorted by member, as the lake has them."""
    members = max(n_events // 50, 1)
    parts = max(n_events // 2_000_000, 1)
    with connect(events, memory_mb=MEMORY_MB, threads=2) as con:
        for part in range(parts):
            first, span = START_US + part * 90 * DAY_US // parts, 90 * DAY_US // parts
            con.execute(
                f"COPY (SELECT 'm' || lpad(CAST(hash(i) % {members} AS VARCHAR), 8, '0') AS member_id, "
                "'t' || lpad(CAST(CAST(floor(5000 * pow((hash(i * 3 + 1) % 1000003) / 1000003.0, 2)) "
                "AS INTEGER) AS VARCHAR), 6, '0') AS title_id, "
                f"{first} + CAST(hash(i * 7 + 2) % {span} AS BIGINT) AS at_us, i AS seq, "
                "CAST(hash(i * 11) % 7200 AS DOUBLE) AS watch_s, "
                "at_us + CAST(hash(i) % 5000000 AS BIGINT) AS seen_us "
                f"FROM range({part * n_events // parts}, {(part + 1) * n_events // parts}) AS t(i) "
                "ORDER BY member_id, at_us, seq) "
                f"TO {literal(events / f'{part:03}.parquet')} (FORMAT parquet)"
            )
        con.execute(
            f"COPY (SELECT i AS label_id, 'm' || lpad(CAST(hash(i * 5 + 99) % {members} AS VARCHAR), 8, '0') "
            f"AS entity_id, {START_US} + CAST((30 + hash(i * 13) % 60) * {DAY_US} + hash(i) % {DAY_US} "
            f"AS BIGINT) AS at_us FROM range({LABELS}) AS t(i)) TO {literal(labels)} (FORMAT parquet)"
        )


def midnight(days: int) -> str:
    start = f"l.at_us - {days * DAY_US}"
    return f"{start} - ({start}) % {DAY_US}"


def by_hand(*aggregates: str) -> Callable[[duckdb.DuckDBPyConnection], int]:
    """The range join of 90 days, as one writes it in SQL."""

    def run(con: duckdb.DuckDBPyConnection) -> int:
        con.execute(
            f"CREATE TEMP TABLE made AS SELECT l.label_id, {', '.join(aggregates)} "
            "FROM asked AS l JOIN plays AS v "
            "ON v.member_id = l.entity_id AND v.at_us < l.at_us AND v.seen_us <= l.at_us "
            f"AND v.at_us >= {midnight(90)} GROUP BY l.label_id"
        )
        return 0

    return run


LISTS_BY_HAND = (
    f"count(CASE WHEN v.at_us >= {midnight(7)} THEN 1 END) AS f0",
    f"sum(CASE WHEN v.at_us >= {midnight(30)} THEN watch_s END) AS f1",
    "arg_max(title_id, v.at_us, 5) AS f2",
    f"count(DISTINCT CASE WHEN v.at_us >= {midnight(30)} THEN title_id END) AS f3",
    "max(watch_s) AS f4",
)
"""The features of "lists" for labels with an event; equal times in any order, while ours keeps `seq`."""


def run_view(name: str) -> Callable[[duckdb.DuckDBPyConnection], int]:
    return lambda con: backfill(con, VIEWS[name], "asked").n_rows


SIDES = {
    "join": by_hand("count(*)"),
    "numbers": run_view("numbers"),
    "lists": run_view("lists"),
    "lists by hand": by_hand(*LISTS_BY_HAND),
}
NAMES = {"join": "join with count(*)", "lists by hand": "the same lists in SQL by hand"}


def one_side(side: str, events: Path, labels: Path, spill: Path) -> None:
    """One run in this process; prints what it cost."""
    with connect(spill, memory_mb=MEMORY_MB, threads=2) as con:
        con.execute(f"CREATE VIEW plays AS FROM read_parquet({literal(events / '*.parquet')})")
        con.execute(f"CREATE VIEW asked AS FROM read_parquet({literal(labels)})")
        con.execute("SELECT count(*) FROM plays").fetchall()
        start, cpu = time.perf_counter(), time.process_time()
        rows = SIDES[side](con)
        wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb, "rows": rows}))


def child(*words: object) -> dict[str, float]:
    """Last line of a process as JSON."""
    command = [str(word) for word in words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def backfills(folder: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Least CPU and wall time of each side, and its largest peak; the sides alternate."""
    events, labels = folder / "events", folder / "labels.parquet"
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(repeats):
        for side, found in runs.items():
            words = ["--side", side, "--events", events, "--labels", labels, "--spill", folder / "spill"]
            found.append(child(sys.executable, __file__, *words))
    return {
        side: {key: (max if key == "peak_mb" else min)(run[key] for run in found) for key in found[0]}
        for side, found in runs.items()
    }


def online() -> Iterator[tuple[str, int, float, float]]:
    """View, events in the tail, and microseconds (median) of five masked sums and of the evaluator."""
    now_us = START_US + 100 * DAY_US + 13 * HOUR_US
    rng = np.random.default_rng(0)
    for name, declared in VIEWS.items():
        for n in TAILS:
            recent = np.sort(rng.integers(now_us - 47 * HOUR_US, now_us, n))
            older = np.sort(rng.integers(now_us - 90 * DAY_US, now_us - 60 * HOUR_US, 400))
            evaluator = OnlineEvaluator(declared)
            for seq, at_us in enumerate(np.concatenate([older, recent]).tolist()):
                watched = {"member_id": "m", "title_id": f"t{seq % 300}", "watch_s": float(seq % 7200)}
                evaluator.update("plays", {**watched, "at_us": at_us, "seq": seq})
            watch_s = rng.random(n)
            lows = [now_us - hours * HOUR_US for hours in (24, 48, 12, 48, 6)]

            def sums(at: np.ndarray = recent, v: np.ndarray = watch_s, lows: list[int] = lows) -> None:
                for low in lows:
                    v[(at >= low) & (at < now_us)].sum()

            def asked(evaluator: OnlineEvaluator = evaluator) -> None:
                evaluator.evaluate("m", now_us)

            yield name, n, median_us(sums), median_us(asked)


def median_us(call: Callable[[], None], repeats: int = 1_000) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def feast_python(cache: Path) -> Path:
    """Interpreter of an environment with Feast, made on first use; Matinee is not in it."""
    python = cache / "bin" / "python"
    stamp = cache / "pin.txt"
    if not (stamp.exists() and stamp.read_text() == FEAST):
        uv = shutil.which("uv")
        make = (
            [uv, "venv", "--clear", "-p", sys.executable] if uv else [sys.executable, "-m", "venv", "--clear"]
        )
        install = (
            [uv, "pip", "install", "-p", str(python)] if uv else [str(python), "-m", "pip", "install", "-q"]
        )
        for command in ([*make, str(cache)], [*install, FEAST]):
            subprocess.run(command, check=True, capture_output=True)
        stamp.write_text(FEAST)
    return python


def through_feast(cache: Path, folder: Path) -> dict[str, float]:
    python = feast_python(cache)
    words = [folder / "events" / "*.parquet", folder / "labels.parquet", folder / "feast"]
    os.environ["FEAST_USAGE"] = "False"
    return child(python, HERE / "features_feast.py", *words)


def report(n_events: int, found: dict[str, dict[str, float]]) -> bool:
    """Print one size; whether its bounds hold."""
    print(f"backfill: {LABELS:,} labels, {n_events:,} events, 2 threads, DuckDB limited to {MEMORY_MB:,} MB")
    base = found["join"]
    for side, cost in found.items():
        name = NAMES.get(side, f"five aggregations, {side}")
        ratio = "" if side == "join" else f"   cost {cost['cpu_s'] / base['cpu_s']:.2f} of the join"
        print(
            f"  {name:29} cpu {cost['cpu_s']:7.2f} s   wall {cost['wall_s']:7.2f} s   "
            f"peak {cost['peak_mb']:5.0f} MB{ratio}"
        )
    rows = {side: cost["rows"] for side, cost in found.items() if side not in NAMES}
    assert set(rows.values()) == {LABELS}, rows
    small = all(cost["peak_mb"] < MAX_MEMORY_MB for cost in found.values())
    cheap = n_events != BOUNDED or found["numbers"]["cpu_s"] <= MAX_COST * base["cpu_s"]
    return small and cheap


def report_feast(cost: dict[str, float], ours_cpu_s: float) -> None:
    windows, join = cost["precompute_cpu_s"], cost["historical_cpu_s"]
    print(f"  {FEAST}: {cost['rows']:,.0f} rows for {LABELS:,} labels, peak {cost['peak_mb']:.0f} MB")
    print(f"    windows at every event {windows:.1f} s of cpu, its join {join:.1f} s of cpu;")
    print(
        f"    the join alone {join / ours_cpu_s:.1f} times ours, "
        f"with the windows {(windows + join) / ours_cpu_s:.1f} times"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="1,000,000 events only, without Feast")
    parser.add_argument("--largest", action="store_true", help="also 100,000,000 events")
    parser.add_argument("--no-feast", action="store_true")
    parser.add_argument("--feast-venv", type=Path, default=HERE.parent / ".matinee-cache" / "feast")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    for name in ("side", "events", "labels", "spill", "n"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side == "generate":  # not in this process: a child begins with its parent's peak memory
        generate(Path(given.events), Path(given.labels), int(given.n))
        print("{}")
        return
    if given.side:
        one_side(given.side, Path(given.events), Path(given.labels), Path(given.spill))
        return
    sizes = SIZES[:1] if given.quick else (*SIZES, LARGEST) if given.largest else SIZES
    figures: dict[str, object] = {}
    held = True
    for n_events in sizes:
        with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
            folder = Path(name)
            (folder / "events").mkdir()
            child(
                sys.executable, __file__, "--side", "generate", "--events", folder / "events",
                "--labels", folder / "labels.parquet", "--n", n_events,
            )  # fmt: skip
            found = backfills(folder, REPEATS if n_events < LARGEST else 1)
            figures[f"{n_events}"] = found
            held &= report(n_events, found)
            if n_events == BOUNDED and not given.no_feast:
                figures["feast"] = cost = through_feast(given.feast_venv, folder)
                report_feast(cost, found["numbers"]["cpu_s"])
    print("online: median of one evaluation, five aggregations, beside five masked numpy sums")
    for name, n, sums_us, ours_us in online():
        figures[f"online {name} {n}"] = {"sums_us": sums_us, "ours_us": ours_us}
        held &= ours_us <= MAX_ONLINE * sums_us
        print(f"  {name:10} {n:5,} events   sums {sums_us:6.1f} us   evaluator {ours_us:6.1f} us   "
              f"ratio {ours_us / sums_us:.1f}")  # fmt: skip
    verdict = "held" if held else "NOT HELD"
    print(f"bounds (cost {MAX_COST}, memory {MAX_MEMORY_MB:,} MB, online {MAX_ONLINE:g}): {verdict}")
    if given.out:
        given.out.write_text(json.dumps(figures, indent=1) + "\n")
    if not held:
        sys.exit(1)


if __name__ == "__main__":
    main()
