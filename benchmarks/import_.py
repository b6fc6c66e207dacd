"""Import of generated CSV rows beside DuckDB's own COPY of the same file to Parquet, same threads.

    python benchmarks/import_.py --rows 20000000 --out import.json

The bound: at most 4 times DuckDB, and peak memory under 2 GB. Each side runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.connection import connect, literal

MAX_RATIO = 4.0
MAX_MEMORY_MB = 2_000


def generate(path: Path, rows: int) -> None:
    """Members watch for ten years; the file is in the order of members, then time, as exports are."""
    members = max(1, rows // 150)
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT i // 150 AS member_id, "
            f"CAST(floor(27000 * pow((hash(i) % 1000003) / 1000003.0, 3)) AS INTEGER) AS title_id, "
            f"1262304000 + CAST((hash(i // 150) % {members}) / {members}.0 * 283824000 AS BIGINT) "
            f"+ (i % 150) * 211700 AS at, 0.5 * (1 + hash(i * 7) % 10) AS rating "
            f"FROM range({rows}) AS t(i)) TO {literal(path)} (HEADER)"
        )


def run_product(csv: Path, folder: Path, threads: int) -> None:
    home = Home.create(folder / "home")
    done = run_import(home, "events", csv, threads=threads)
    assert done[0].rejected == 0


def run_duckdb(csv: Path, folder: Path, threads: int) -> None:
    with connect(folder / "spill", threads=threads) as con:
        con.execute(
            f"COPY (FROM read_csv({literal(csv)})) TO {literal(folder / 'copy.parquet')} (FORMAT parquet)"
        )


SIDES = {"matinee": run_product, "duckdb": run_duckdb}


def measure(side: str, csv: Path, folder: Path, threads: int) -> dict[str, float]:
    """Run one side in a fresh process; seconds of wall time and CPU, and peak memory in MB."""
    command = [sys.executable, __file__, "--side", side, "--csv", csv, "--folder", folder]
    out = subprocess.run(
        [*map(str, command), "--threads", str(threads)], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, float] = json.loads(out)
    return found


def one_side(side: str, csv: Path, folder: Path, threads: int) -> None:
    start = time.perf_counter()
    SIDES[side](csv, folder, threads)
    use = resource.getrusage(resource.RUSAGE_SELF)
    wall_s = time.perf_counter() - start
    print(
        json.dumps({"wall_s": wall_s, "cpu_s": use.ru_utime + use.ru_stime, "peak_mb": use.ru_maxrss / 1024})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--csv", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        one_side(given.side, given.csv, given.folder, given.threads)
        return
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        csv = folder / "events.csv"
        generate(csv, given.rows)
        found = {side: measure(side, csv, folder, given.threads) for side in ("duckdb", "matinee")}
    ratio = found["matinee"]["wall_s"] / found["duckdb"]["wall_s"]
    memory_mb = found["matinee"]["peak_mb"]
    print(f"import of {given.rows:,} CSV rows, {given.threads} threads")
    for side, values in found.items():
        print(
            f"  {side:8} wall {values['wall_s']:7.1f} s   cpu {values['cpu_s']:7.1f} s   "
            f"peak {values['peak_mb']:6.0f} MB"
        )
    print(f"  ratio {ratio:.2f} (bound {MAX_RATIO:g}), peak {memory_mb:.0f} MB (bound {MAX_MEMORY_MB})")
    if given.out:
        figures = {"rows": given.rows, "threads": given.threads, "ratio": ratio, **found}
        given.out.write_text(json.dumps(figures, indent=1) + "\n")
    if ratio > MAX_RATIO or memory_mb > MAX_MEMORY_MB:
        sys.exit(1)


if __name__ == "__main__":
    main()
