"""Pages judged off-policy on the simulated service, where the truth can be had by showing them.

    python benchmarks/offpolicy_pages.py [--members 8000] [--days 20] [--seeds 1 2 ... 10] [--out FILE.json]

The simulated service logs pages of 2 rows and 3 columns whose titles are drawn by buzz (`ShelfPages`, with
the exact probability of each tile given those before it). Two other policies are asked about: the same rows,
with titles drawn by sharper (weights to the power of 1.3) and by flatter buzz (0.7). What each would have
brought is known: on every day the run is branched, and the same visitors see the other pages. The reward of a
tile is 1 for a quality play from it. The log of each seed is cut into ten parts by member; each is a log.

A visitor chooses at most one title among those looked at, so a tile competes with those before and after it:
neither independence of the tiles nor a cascade holds. `sips` takes nothing for granted; how far the others
are from the truth is the price of what they do. Exit code 1: `sips` is off the truth, or its intervals do not
hold it as often as they say.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.slates.diagnostics import diagnose_slates, reach_ess
from matinee.prove.offpolicy.slates.evaluating import SLATE_ESTIMATORS, estimate_slates
from matinee.prove.offpolicy.slates.log import SlateLog
from matinee.prove.offpolicy.slates.problem import SlateProblem
from matinee.world.config import WorldConfig
from matinee.world.draws import Floats, Ints
from matinee.world.pages import ShelfPages, Slates, Visits, shelf_weights
from matinee.world.run import Run
from matinee.world.world import World

ROWS, COLS, PARTS = 2, 3, 10
POWERS = {"sharper": 1.3, "flatter": 0.7}
WARMUP_DAYS = 40


@dataclass
class TemperedPages:
    """The rows of the logging policy, with titles drawn by its weights to a power."""

    world: World
    power: float
    base: ShelfPages = field(init=False)

    def __post_init__(self) -> None:
        self.base = ShelfPages(self.world)

    def __call__(self, visits: Visits) -> Slates:
        shelf = self.base(visits).shelf
        assert shelf is not None
        weight = self.weight(visits)
        n, n_titles = len(visits), weight.shape[2]
        title = np.full((n, visits.rows, visits.cols), -1, np.int64)
        free = np.ones((n, n_titles))
        for row in range(visits.rows):
            luck = self.world.draws.gumbel(
                f"tempered {self.power}", visits.member[:, None], visits.day, row, np.arange(n_titles)
            )
            with np.errstate(divide="ignore"):
                key = np.log(weight[visits.segment, shelf[:, row]] * free) + luck
            best = np.argsort(-key, axis=1, kind="stable")[:, : visits.cols]
            able = np.isfinite(np.take_along_axis(key, best, 1))
            title[:, row] = np.where(able, best, -1)
            np.put_along_axis(free, best, np.where(able, 0.0, np.take_along_axis(free, best, 1)), 1)
        return Slates(title, shelf=shelf)

    def weight(self, visits: Visits) -> Floats:
        """Weight of each title, shape (n_segments, n_shelves, n_titles)."""
        plain = shelf_weights(self.world.titles, self.world.buzz(visits.day), visits)
        found: Floats = np.where(plain > 0, plain, 0.0) ** self.power * (plain > 0)
        return found

    def tables(self, visits: Visits, slates: Slates) -> Floats:
        """Probability of every title for every tile given the tiles before, (n, rows, cols, n_titles)."""
        assert slates.shelf is not None
        weight = self.weight(visits)
        out = np.zeros((*slates.title.shape, weight.shape[2]))
        free = np.ones((len(visits), weight.shape[2]))
        for row in range(slates.title.shape[1]):
            here = weight[visits.segment, slates.shelf[:, row]]
            for col in range(slates.title.shape[2]):
                left = here * free
                total = left.sum(axis=1, keepdims=True)
                out[:, row, col] = left / np.where(total > 0, total, 1.0)
                shown = slates.title[:, row, col]
                free[np.arange(len(visits)), np.maximum(shown, 0)] *= shown < 0
        return out


@dataclass
class Days:
    """What was logged, and what other pages brought the same visitors."""

    member: list[Ints] = field(default_factory=list)
    title: list[Ints] = field(default_factory=list)
    propensity: list[Floats] = field(default_factory=list)
    reward: list[Floats] = field(default_factory=list)
    tables: dict[str, list[Floats]] = field(default_factory=lambda: {name: [] for name in POWERS})
    truth: dict[str, list[Floats]] = field(default_factory=lambda: {name: [] for name in POWERS})


def live(config: WorldConfig, days: int) -> Days:
    """Run a world, and every day its branches."""
    run = Run(World.make(config)).go(WARMUP_DAYS)
    policies = {name: TemperedPages(run.world, power) for name, power in POWERS.items()}
    out = Days()
    for _ in range(days):
        branches = {name: shown(run.branch(), policy) for name, policy in policies.items()}
        visits, slates, reward = shown(run, run.logging_pages)
        assert slates.propensity is not None
        out.member.append(visits.member)
        out.title.append(slates.title)
        out.propensity.append(slates.propensity)
        out.reward.append(reward)
        for name, policy in policies.items():
            out.tables[name].append(policy.tables(visits, slates).astype(np.float32))
            assert np.array_equal(branches[name][0].member, visits.member)
            out.truth[name].append(branches[name][2].sum(axis=(1, 2)))
    return out


def shown(run: Run, policy: Any) -> tuple[Visits, Slates, Floats]:
    """Live one day; the visits, their pages and what each tile brought."""
    seen: list[Visits] = []

    def watching(visits: Visits) -> Slates:
        seen.append(visits)
        found: Slates = policy(visits)
        return found

    day = run.day
    before = len(run.record.table("plays")["member"])
    slates = run.step(pages=watching)
    assert slates is not None
    plays = {name: column[before:] for name, column in run.record.table("plays").items()}
    (visits,) = seen
    n_members = run.world.config.n_members
    good = (plays["page"] >= 0) & (plays["page"] // n_members == day) & plays["liked"]
    place = np.full(n_members, -1, np.int64)
    place[visits.member] = np.arange(len(visits))
    reward = np.zeros(slates.title.shape)
    reward[place[plays["member"][good]], plays["row"][good] - 1, plays["col"][good] - 1] = 1.0
    return visits, slates, reward


def problem_of(days: Days, name: str, part: int | None) -> tuple[SlateProblem, Floats]:
    """The log of one part of the members (None: of all), and what the policy really brought these."""
    member = np.concatenate(days.member)
    kept = np.ones(len(member), np.bool_) if part is None else member % PARTS == part
    title = np.concatenate(days.title)[kept].reshape(int(kept.sum()), -1)
    there = title >= 0
    page, position = np.nonzero(there)
    position = (np.cumsum(there, axis=1) - 1)[there]
    tables = np.concatenate(days.tables[name])[kept]
    p_all = tables.reshape(*title.shape, -1)[there].astype(np.float64)
    p_all /= p_all.sum(axis=1, keepdims=True)
    n_titles = p_all.shape[1]
    row, action = np.nonzero(p_all)
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(page)))])
    target = Distributions(np.arange(len(page)), start, action, p_all[row, action])
    log = SlateLog(
        page=page,
        position=position,
        action=title[there],
        propensity=np.concatenate(days.propensity)[kept].reshape(title.shape)[there],
        reward=np.concatenate(days.reward)[kept].reshape(title.shape)[there],
        unit=member[kept],
        names=tuple(f"t{i}" for i in range(n_titles)),
        decision_id=np.arange(len(title)).astype(np.str_),
    )
    truth = np.concatenate(days.truth[name])
    return SlateProblem(log, target.at(log.action), target), truth


def judge(all_days: list[Days], name: str) -> dict[str, Any]:
    """Every estimator against the truth: on whole logs the bias, on parts the coverage."""
    found: dict[str, dict[str, list[float]]] = {
        one: {"error": [], "holds": [], "width": []} for one in SLATE_ESTIMATORS
    }
    truths, logged, ess, refused = [], [], [], 0
    for days in all_days:
        for part in range(PARTS):
            problem, everybody = problem_of(days, name, part)
            truth = float(everybody.mean())
            refused += bool(diagnose_slates(problem).reasons)
            for one, estimator in SLATE_ESTIMATORS.items():
                got = estimate_slates(problem, estimator)
                found[one]["error"].append(got.value - truth)
                found[one]["holds"].append(float(got.low <= truth <= got.high))
                found[one]["width"].append(got.high - got.low)
            truths.append(truth)
            logged.append(float(problem.reward.sum(axis=1).mean()))
            ess.append([reach_ess(problem, reach) for reach in ("slot", "prefix", "all")])
    value = float(np.mean(truths))
    return {
        "policy": name,
        "logs": len(truths),
        "truth": value,
        "logged": float(np.mean(logged)),
        "ess": np.mean(ess, axis=0).tolist(),
        "refused": refused,
        "estimators": {
            one: {
                "bias_pct": 100 * float(np.mean(got["error"])) / value,
                "bias_error_pct": 100 * float(np.std(got["error"]) / np.sqrt(len(truths))) / value,
                "rmse_pct": 100 * float(np.sqrt(np.mean(np.square(got["error"])))) / value,
                "coverage": float(np.mean(got["holds"])),
                "width_pct": 100 * float(np.mean(got["width"])) / value,
            }
            for one, got in found.items()
        },
    }


def show(found: dict[str, Any], pages: int) -> list[str]:
    """Print a table; returns what is not as it should be."""
    slot, prefix, last = found["ess"]
    print(
        f"\n{found['policy']}: {found['logs']} logs of about {pages // found['logs']:,} pages; it brings "
        f"{found['truth']:.4f} per page, the logged pages {found['logged']:.4f}; {found['refused']} refused"
        f"\neffective pages: a tile's own weight {slot:,.0f}, product up to it {prefix:,.0f}, all {last:,.0f}"
        "\nestimator     bias of truth       rmse   95 % interval holds   width"
    )
    for one, got in found["estimators"].items():
        print(
            f"{one:10} {got['bias_pct']:+7.2f} % ± {got['bias_error_pct']:.2f}  {got['rmse_pct']:7.2f} % "
            f"{got['coverage']:18.0%} {got['width_pct']:10.1f} %"
        )
    n, plain = found["logs"], found["estimators"]["sips"]
    wrong = []
    if plain["coverage"] < 0.95 - 3 * np.sqrt(0.95 * 0.05 / n):
        wrong.append(f"{found['policy']}: sips holds the truth in {plain['coverage']:.0%} of logs")
    if abs(plain["bias_pct"]) > 4 * plain["bias_error_pct"]:
        wrong.append(f"{found['policy']}: sips is {plain['bias_pct']:+.2f} % off the truth")
    return wrong


def measure(members: int, days: int, seeds: list[int]) -> tuple[list[dict[str, Any]], list[str]]:
    """All policies on all worlds."""
    made = [
        live(
            WorldConfig(
                n_members=members, n_titles=120, n_days=WARMUP_DAYS, future_days=days, rows=ROWS, cols=COLS,
                seed=seed,
            ),
            days,
        )
        for seed in seeds
    ]  # fmt: skip
    pages = sum(len(one) for world in made for one in world.member)
    tables, wrong = [], []
    for name in POWERS:
        tables.append(judge(made, name))
        wrong += show(tables[-1], pages)
    return tables, wrong


def main() -> int:
    """Run, print, keep."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--members", type=int, default=8_000)
    words.add_argument("--days", type=int, default=20)
    words.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)))
    words.add_argument("--out", type=Path)
    options = words.parse_args()
    begun = time.process_time()
    tables, wrong = measure(options.members, options.days, options.seeds)
    print(f"\nseeds {options.seeds}, {time.process_time() - begun:.0f} s of processor time")
    for text in wrong:
        print(f"NOT HELD: {text}")
    if options.out:
        options.out.write_text(json.dumps({"tables": tables, "not_held": wrong}, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
