"""Run the benchmarks and keep their results: `make bench`, or `python -m benchmarks import recommend`.

Each benchmark is a process of its own. What it prints goes to the screen and to NAME.txt, its figures to
NAME.json, both in benchmarks/results (with --quick: .matinee-cache/quick). A benchmark whose data or extra is
missing is skipped, with the reason. Exit code 1: a benchmark failed, or a bound that it checks was not held.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets import KINDS, MissingDatasetError, dataset

HERE = Path(__file__).parent
CACHE = HERE.parent / ".matinee-cache"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A file in this folder.

    Attributes
    ----------
    about : str
        What it measures.
    takes : str
        How long, on two cores.
    quick : tuple of str
        Options that `--quick` adds.
    data : "", "published" or "interactions"
        How it is given a data set, see `Dataset`; empty: it makes its own data.
    needs : str
        Module of an extra; empty: none.
    """

    file: str
    about: str
    takes: str
    quick: tuple[str, ...] = ()
    data: str = ""
    needs: str = ""
    json: bool = True


BENCHMARKS = {
    "import": Benchmark("import_.py", "import beside DuckDB's COPY", "5 min", quick=("--rows", "1000000")),
    "recommend": Benchmark("recommend.py", "cost by events and titles", "20 min", quick=("--quick",)),
    "features": Benchmark(
        "features.py", "features beside DuckDB, numpy and Feast", "5 min", quick=("--quick",)
    ),
    "runner": Benchmark("runner.py", "what the pipeline runner adds", "1 min", quick=("--repeats", "3")),
    "assignment": Benchmark(
        "assignment.py", "arms of a million units beside hashing their ids", "1 min", quick=("--repeats", "2")
    ),
    "search": Benchmark(
        "search.py", "a search of 50,000 titles beside a scan", "2 min", quick=("--titles", "5000")
    ),
    "bandits": Benchmark(
        "bandits.py",
        "regret of policies that learn, where the truth is known",
        "10 min",
        quick=("--decisions", "2000", "--seeds", "2"),
    ),
    "artwork": Benchmark(
        "artwork.py",
        "which image for whom: share of the oracle's lift, where the truth is known",
        "25 min",
        quick=("--impressions", "200000", "--seeds", "1", "--none-seeds", "5", "--none-impressions", "60000"),
    ),
    "offpolicy": Benchmark(
        "offpolicy.py",
        "off-policy estimates where the truth is known",
        "8 min",
        quick=("--repetitions", "100"),
    ),
    "offpolicy-pages": Benchmark(
        "offpolicy_pages.py",
        "pages judged off-policy against what they really bring",
        "2 min",
        quick=("--members", "2000", "--days", "5", "--seeds", "1"),
    ),
    "sequential": Benchmark(
        "sequential.py", "false positives and power of looking daily", "5 s", quick=("--runs", "5000")
    ),
    "experiment-stats": Benchmark(
        "oracles/experiment_stats.py", "experiments beside tea-tasting and gsdesign", "1 min", json=False
    ),
    "interleaving": Benchmark(
        "interleaving.py",
        "members that an interleaving and an A/B need, on a simulated service",
        "8 min",
        quick=("--worlds", "2", "--noise-b", "0.4", "--factor", "5"),
    ),
    "page": Benchmark("page.py", "cost of a page", "3 min", quick=("--repeats", "60", "--members", "20")),
    "page-quality": Benchmark("page_quality.py", "the page against baselines", "10 min", data="published"),
    "quality": Benchmark(
        "quality.py", "recommend against peers", "1 to 2 h", quick=("--no-peers",), data="interactions"
    ),
    "readout": Benchmark(
        "readout.py",
        "reading an experiment beside the bare aggregation",
        "5 min",
        quick=("--units", "30000"),
    ),
    "retention": Benchmark(
        "retention.py",
        "offers against the truth of a simulated service",
        "5 min",
        quick=("--members", "1500", "--seeds", "1"),
    ),
    "serve-ingest": Benchmark(
        "serve_ingest.py",
        "events taken in, beside an endpoint that only appends",
        "2 min",
        quick=("--rounds", "1", "--seconds", "2"),
    ),
    "state": Benchmark("state.py", "the state of members in SQLite and Redis", "3 min", quick=("--quick",)),
    "serve": Benchmark(
        "serve.py", "the decision server: every figure beside its bound", "15 min", quick=("--quick",)
    ),
    "browser": Benchmark(
        "browser.py",
        "the homepage in headless Chromium, beside a bare page of the same process",
        "6 min",
        quick=("--quick",),
        needs="playwright",
    ),
    "sasrec": Benchmark("sasrec.py", "cost of the transformer", "5 min", needs="torch", json=False),
}
"""In the order in which they run."""
QUICK_PEERS = "popularity,item-kNN (implicit),iALS (implicit),EASE"
"""Of `quality` on ml-1m: RecTools' SASRec needs hours for a million events."""


