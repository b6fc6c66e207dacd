"""The decision server: ingestion, first screens, tails, workers, memory, growth; each beside its bound.

    python benchmarks/serve.py [--quick] [--home HOME] [--only LINE ...] [--soak] [--out FILE.json]

LINE is one of ingest, screen, tail, workers, memory, growth. HOME is a home made by `serving_home.py`; homes
of other sizes (h1k, h50k) are looked for beside it, and all are made where they are missing. Load comes from
this process and from Debian's `wrk` on the same machine; what is compared is measured in turn, and medians
count. Wall times are those of the machine as it was: its load is printed. `--soak` sends 2 million mixed
requests; else they go on for `--minutes`. Exit code 1: a bound was not held.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.page_quality import conditions  # noqa: E402
from benchmarks.serve_host import missing_wrk  # noqa: E402
from benchmarks.serve_lines import Line  # noqa: E402
from benchmarks.serve_pages import Size  # noqa: E402
from benchmarks.serving_home import make  # noqa: E402

from benchmarks import serve_growth, serve_pages  # noqa: E402 - after the number of threads is set

CACHE = ROOT / ".matinee-cache" / "serving"
FULL = Size(requests=400, seconds=8, rounds=3, members=100_000, made=1_000, titles=10_000)
QUICK = Size(requests=120, seconds=2, rounds=1, members=1_000, made=200, titles=10_000)
TITLES = {"h1k": 1_000, "h10k": 10_000, "h50k": 50_000}
FEW_MEMBERS, FEW_EVENTS = 2_000, 200_000
MEMBERS = (10_000, 100_000, 1_000_000)
SOAK = 2_000_000
LINES = ("ingest", "screen", "tail", "workers", "memory", "growth")


class Bench:
    """Homes and sizes of one run."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.size = QUICK if options.quick else FULL
        self.home: Path = options.home or (folder / "small" if options.quick else CACHE / "h10k")

    def ready(self) -> None:
        """See that the homes are there."""
        size, titles = self.size, 500 if self.options.quick else FULL.titles
        events = 20_000 if self.options.quick else 2_000_000
        make(self.home, members=size.members, titles=titles, events=events)

    def other(self, name: str) -> Path:
        """A home of another catalogue, with few members; in a quick run the only one that there is."""
        if self.options.quick:
            return self.home
        if name == "h10k":
            return self.home
        made = make(self.home.parent / name, members=FEW_MEMBERS, titles=TITLES[name], events=FEW_EVENTS)
        return made.root

    def ingest(self) -> list[Line]:
        """Line 1."""
        out = self.folder / "ingest.json"
        words = [sys.executable, str(ROOT / "benchmarks" / "serve_ingest.py"), "--out", str(out)]
        rounds, seconds = (1, 2) if self.options.quick else (3, 4)
        words += ["--rounds", str(rounds), "--seconds", str(seconds)]
        words += ["--peer", self.options.peer] if self.options.peer else []
        found = subprocess.run(words, capture_output=True, text=True, check=False)
        if not out.is_file():
            raise SystemExit(f"serve_ingest.py failed: {found.stderr[-2000:]}")
        return ingested(json.loads(out.read_text()))

    def screen(self) -> list[Line]:
        """Lines 2 and 3."""
        return serve_pages.one_connection(self.home, self.size)

    def tail(self) -> list[Line]:
        """Line 4."""
        return serve_pages.tails(self.home, self.size)

    def workers(self) -> list[Line]:
        """Line 5."""
        return serve_pages.workers(self.home, self.size)

    def memory(self) -> list[Line]:
        """Line 6."""
        quick = self.options.quick
        home, titles = self.other("h1k"), 500 if quick else TITLES["h1k"]
        members = self.size.members if quick else FEW_MEMBERS
        how: dict[str, Any] = {"requests": SOAK} if self.options.soak else {"minutes": self.options.minutes}
        if quick:
            how = {"minutes": min(0.3, self.options.minutes)}
        return [
            *serve_growth.memory(home, members, titles, tell=say, **how),
            *serve_growth.kept(home, members, titles, 4_000 if quick else 20_000),
        ]

    def growth(self) -> list[Line]:
        """Line 7."""
        if self.options.quick:
            titles, requests = {500: self.home}, 100
        else:
            titles, requests = {n: self.other(name) for name, n in TITLES.items()}, 300
        members = MEMBERS[:1] if self.options.quick else MEMBERS
        return [
            *serve_growth.by_titles(titles, min(self.size.members, FEW_MEMBERS), requests),
            *serve_growth.by_members(members, 3_000),
        ]


