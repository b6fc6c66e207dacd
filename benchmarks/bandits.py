"""Regret of policies that learn, ours and Vowpal Wabbit's, on the same streams with known truth.

    python benchmarks/bandits.py [--out FILE.json] [--seeds 5] [--decisions 8000] [--vw PYTHON]

`--vw` (or MATINEE_BENCH_VW) names an interpreter of its own that has Vowpal Wabbit:
`uv venv vw && uv pip install --python vw/bin/python vowpalwabbit==9.11.9 numpy`. Without it only ours run.

Rewards are 0 or 1 with a mean of 5 %. Every policy gets the same questions, the same rewards (what an action
would bring is drawn beforehand) and the same uniform number to draw with, answers 100 questions and then
learns from these 100. Regret is the sum of what the best action would have brought in expectation, less what
the chosen one does, as a share of the uniform policy's. Settings are the defaults of both sides, the same on
all streams. Vowpal Wabbit has its quadratic features of context and action (`-q CA`) and is told the range of
its costs, without which its RegCB stays uniform; it also gets a second mellowness. Its `--regcb` is
left out (elimination): it had 0.98 to 1.00 of the uniform policy's regret after 6,000 decisions.

arms:   10 actions, no context, log-odds of rewards with a standard deviation of 0.4
linear: 10 actions; log-odds linear in 4 numbers of context, by action
drift:  the same; all coefficients change in the middle
images: 300 images with 3 features, 10 in question, new ones all the time; log-odds by features and context,
        and a part of each image's own

Exit code 1: a bound was not held.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from matinee.decide.batch import Batch  # noqa: E402
from matinee.decide.beliefs.arms import ArmsBelief  # noqa: E402
from matinee.decide.beliefs.base import Belief  # noqa: E402
from matinee.decide.beliefs.beta import BetaBelief  # noqa: E402
from matinee.decide.beliefs.memory import MemoryConfig  # noqa: E402
from matinee.decide.beliefs.pooled import PooledBelief  # noqa: E402
from matinee.decide.learning import LearningPolicy  # noqa: E402
from matinee.decide.policies.learned import LearnedPolicy  # noqa: E402
from matinee.decide.policies.regcb import RegCBConfig, RegCBPolicy  # noqa: E402
from matinee.decide.policies.squarecb import SquareCBPolicy  # noqa: E402
from matinee.decide.policies.thompson import ThompsonPolicy  # noqa: E402
from matinee.decide.question import Floats, Question, Space  # noqa: E402
from matinee.types import DAY_US, stream  # noqa: E402

K, PORTION, DAYS = 10, 100, 40
N_IMAGES = 300
WORKER = Path(__file__).with_name("bandits_vw.py")
COSTS = "--cb_min_cost -1 --cb_max_cost 0"
VW = {
    "vw epsilon 5 %": "--epsilon 0.05",
    "vw squarecb": f"--squarecb {COSTS}",
    "vw regcbopt": f"--regcbopt {COSTS}",
    "vw regcbopt, mellowness 0.001": f"--regcbopt --mellowness 0.001 {COSTS}",
}


@dataclass(frozen=True, slots=True)
class Stream:
    """Questions and what each action would bring.

    Attributes
    ----------
    action : ndarray of int64, shape (n, K)
    context : ndarray of float64, shape (n, d)
    features : ndarray of float64, shape (n, K, f)
    mean, reward : ndarray of float64, shape (n, K)
    draw : ndarray of float64, shape (n,)
    """

    action: np.ndarray[Any, np.dtype[np.int64]]
    context: Floats
    features: Floats
    mean: Floats
    reward: Floats
    draw: Floats

    @property
    def uniform(self) -> float:
        """Regret of the uniform policy."""
        return float((self.mean.max(axis=1) - self.mean.mean(axis=1)).sum())

    def regret(self, chosen: np.ndarray[Any, np.dtype[np.int64]]) -> float:
        """As a share of the uniform policy's."""
        own = self.mean[np.arange(len(chosen)), chosen]
        return float((self.mean.max(axis=1) - own).sum()) / self.uniform