@dataclass(frozen=True, slots=True)
class Job:
    """One process to run, or why it is not run."""

    name: str
    command: tuple[str, ...] = ()
    out: Path | None = None
    skipped: str = ""


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for, one after the other."""
    words = parser()
    options = words.parse_args(argv)
    chosen = options.names or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        words.error(f'there is no benchmark "{unknown[0]}". Choose from: {", ".join(BENCHMARKS)}.')
    results = options.results or (CACHE / "quick" if options.quick else HERE / "results")
    results.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    for position, name in enumerate(chosen, 1):
        for wanted in jobs(name, options, results):
            label = f"[{position}/{len(chosen)}] {wanted.name}"
            if wanted.skipped:
                print(f"{label}: skipped, {wanted.skipped}", flush=True)
                continue
            print(f"{label}: {BENCHMARKS[name].about} ...", flush=True)
            started = time.monotonic()
            code = run(wanted, results / f"{wanted.name}.txt")
            done = "done" if code == 0 else f"FAILED (exit {code})"
            print(f"{label}: {done} after {time.monotonic() - started:.0f} s", flush=True)
            failed += [wanted.name] if code else []
    print(f"Results: {results}" + (f". Failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    """The options, for `--help` too."""
    listed = "\n".join(f"  {name:14} {one.about} ({one.takes})" for name, one in BENCHMARKS.items())
    out = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\nBenchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    out.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; default: all")
    out.add_argument("--quick", action="store_true", help="smaller sizes, no peers: minutes, not hours")
    out.add_argument(
        "--only-data", choices=list(KINDS), help="only this data set; default: all that are there"
    )
    out.add_argument("--movietweetings", type=Path, help="folder of MovieTweetings; see benchmarks/README.md")
    out.add_argument("--sequence", action="store_true", help="quality: also with the extra `sequence`")
    out.add_argument("--results", type=Path, help="folder; default: benchmarks/results, not with --quick")
    return out


def jobs(name: str, options: argparse.Namespace, results: Path) -> Iterator[Job]:
    """Processes of one benchmark: one, or one per data set."""
    one = BENCHMARKS[name]
    if one.needs and importlib.util.find_spec(one.needs) is None:
        yield Job(name, skipped=f"{one.needs} is not installed")
        return
    extra = list(one.quick) if options.quick else []
    extra += ["--sequence"] if name == "quality" and options.sequence else []
    if not one.data:
        yield job(one, name, results, extra)
        return
    for data in [options.only_data] if options.only_data else KINDS:
        of_data = f"{name}-{data}"
        if one.data == "published" and not KINDS[data]:
            yield Job(of_data, skipped="it is a log without names of titles")
            continue
        try:
            found = dataset(data, CACHE / "data", movietweetings=options.movietweetings)
        except MissingDatasetError as problem:
            yield Job(of_data, skipped=str(problem))
            continue
        given = [f"--{found.kind}", str(found.published)]
        if one.data == "interactions":
            given = ["--interactions", str(found.interactions)]
            given += ["--only-peers", QUICK_PEERS] if data == "ml-1m" else []
        yield job(one, of_data, results, [*given, *extra])


def job(one: Benchmark, name: str, results: Path, options: list[str]) -> Job:
    """What to run."""
    out = results / f"{name}.json" if one.json else None
    words = ["--out", str(out)] if out else []
    return Job(name, (sys.executable, "-u", str(HERE / one.file), *options, *words), out)


def run(wanted: Job, log: Path) -> int:
    """Run a process; show its standard output, and keep it if there is a result. Returns its exit code."""
    before = _changed_ns(wanted.out)
    with subprocess.Popen(wanted.command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print("  " + line, end="", flush=True)
            lines.append(line)
    if process.returncode == 0 or _changed_ns(wanted.out) != before:  # a bound that is not held is a result
        log.write_text("".join(lines), encoding="utf-8")
    return process.returncode


def _changed_ns(path: Path | None) -> int:
    return path.stat().st_mtime_ns if path is not None and path.exists() else 0


if __name__ == "__main__":
    sys.exit(main())
