"""What assigning a million units to the arms of an experiment costs beside hashing their ids once.

    python benchmarks/assignment.py [--units 1000000] [--repeats 5] [--out FILE.json]

Three experiments: everybody is in it (two hashes a unit); the same with a holdout of 1 % and a tenth kept out
(three hashes); a tenth of the layer (little more than one). The hash alone is a plain loop of
`hashlib.blake2b(id, digest_size=8).digest()` over the same ids. In turns, the ratio of CPU times within each
round, its median over the rounds. Exit code 1: a ratio is above `BOUND`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from matinee.prove.experiment.assignment import assign_many
from matinee.prove.experiment.definition import Arm, Experiment

BOUND = 5.0
"""Most times the hash alone that assigning may take."""
PLAIN = Experiment(
    name="trial",
    initiative="trial",
    owner="benchmarks",
    hypothesis="Hashes are cheap.",
    arms=(Arm("control", 0.5), Arm("treatment", 0.5)),
    primary="watch_hours",
    salt="0123456789abcdef",
)
HOLDOUT = 0.01
CASES = {
    "everybody": (PLAIN, 0.0),
    "with a holdout and units kept out": (msgspec.structs.replace(PLAIN, kept_out=0.1), HOLDOUT),
    "a tenth of the layer": (msgspec.structs.replace(PLAIN, share=0.1, from_share=0.4), 0.0),
}


def hash_alone(unit_ids: Sequence[str]) -> None:
    """The least that a hash of each id takes."""
    for unit_id in unit_ids:
        hashlib.blake2b(unit_id.encode(), digest_size=8).digest()


def cpu_s(work: Callable[[], object]) -> float:
    """CPU time of a call, seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description="Cost of assigning units to arms")
    options.add_argument("--units", type=int, default=1_000_000)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    unit_ids = [f"member-{number:08d}" for number in range(given.units)]
    alone: list[float] = []
    ratios: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(given.repeats):
        alone.append(cpu_s(lambda: hash_alone(unit_ids)))
        for name, (experiment, holdout) in CASES.items():
            spent = cpu_s(lambda e=experiment, h=holdout: assign_many(e, unit_ids, holdout=h))  # type: ignore[misc]
            ratios[name].append(spent / alone[-1])
    found = {name: statistics.median(each) for name, each in ratios.items()}
    print(f"{given.units:,} units, medians of {given.repeats} rounds, CPU time")
    print(f"hash alone: {statistics.median(alone):.2f} s")
    for name, ratio in found.items():
        spread = f"{min(ratios[name]):.2f} to {max(ratios[name]):.2f}"
        print(f"{name}: {ratio:.2f} times the hash alone ({spread}), bound {BOUND:g}")
    if given.out:
        record = {"units": given.units, "hash_s": statistics.median(alone), "ratios": found, "bound": BOUND}
        given.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0 if all(ratio <= BOUND for ratio in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