def made(name: str, n: int, seed: int) -> Stream:
    """The same for the same arguments."""
    rng = stream(seed, name)
    d, f = {"arms": (0, 0), "linear": (4, 0), "drift": (4, 0), "images": (2, 3)}[name]
    context = rng.normal(size=(n, d))
    action, features = np.tile(np.arange(K), (n, 1)), np.zeros((n, K, 0))
    if name == "images":
        of_image, taste = rng.normal(size=(N_IMAGES, f)), rng.normal(size=(1 + d, f))
        own = 0.3 * rng.normal(size=N_IMAGES)
        newest = K + ((N_IMAGES - K) * np.arange(n)) // n  # images come one after the other
        action = np.stack([rng.choice(np.arange(max(0, top - 60), top), K, replace=False) for top in newest])
        features = of_image[action]
        wish = np.concatenate([np.ones((n, 1)), context], axis=1) @ taste * 0.25
        odds = (features * wish[:, None, :]).sum(axis=2) + own[action]
    else:
        coef = rng.normal(size=(2, K, 1 + d)) * 0.4
        late = (np.arange(n) >= n // 2).astype(int) if name == "drift" else np.zeros(n, int)
        odds = np.einsum("nd,nkd->nk", np.concatenate([np.ones((n, 1)), context], axis=1), coef[late])
    mean = 1.0 / (1.0 + np.exp(3.2 - odds))
    mean *= 0.05 / mean.mean()
    mean = np.minimum(mean, 1.0)
    reward = (rng.random((n, K)) < mean).astype(np.float64)
    return Stream(action, context, features, mean, reward, rng.random(n))


def ours(name: str) -> dict[str, Callable[[], LearningPolicy]]:
    """The policies that make sense on a stream."""
    d, f = {"arms": (0, 0), "linear": (4, 0), "drift": (4, 0), "images": (2, 3)}[name]
    context, features = tuple(f"x{i}" for i in range(d)), tuple(f"f{i}" for i in range(f))
    fixed = Space(tuple(f"a{i}" for i in range(K)), context)
    fading, window = MemoryConfig(half_life_days=7.0), MemoryConfig(window_days=14)

    def belief(memory: MemoryConfig | None = None) -> Belief:
        if name == "images":
            return PooledBelief(Space(None, context, features), memory=memory)
        return ArmsBelief(fixed, memory=memory)

    found: dict[str, Callable[[], LearningPolicy]] = {
        "epsilon 5 %": lambda: LearnedPolicy(belief()),
        "squarecb": lambda: SquareCBPolicy(belief()),
        "regcb elimination": lambda: RegCBPolicy(belief(), RegCBConfig(choose="elimination")),
        "regcb optimistic": lambda: RegCBPolicy(belief()),
        "thompson": lambda: ThompsonPolicy(belief()),
    }
    if name == "arms":
        found["thompson beta"] = lambda: ThompsonPolicy(BetaBelief(fixed))
        found["thompson pooled"] = lambda: ThompsonPolicy(PooledBelief(fixed))
    if name == "drift":
        found["thompson, half-life 7 d"] = lambda: ThompsonPolicy(belief(fading))
        found["thompson, window 14 d"] = lambda: ThompsonPolicy(belief(window))
        found["regcb optimistic, half-life 7 d"] = lambda: RegCBPolicy(belief(fading))
    return found


def play(policy: LearningPolicy, one: Stream) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Serve the stream, learning after each portion; returns the places chosen."""
    n = len(one.draw)
    chosen = np.empty(n, np.int64)
    at_us = np.arange(n, dtype=np.int64) * (DAYS * DAY_US // n)
    for first in range(0, n, PORTION):
        rows = np.arange(first, min(first + PORTION, n))
        asked = [
            Question(tuple(f"a{a}" for a in one.action[i]), one.context[i], one.features[i]) for i in rows
        ]
        p = np.stack(policy.probabilities_many(asked))
        edges = np.cumsum(p, axis=1)
        pick = np.minimum((edges <= (one.draw[rows] * edges[:, -1])[:, None]).sum(axis=1), K - 1)
        chosen[rows] = pick
        policy.update(
            Batch(
                tuple(asked[i].names[a] for i, a in enumerate(pick.tolist())),
                one.reward[rows, pick],
                p[np.arange(len(rows)), pick],
                at_us[rows],
                one.context[rows],
                one.features[rows, pick],
            )
        )
    return chosen


def play_vw(python: str, options: str, one: Stream, folder: Path) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The same by Vowpal Wabbit in its own process."""
    given, out = folder / "stream.npz", folder / "chosen.npy"
    np.savez(given, action=one.action, context=one.context, features=one.features, reward=one.reward,
             draw=one.draw, portion=PORTION)  # fmt: skip
    subprocess.run([python, str(WORKER), str(given), str(out), options], check=True)
    found: np.ndarray[Any, np.dtype[np.int64]] = np.load(out)
    return found


def simulate(name: str, n: int, seeds: int, vw: str | None) -> dict[str, Any]:
    """Every policy on every stream of a kind."""
    regret: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for seed in range(seeds):
        one = made(name, n, seed)
        for label, make in ours(name).items():
            begun = time.process_time()
            regret.setdefault(label, []).append(one.regret(play(make(), one)))
            seconds[label] = seconds.get(label, 0.0) + time.process_time() - begun
        if vw:
            with tempfile.TemporaryDirectory() as folder:
                for label, options in VW.items():
                    regret.setdefault(label, []).append(one.regret(play_vw(vw, options, one, Path(folder))))
    return {
        "stream": name,
        "decisions": n,
        "seeds": seeds,
        "policies": {
            label: {
                "regret": float(np.mean(values)),
                "error": float(np.std(values, ddof=1) / np.sqrt(seeds)) if seeds > 1 else float("nan"),
                "by_seed": values,
                "ms_per_decision": 1e3 * seconds[label] / (n * seeds) if label in seconds else None,
            }
            for label, values in regret.items()
        },
    }


def show(found: dict[str, Any]) -> None:
    """Print one table."""
    print(f"\n{found['stream']}: {found['seeds']} streams of {found['decisions']:,} decisions")
    print("policy                            regret, share of uniform's (95 %)   ms of CPU a decision")
    for label, one in sorted(found["policies"].items(), key=lambda item: item[1]["regret"]):
        cost = "" if one["ms_per_decision"] is None else f"{one['ms_per_decision']:.2f}"
        print(f"{label:33} {one['regret']:6.3f} +- {2.0 * one['error']:.3f} {cost:>26}")


def main() -> int:
    """Run what was asked for, print it, and keep it."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--decisions", type=int, default=8_000)
    words.add_argument("--streams", nargs="+", default=["arms", "linear", "drift", "images"])
    words.add_argument("--vw", default=os.environ.get("MATINEE_BENCH_VW"))
    options = words.parse_args()
    tables = []
    for name in options.streams:
        tables.append(simulate(name, options.decisions, options.seeds, options.vw))
        show(tables[-1])
    wrong = [text for table in tables for text in broken(table)]
    for text in wrong:
        print(f"NOT HELD: {text}")
    if options.out:
        options.out.write_text(json.dumps({"bandits": tables, "not_held": wrong}, indent=1) + "\n", "utf-8")
    return 1 if wrong else 0


ALIKE = {
    "epsilon 5 %": ("vw epsilon 5 %",),
    "squarecb": ("vw squarecb",),
    "regcb optimistic": ("vw regcbopt", "vw regcbopt, mellowness 0.001"),
}
"""Ours, and what it is compared with: the better of them."""


def broken(table: dict[str, Any]) -> list[str]:
    """Bounds that a table does not hold: each at most 1.1 times the regret of its like, all learn."""
    found = {label: one["regret"] for label, one in table["policies"].items()}
    wrong = [
        f"{table['stream']}: {label} has a regret of {value:.3f}, over 0.85 of the uniform policy's"
        for label, value in found.items()
        if not label.startswith("vw ") and value > 0.85
    ]
    for label, peers in ALIKE.items():
        least = min((found[peer] for peer in peers if peer in found), default=np.inf)
        if found[label] > 1.1 * least:
            wrong.append(
                f"{table['stream']}: {label} has {found[label] / least:.2f} times the regret of VW's"
            )
    return wrong


if __name__ == "__main__":
    sys.exit(main())
