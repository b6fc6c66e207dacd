"""Judge an initiative by what members did after a moment that its models have not seen."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from matinee import settings
from matinee.cli.console import print_json, print_table, progress, say
from matinee.cli.context import clock, find_home
from matinee.errors import InputError
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.evaluation import HomepageReport, evaluate_homepage
from matinee.initiatives.homepage.judging import CATALOGUE_SIZE, PER_MEMBER, MakerReport
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.lake.reader import last_event_us
from matinee.types import format_at

NAMES = {
    "recall_3_by_4": "Recall@3-by-4",
    "ndcg_2d": "NDCG2D",
    "calibration_error": "calibration error",
    "diversity_in_rows": "diversity in rows",
    "diversity_of_screen": "of screen",
    "diversity_of_page": "of page",
    CATALOGUE_SIZE: "effective catalogue",
}


def evaluate(
    initiative: Literal["homepage"],
    *,
    home: Path | None = None,
    at: str | None = None,
    cut: float = 0.8,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Learn from the first part of the log, make every member's page, and judge it by the rest of the log.

    Compares the composed page with a popularity page, the same rows ranked independently, and one ranker
    chopped into rows without names; each difference with its 95 % interval over members. The current
    release is not used and not changed: it has seen what it would be asked.

    Example: matinee evaluate homepage --home shop

    Parameters
    ----------
    initiative
        What to judge.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Use only what was known at this time.
    cut
        Share of the events, in order of time, that the models learn from.
    seed
        Of everything random.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    now_us = clock(where, at, last_event_us(where)).now_us
    catalogue = load_catalogue(where, now_us)
    data = interactions_from_home(where, until_us=now_us, catalogue=catalogue)
    if data.n_events == 0:
        raise InputError(
            f"{where.root}: 0 plays until {format_at(now_us)}, expected at least 2. "
            f"Run: matinee import events FILE --home {where.root}"
        )
    with progress("Evaluating", quiet=json) as report:
        result = evaluate_homepage(
            data,
            catalogue,
            cut=cut,
            config=settings.load(where.settings, "homepage", PageConfig),
            limits={member_id: member.limits for member_id, member in load_members(where, now_us).items()},
            seed=seed,
            progress=report,
        )
    if json:
        cut_at = format_at(result.cut_us)
        print_json({"initiative": initiative, "seed": seed, "cut_at": cut_at, "result": result})
    else:
        show(result)
    return 0


def show(result: HomepageReport) -> None:
    """Print the tables."""
    say(
        f"Pages of {format_at(result.cut_us)}: learned from {result.events_before:,} plays before it, judged "
        f"by {result.events_after:,} after it."
    )
    if result.warm:
        _print_figures(f"{result.n_warm:,} members with a history", result.warm)
        _print_differences(result.warm)
    if result.cold:
        _print_figures(f"{result.n_cold:,} members without a history, reported apart", result.cold)


def _print_figures(title: str, reports: dict[str, MakerReport]) -> None:
    columns = ["page", *NAMES.values(), "coverage", "row kinds in first 6: mean", "least"]
    rows: list[list[object]] = []
    for name, r in reports.items():
        figures = [_number(m, r.metrics[m].mean) for m in NAMES]
        rows.append([name, *figures, f"{r.coverage:.3f}", f"{r.head_kinds_mean:.2f}", r.head_kinds_least])
    print_table(rows, columns, title=title)


def _print_differences(reports: dict[str, MakerReport]) -> None:
    ours, *others = reports
    columns = [f"{ours}, minus", *NAMES.values()]
    rows: list[list[object]] = []
    for name in others:
        cells = []
        for metric in (*PER_MEMBER, CATALOGUE_SIZE):
            d = reports[name].ours_minus_it[metric]
            low, high = (_number(metric, x, sign=True) for x in (d.low, d.high))
            cells.append(f"{_number(metric, d.mean, sign=True)} [{low}, {high}]")
        rows.append([name, *cells])
    print_table(rows, columns, title="Differences on the same members, 95 % intervals")
    say("More is better, but for the calibration error. Corrected p-values: --json.")


def _number(metric: str, value: float, *, sign: bool = False) -> str:
    if math.isnan(value):  # no calibration without a history
        return "-"
    digits = 0 if metric == CATALOGUE_SIZE else 4
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