def ingested(found: dict[str, Any]) -> list[Line]:
    """Figures of serve_ingest.py as lines."""
    out = []
    for shape in ("device", "gateway"):
        one = found[shape]
        parts, rest = one["parts_us"], one["cpu_us"] - sum(one["parts_us"].values())
        shares = {**parts, "HTTP and the event loop": max(0.0, rest)}
        told = ", ".join(f"{name} {us / one['cpu_us']:.0%}" for name, us in shares.items())
        what = "of one member" if shape == "device" else "of 20 members"
        tail = one["p99_ms"] / one["p50_ms"]
        out.append(
            Line(
                f"events, 20 {what} per request, 64 connections",
                f"{one['ours_events_s']:,.0f} a second = {one['share']:.0%} of the bare {found['peer']} one, "
                f"p99 {tail:.1f} x p50 ({one['p50_ms']:.0f} ms)",
                "at least 45 %, under 5 x",
                one["share"] >= 0.45 and tail < 5 and one["errors"] == 0,
                f"CPU {one['cpu_us']:.1f} us an event: {told}; errors {one['errors']}",
                one,
            )
        )
    return out


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"  {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure, print, and say whether the bounds were held."""
    options = parser().parse_args()
    if missing_wrk():
        print(missing_wrk(), file=sys.stderr)
        return 2
    facts = conditions() | {"load": f"{os.getloadavg()[0]:.1f}"}
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    chosen = options.only or list(LINES)
    found: dict[str, list[Line]] = {}
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        bench = Bench(options, Path(name))
        bench.ready()
        for line in chosen:
            began = time.perf_counter()
            measure: Callable[[], list[Line]] = getattr(bench, line)
            found[line] = measure()
            say(f"{line}: {time.perf_counter() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
            print("\n".join(["", *(one.text() for one in found[line])]), flush=True)
    facts["load_at_end"] = f"{os.getloadavg()[0]:.1f}"
    every = [one for lines in found.values() for one in lines]
    held = [one.held for one in every if one.held is not None]
    load = f"{facts['load']} to {facts['load_at_end']}"
    print(f"\n{sum(held)} of {len(held)} bounds held; load of the machine {load}")
    if options.out:
        figures = {name: [asdict(one) for one in lines] for name, lines in found.items()}
        options.out.write_text(json.dumps(facts | {"lines": figures}, indent=1) + "\n")
    return 0 if all(held) else 1


def parser() -> argparse.ArgumentParser:
    """The options."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--quick", action="store_true", help="two minutes, in a small home made on the fly")
    out.add_argument(
        "--home", type=Path, help="10,000 titles, 100,000 members; default: one in .matinee-cache"
    )
    out.add_argument("--only", nargs="+", choices=LINES, metavar="LINE", help="only these lines")
    out.add_argument("--soak", action="store_true", help="memory: 2 million requests")
    out.add_argument("--minutes", type=float, default=2.0, help="memory: how long, without --soak")
    peer = os.environ.get("MATINEE_BENCH_STARLETTE")
    out.add_argument("--peer", default=peer, help="ingest: an interpreter with uvicorn and starlette")
    out.add_argument("--out", type=Path, help="write the figures as JSON")
    return out


if __name__ == "__main__":
    sys.exit(main())
