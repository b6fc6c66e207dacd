"""Cost of `matinee recommend` as a whole process on generated logs: CPU seconds, peak memory, their growth.

    python benchmarks/recommend.py [--quick | --only 20000x1000000] [--largest] [--out recommend.json]

Each run is a process of its own, compiled kernels cached by a small run before. The target of the project is
the row of 1,000,000 events: at most 120 s of CPU and 2 GB. Last columns: seconds of CPU and bytes of memory
for each event, which should not grow with the number of events.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from generated import generated, write_log

SIZES = [  # members, titles, events
    (6_000, 1_000, 1_000_000),
    (6_000, 3_500, 100_000),
    (6_000, 3_500, 1_000_000),
    (6_000, 10_000, 1_000_000),
    (6_000, 20_000, 1_000_000),
    (30_000, 3_500, 5_000_000),
]
LARGEST = (120_000, 3_500, 20_000_000)
MEASURED = """
import resource, sys
from matinee.cli.main import main
code = main(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_SELF)
print("\\nMEASURED", code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


def run(log: Path, out: Path, *options: str) -> tuple[float, float]:
    """CPU seconds and peak MB of one `matinee recommend`."""
    command = [sys.executable, "-c", MEASURED, "recommend", "--interactions", str(log), "--out", str(out)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True, env=os.environ)
    _, code, cpu_s, peak_mb = done.stdout.splitlines()[-1].split()
    if code != "0":
        raise SystemExit(done.stderr)
    return float(cpu_s), float(peak_mb)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only the row of 1,000,000 events")
    parser.add_argument("--largest", action="store_true", help="also 20,000,000 events")
    parser.add_argument("--only", help="rows TITLESxEVENTS, separated by commas")
    parser.add_argument("--objective", choices=["next", "window"], default="next")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    sizes = [SIZES[2]] if args.quick else SIZES + ([LARGEST] if args.largest else [])
    if args.only:
        wanted = args.only.split(",")
        sizes = [size for size in [*SIZES, LARGEST] if f"{size[1]}x{size[2]}" in wanted]
    rows = []
    print(
        f"{'members':>8} {'titles':>7} {'events':>11} {'CPU s':>8} {'peak MB':>8} "
        f"{'CPU us/event':>13} {'bytes/event':>12}"
    )
    with tempfile.TemporaryDirectory() as folder:
        log, out = Path(folder) / "log.parquet", Path(folder) / "best.parquet"
        write_log(generated(200, 300, 10_000), log)
        run(log, out)
        for members, titles, events in sizes:
            made = generated(members, titles, events)
            n_events = made.n_events
            write_log(made, log)
            del made
            cpu_s, peak_mb = run(log, out, "--objective", args.objective)
            rows.append(
                {"members": members, "titles": titles, "events": n_events, "cpu_s": cpu_s, "peak_mb": peak_mb}
            )
            print(
                f"{members:>8,} {titles:>7,} {n_events:>11,} {cpu_s:>8.1f} {peak_mb:>8.0f} "
                f"{1e6 * cpu_s / n_events:>13.0f} {1e6 * peak_mb / n_events:>12.0f}",
                flush=True,
            )
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
