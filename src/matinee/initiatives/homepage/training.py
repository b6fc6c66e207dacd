"""The homepage's pipeline: what is read, what is learned, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.evaluation import HomepageReport, evaluate_homepage
from matinee.initiatives.homepage.judging import CATALOGUE_SIZE, PER_MEMBER, MakerReport
from matinee.initiatives.homepage.model import fit_next_title, fit_window, put_together
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.interactions import Interactions
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.window import Window
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step
from matinee.types import format_at

Progress = Callable[[str, float], None]
BASELINE = "popularity page"
METRICS = [
    Metric("ndcg_2d", "NDCG2D"),
    Metric("recall_3_by_4", "Recall@3-by-4"),
    Metric("calibration_error", "calibration error", better="lower"),
    Metric("diversity_in_rows", "diversity in rows"),
    Metric("diversity_of_screen", "of screen"),
    Metric("diversity_of_page", "of page"),
    Metric(CATALOGUE_SIZE, "effective catalogue", digits=0),
]


def next_title(home: Home, at_us: int, seed: int, progress: Progress) -> NextTitle:
    """What comes next: for the session rows."""
    plays, catalogue = read(home, at_us)
    return fit_next_title(plays, catalogue, seed=seed, progress=progress)


def window(home: Home, at_us: int, seed: int, progress: Progress) -> Window:
    """What the coming weeks bring: for the taste rows."""
    plays, catalogue = read(home, at_us)
    return fit_window(plays, catalogue, seed=seed, progress=progress)


def trained(home: Home, at_us: int, next_title: NextTitle, window: Window, seed: int) -> TrainedHomepage:
    """Everything a page asks."""
    plays, catalogue = read(home, at_us)
    return put_together(plays, catalogue, next_title, window, seed=seed)


def judged(
    home: Home, at_us: int, config: PageConfig, cut: float, seed: int, progress: Progress
) -> Evaluated:
    """Learn from the first part of the log, make everybody's page, and compare it with what they watched."""
    plays, catalogue = read(home, at_us)
    measured: dict[str, NDArray[Any]] = {}
    report = evaluate_homepage(
        plays,
        catalogue,
        cut=cut,
        config=config,
        limits={member_id: member.limits for member_id, member in load_members(home, at_us).items()},
        seed=seed,
        progress=progress,
        measured=measured,
    )
    evaluation = as_evaluation(report)
    return Evaluated(evaluation, measured["member_ids"], measured[evaluation.primary.name])


def read(home: Home, at_us: int) -> tuple[Interactions, Catalogue]:
    """Who watched what until now, and the titles.

    Each step reads for itself: that costs seconds, and a copy of the log beside the lake would cost more.

    Raises
    ------
    InputError
        Nobody watched anything.
    """
    catalogue = load_catalogue(home, at_us)
    plays = interactions_from_home(home, until_us=at_us, catalogue=catalogue)
    if plays.n_events == 0:
        raise InputError(
            f"{home.root}: 0 plays until {format_at(at_us)}, expected at least 1. "
            f"Run: matinee import events FILE --home {home.root}"
        )
    return plays, catalogue


READS = ("titles", "availability", "pins", "members", "plays", "impressions", "signals")
TRAIN = Pipeline(
    "train", [step(next_title, reads=READS), step(window, reads=READS), step(trained, reads=READS)]
)
EVALUATE = Pipeline("homepage.evaluate", [step(judged, reads=READS)])


def as_evaluation(report: HomepageReport) -> Evaluation:
    """The homepage's own report in the form that all initiatives share."""
    shown = report.warm or report.cold
    if not shown:
        raise InputError(
            f"homepage: 0 members watched something new after {format_at(report.cut_us)}, expected at least "
            "1. Choose an earlier cut, as in --cut 0.6."
        )
    apart = {}
    if report.warm and report.cold:
        apart[f"{report.n_cold:,} members without a history"] = {
            n: _figures(r) for n, r in report.cold.items()
        }
    who = f"{report.n_warm:,} members with a history" if report.warm else f"{report.n_cold:,} members"
    return Evaluation(
        initiative="homepage",
        cut_us=report.cut_us,
        metrics=METRICS,
        ours=next(iter(shown)),
        baseline=BASELINE,
        figures={name: _figures(one) for name, one in shown.items()},
        differences={name: _differences(one) for name, one in shown.items() if one.ours_minus_it},
        groups=_groups(report),
        apart=apart,
        notes=[
            f"Pages of {format_at(report.cut_us)} for {who}: learned from {report.events_before:,} plays "
            f"before it, judged by {report.events_after:,} after it.",
        ],
        details={
            "n_warm": report.n_warm,
            "n_cold": report.n_cold,
            "pages": {
                name: {
                    "coverage": one.coverage,
                    "row_kinds_in_first_6_mean": one.head_kinds_mean,
                    "row_kinds_in_first_6_least": one.head_kinds_least,
                }
                for name, one in shown.items()
            },
        },
    )


def _groups(report: HomepageReport) -> dict[str, Figure]:
    """Primary metric of members with and without a history: the two are served very differently."""
    parts = {"history=yes": report.warm, "history=no": report.cold}
    return {name: _figures(next(iter(part.values())))["ndcg_2d"] for name, part in parts.items() if part}


def _figures(one: MakerReport) -> dict[str, Figure]:
    """Figures that are defined: members without a history have no calibration."""
    found = {name: one.metrics[name] for name in (*PER_MEMBER, CATALOGUE_SIZE)}
    return {name: Figure(e.mean, e.low, e.high, e.n) for name, e in found.items() if math.isfinite(e.mean)}


def _differences(one: MakerReport) -> dict[str, Figure]:
    return {
        name: Figure(d.mean, d.low, d.high, d.n, one.p_holm.get(name))
        for name, d in one.ours_minus_it.items()
        if math.isfinite(d.mean)
    }
