"""Retention on the simulated service, judged by its known truth. SIMULATED figures: none is of real members.

    python benchmarks/retention.py [--out FILE.json] [--members 1500 4000 12000] [--seeds 3] [--days 270]

For each world the model learns from the log as it was known at a cut, and every policy decides about the
later renewals in the log, under one budget, one holdout and one contact limit. Their value is the true
expected one of those renewals (`world.truth`), not an estimate. The oracle knows the true effect of every
offer on every account, latent traits included; "no limits" is without holdout and exploration. Intervals are
95 %, by a bootstrap over the accounts of all worlds of a size; beside them the range over worlds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set
from numpy.typing import NDArray  # noqa: E402

from matinee import settings  # noqa: E402
from matinee.initiatives.retention import RETENTION  # noqa: E402
from matinee.initiatives.retention.churn import tenure_days  # noqa: E402
from matinee.initiatives.retention.config import RetentionConfig  # noqa: E402
from matinee.initiatives.retention.features import accounts  # noqa: E402
from matinee.initiatives.retention.judging import learned  # noqa: E402
from matinee.initiatives.retention.makers import (  # noqa: E402
    BASELINE,
    NOTHING,
    OURS,
    RANDOM,
    Makers,
    permitted_later,
)
from matinee.initiatives.retention.offer_log import OfferLog, read_offer_log  # noqa: E402
from matinee.initiatives.retention.policy import probabilities, settle  # noqa: E402
from matinee.initiatives.retention.value import worth  # noqa: E402
from matinee.observe.home import Home  # noqa: E402
from matinee.observe.lake.reader import last_event_us  # noqa: E402
from matinee.prove.metrics.auuc import auuc  # noqa: E402
from matinee.prove.metrics.brier import brier  # noqa: E402
from matinee.prove.metrics.expected_calibration_error import expected_calibration_error  # noqa: E402
from matinee.prove.metrics.qini import qini  # noqa: E402
from matinee.prove.stats.bootstrap import bootstrap  # noqa: E402
from matinee.world.service import WorldConfig, simulate, write_home  # noqa: E402

ORACLE, NO_LIMITS, FREE_ORACLE = "oracle", "ours, no limits", "oracle, no limits"
POLICIES = (OURS, BASELINE, RANDOM, ORACLE, NO_LIMITS, FREE_ORACLE)
CUT = 0.7
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """What came out of one world.

    Attributes
    ----------
    gain : dict of policy to ndarray, shape (n,)
        True expected gain over offering nothing in each later renewal, minor units.
    cost : dict of policy to float
        True expected cost per renewal.
    qini, auuc : dict of score to ndarray, shape (n,)
        Against the true effect of each offer, mean over offers, in 1/1000.
    account : ndarray of int64, shape (n,)
    leaving : dict of str to float
    """

    gain: dict[str, Matrix]
    cost: dict[str, float]
    qini: dict[str, Matrix]
    auuc: dict[str, Matrix]
    account: NDArray[np.int64]
    leaving: dict[str, float]
    n_past: int
    duration_s: float


def try_world(n_members: int, days: int, seed: int, config: RetentionConfig) -> World:
    """Simulate, learn at the cut, decide about what came after, and look at the truth."""
    begun = time.perf_counter()
    world = WorldConfig(n_members=n_members, n_titles=200, n_days=days, seed=seed, impressions=0.02)
    run = simulate(world)
    truth = run.truth.offers()
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder))
        write_home(home, run)
        at_us = last_event_us(home) or 0
        with accounts(home, at_us, config) as con:
            log = read_offer_log(con, config, at_us)
        cut_us = int(np.quantile(log.at_us, CUT, method="lower"))
        model, past, curve = learned(home, cut_us, config, seed=seed)
    later = log.after(cut_us)
    place = {int(notice): i for i, notice in enumerate(truth.notice)}
    row = np.array([place[int(one[1:])] for one in later.decision_id])
    net, leave = truth.net_minor[row], truth.p_leave[row]
    net = net - net[:, :1]
    money = worth(config, 1 - leave[:, 0], leave[:, :1] - leave, later.price_minor)
    makers = Makers.of(model, config, past, later)
    free = replace(config, holdout=0.0, explore=0.0, rest_days=0.0)
    p = makers.p | {
        ORACLE: best(money, later, replace(config, explore=0.0)),
        NO_LIMITS: best(model.worth(later.x, config, later.price_minor), later, free),
        FREE_ORACLE: best(money, later, free),
    }
    effect = leave[:, :1] - leave
    offers = range(1, effect.shape[1])
    scores = makers.scores | {ORACLE: effect}
    p_leave, gone = model.p_leave(later.x), later.stayed == 0
    by_tenure = curve.p_end(tenure_days(later.x), config.period_days)
    return World(
        gain={name: (p[name] * net).sum(1) for name in (*POLICIES, NOTHING)},
        cost={name: float((p[name] * money.cost).sum(1).mean()) for name in POLICIES},
        qini={n: 1000 * np.mean([qini(s[:, a], effect[:, a]) for a in offers], 0) for n, s in scores.items()},
        auuc={n: 1000 * np.mean([auuc(s[:, a], effect[:, a]) for a in offers], 0) for n, s in scores.items()},
        account=later.account,
        leaving={
            "brier": float(brier(p_leave, gone).mean()),
            "brier_kaplan_meier": float(brier(by_tenure, gone).mean()),
            "calibration_error": expected_calibration_error(p_leave, gone),
        },
        n_past=len(past),
        duration_s=time.perf_counter() - begun,
    )


def best(money, later: OfferLog, config: RetentionConfig) -> Matrix:
    """The policy that believes this money."""
    permitted = permitted_later(later, config)
    return probabilities(money, permitted, settle(money, permitted, config))


def summary(worlds: list[World]) -> dict[str, object]:
    """Figures over all worlds of one size."""
    account = np.concatenate([10**6 * i + w.account for i, w in enumerate(worlds)])

    def over(columns: list[Matrix]) -> dict[str, float]:
        e = bootstrap(np.concatenate(columns), member=account, n_draws=500)
        by_world = [float(one.mean()) for one in columns]
        return {
            "mean": e.mean, "low": e.low, "high": e.high, "least": min(by_world), "most": max(by_world)
        }  # fmt: skip

    oracle = [float(w.gain[ORACLE].mean()) for w in worlds]
    return {
        "decisions_learned_from": [w.n_past for w in worlds],
        "decisions_judged": [len(w.account) for w in worlds],
        "duration_s": [round(w.duration_s, 1) for w in worlds],
        "gain_minor": {name: over([w.gain[name] for w in worlds]) for name in POLICIES},
        "ours_minus_baseline": over([w.gain[OURS] - w.gain[BASELINE] for w in worlds]),
        "share_of_oracle": {
            name: {
                "mean": float(np.mean([w.gain[name].mean() for w in worlds]) / np.mean(oracle)),
                "by_world": [float(w.gain[name].mean()) / o for w, o in zip(worlds, oracle, strict=True)],
            }
            for name in (OURS, BASELINE, RANDOM)
        },
        "cost_minor": {name: float(np.mean([w.cost[name] for w in worlds])) for name in POLICIES},
        "qini": {name: over([w.qini[name] for w in worlds]) for name in (OURS, BASELINE, ORACLE)},
        "auuc": {name: over([w.auuc[name] for w in worlds]) for name in (OURS, BASELINE, RANDOM, ORACLE)},
        "leaving": {key: float(np.mean([w.leaving[key] for w in worlds])) for key in worlds[0].leaving},
    }


def show(size: int, found: dict) -> None:
    """One size as a table."""
    judged, learned_from = sum(found["decisions_judged"]), found["decisions_learned_from"]
    print(
        f"\n{size:,} members, {len(learned_from)} worlds: learned from {int(np.mean(learned_from)):,} offers "
        f"each, judged on {judged:,} later renewals"
    )
    print(
        f"  {'true gain over no offers, minor units per renewal':52}{'95 % interval':>18}   range      cost"
    )
    for name, one in found["gain_minor"].items():
        print(
            f"  {name:32}{one['mean']:20.1f}{interval(one):>18}   {one['least']:.0f} to {one['most']:.0f}"
            f"{found['cost_minor'][name]:9.1f}"
        )
    one = found["ours_minus_baseline"]
    print(f"  {'ours minus likeliest leavers':32}{one['mean']:20.1f}{interval(one):>18}")
    shares = found["share_of_oracle"]
    words = ", ".join(f"{name} {one['mean']:.0%}" for name, one in shares.items())
    print(f"  share of the oracle's gain: {words}; ours by world {spell(shares[OURS]['by_world'])}")
    for metric in ("qini", "auuc"):
        words = ", ".join(f"{n} {one['mean']:.1f} {interval(one)}" for n, one in found[metric].items())
        print(f"  {metric.upper() if metric == 'auuc' else 'Qini'} against the true effect, 1/1000: {words}")
    leaving = found["leaving"]
    print(
        f"  leaving: Brier {leaving['brier']:.4f} (Kaplan-Meier by tenure "
        f"{leaving['brier_kaplan_meier']:.4f}), calibration error {leaving['calibration_error']:.3f}"
    )


def interval(one: dict[str, float]) -> str:
    """Low and high."""
    return f"[{one['low']:.1f}, {one['high']:.1f}]"


def spell(shares: list[float]) -> str:
    """Percentages."""
    return ", ".join(f"{share:.0%}" for share in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--members", type=int, nargs="+", default=[1_500, 4_000, 12_000])
    parser.add_argument("--seeds", type=int, default=3, help="worlds of each size")
    parser.add_argument("--days", type=int, default=270)
    options = parser.parse_args()
    config = settings.load(None, "retention", RETENTION.config, values=RETENTION.values, environ={})
    print("SIMULATED service: made-up members. The figures say that the method finds what is there, not how")
    print("much a real service would gain.")
    out = {}
    for size in options.members:
        worlds = [try_world(size, options.days, seed, config) for seed in range(options.seeds)]
        out[str(size)] = summary(worlds)
        show(size, out[str(size)])
    if options.out:
        options.out.write_text(json.dumps({"simulated": True, "sizes": out}, indent=2) + "\n")


if __name__ == "__main__":
    main()
