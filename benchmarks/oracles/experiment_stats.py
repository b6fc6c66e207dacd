"""Statistics of experiments beside tea-tasting (fixed horizon) and gsdesign (spending) on the same data.

    python benchmarks/oracles/experiment_stats.py [--peers PYTHON] [--seed 0]

PYTHON is an interpreter with tea-tasting 1.14.0 and gsdesign 0.1.5; default: an environment in
.matinee-cache/tea-tasting, made on first use. Differences are relative. tea-tasting takes CUPED's theta from
all units as if they were one arm; given the same theta we must agree, and the difference that our own theta
(within arms) makes is shown. Its relative intervals are those of log ratios, ours are Fieller's: shown, not
bounded. Exit code 1: a difference is above its bound.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.prove.stats.difference import Estimate, cuped_theta, difference
from matinee.prove.stats.moments import Moments
from matinee.prove.stats.power import Baseline, Plan, units_needed
from matinee.prove.stats.sample_ratio import sample_ratio
from matinee.prove.stats.spending import spending_bounds

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".matinee-cache" / "tea-tasting"
PEERS = ("tea-tasting==1.14.0", "gsdesign==0.1.5")
ASKED = {
    "counts": [[50_000, 48_900], [20_000, 20_150], [480, 520], [30, 70]],
    "power": {"mean": 0.05, "variance": 0.05 * 0.95, "effect": 0.1, "alpha": 0.05, "power": 0.8},
    "information": [[0.2, 0.4, 0.6, 0.8, 1.0], [0.3, 0.45, 0.8, 1.1], [k / 10 for k in range(2, 11)]],
}
COLUMNS = {"mean": "y", "mean_cuped": "yx", "ratio": "yd", "ratio_cuped": "ydxc"}


def peers_python() -> Path:
    """Interpreter of an environment with the peers; Matinee is not in it."""
    python = CACHE / "bin" / "python"
    stamp = CACHE / "made"
    if not (stamp.exists() and stamp.read_text() == " ".join(PEERS)):
        venv.create(CACHE, clear=True, with_pip=True)
        done = subprocess.run([python, "-m", "pip", "install", "-q", *PEERS, "pyarrow"], check=False)
        if done.returncode:
            raise SystemExit(
                f"experiment_stats: {' and '.join(PEERS)} could not be installed in {CACHE}. Give --peers an "
                "interpreter that has them."
            )
        stamp.write_text(" ".join(PEERS))
    return python


def units(seed: int) -> dict[str, NDArray[np.float64]]:
    """12,000 units who differ, in arms of 2 to 1: plays and hours now and before, treated 5 % more hours."""
    rng = np.random.default_rng(seed)
    n = 12_000
    arm = (rng.random(n) < 1 / 3).astype(np.int64)
    taste = rng.gamma(2.0, 0.5, n)
    d, c = rng.poisson(4 * taste) + 1.0, rng.poisson(4 * taste) + 1.0
    y = taste * d * (1 + 0.05 * arm) + rng.normal(0, 1, n)
    return {"arm": arm, "y": y, "d": d, "x": taste * c + rng.normal(0, 1, n), "c": c}


def ask(python: Path, data: dict[str, NDArray[np.float64]]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        table, asked = Path(folder) / "data.npz", Path(folder) / "asked.json"
        np.savez(table, **data)
        asked.write_text(json.dumps(ASKED))
        words = [str(python), str(HERE / "experiment_stats_peers.py"), str(table), str(asked)]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def apart(ours: float, theirs: float) -> float:
    return abs(ours - theirs) / max(abs(theirs), 1e-300)


def fixed(data: dict[str, NDArray[np.float64]], theirs: dict[str, dict[str, float]]) -> float:
    """Print the comparison of each metric; the largest difference that is bounded."""
    worst = 0.0
    print(
        "metric        effect    interval  p         | own theta: effect, width | relative interval (Fieller)"
    )
    for name, columns in COLUMNS.items():
        arms = [Moments.of(**{k: data[k][data["arm"] == a] for k in columns}) for a in (1, 0)]
        peer = theirs[name]
        same = difference(*arms, theta=cuped_theta(arms[0] + arms[1]))
        own, lift = difference(*arms), difference(*arms, relative=True)
        low, high = ends(same)
        parts = [
            apart(same.value, peer["effect_size"]),
            max(apart(low, peer["effect_size_ci_lower"]), apart(high, peer["effect_size_ci_upper"])),
            apart(same.p, peer["pvalue"]),
        ]
        wide = peer["effect_size_ci_upper"] - peer["effect_size_ci_lower"]
        mine = ends(own)[1] - ends(own)[0]
        shown = max(
            abs(a - b)
            for a, b in zip(
                ends(lift), (peer["rel_effect_size_ci_lower"], peer["rel_effect_size_ci_upper"]), strict=True
            )
        )
        print(
            f"{name:12}  {parts[0]:.1e}   {parts[1]:.1e}   {parts[2]:.1e}   | "
            f"{own.value - peer['effect_size']:+.1e} {mine / wide - 1:+.1e}        | {shown:.1e}"
        )
        worst = max(worst, *parts)
    return worst


def ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.interval(estimate.multiplier(0.05))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    data = units(args.seed)
    theirs = ask(args.peers or peers_python(), data)
    print(f"{', '.join(PEERS)}; 12,000 units, seed {args.seed}; relative differences")
    statistics = fixed(data, theirs["fixed"])
    ratios = [
        apart(sample_ratio(counts, [0.5, 0.5]).p, p)
        for counts, p in zip(ASKED["counts"], theirs["sample_ratio"], strict=True)
    ]
    print(f"sample ratio  {'  '.join(f'{one:.1e}' for one in ratios)}")
    power = ASKED["power"]
    base = Baseline(power["mean"], power["variance"])
    needed = units_needed(power["effect"], base, Plan("fixed", power["alpha"], power["power"]))
    print(f"units needed  {needed:,} and {theirs['units']:,.1f}")
    bounds = max(
        abs(look.bound - bound)
        for one, expected in zip(ASKED["information"], theirs["spending"], strict=True)
        for look, bound in zip(spending_bounds(one), expected, strict=True)
    )
    print(f"spending bounds, largest difference  {bounds:.1e}")
    held = statistics < 1e-9 and max(ratios) < 1e-9 and abs(needed - theirs["units"]) < 2 and bounds < 1e-6
    print(f"bounds (1e-9; 2 units; 1e-6) {'held' if held else 'NOT HELD'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
