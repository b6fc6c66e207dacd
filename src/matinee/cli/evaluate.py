"""Judge an initiative by what happened after a moment that its models have not seen."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from matinee.cli.console import note, print_json, print_table, progress, say
from matinee.cli.context import find_home
from matinee.cli.train import SIMULATED

if TYPE_CHECKING:
    from matinee.platform.evaluation import Evaluation, Figure, Metric


def evaluate(
    initiative: str,
    *,
    home: Path | None = None,
    at: str | None = None,
    cut: float = 0.8,
    seed: int = 0,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Learn from the first part of the log, decide for everybody, and judge it by the rest of the log.

    Compares INITIATIVE with its named baselines; each difference with its 95 % interval over units. Models
    that were trained are not used and not changed: they have seen what they would be asked.

    Example: matinee evaluate homepage --home shop

    Parameters
    ----------
    initiative
        What to judge; `matinee status` lists the initiatives.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Use only what was known at this time.
    cut
        Share of the events, in order of time, that the models learn from.
    seed
        Of everything random.
    data
        Read the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.evaluating import evaluate as judge
    from matinee.platform.lifecycle.project import open_project

    where = find_home(home)
    with open_project(where, initiative, at=at, data=data) as project:
        if project.data == "simulated":
            note(SIMULATED.format(name=initiative), quiet=json)
        with progress("Evaluating", quiet=json) as report:
            found = judge(project, cut=cut, seed=seed, progress=report)
    if json:
        print_json(
            {
                "initiative": initiative,
                "seed": seed,
                "data": project.data,
                "result": found.evaluated.report,
                "run": found.run,
            }
        )
    else:
        show(found.evaluated.report)
    return 0


def show(report: Evaluation) -> None:
    """Print the tables of an evaluation."""
    for line in report.notes:
        say(line)
    _print_figures("", report.figures, report.metrics)
    if report.differences:
        columns = [f"{report.ours}, minus", *[metric.label for metric in report.metrics]]
        rows: list[list[object]] = [
            [maker, *[_difference(metric, found.get(metric.name)) for metric in report.metrics]]
            for maker, found in report.differences.items()
        ]
        print_table(rows, columns, title="Differences on the same units, 95 % intervals")
        lower = [metric.label for metric in report.metrics if metric.better == "lower"]
        say(f"More is better{', but for ' + ', '.join(lower) if lower else ''}. Corrected p-values: --json.")
    for heading, figures in report.apart.items():
        _print_figures(f"{heading}, reported apart", figures, report.metrics)
    if report.groups:
        rows = [[name, _number(report.primary, f.mean), f.n] for name, f in report.groups.items()]
        print_table(rows, ["group", report.primary.label, "units"], title=f"{report.ours}, by group")


def _print_figures(title: str, figures: dict[str, dict[str, Figure]], metrics: list[Metric]) -> None:
    rows: list[list[object]] = [
        [maker, *[_number(m, found[m.name].mean) if m.name in found else "-" for m in metrics]]
        for maker, found in figures.items()
    ]
    print_table(rows, ["", *[metric.label for metric in metrics]], title=title or None)


def _difference(metric: Metric, figure: Figure | None) -> str:
    if figure is None:
        return "-"
    low, high = (_number(metric, x, sign=True) for x in (figure.low, figure.high))
    return f"{_number(metric, figure.mean, sign=True)} [{low}, {high}]"


def _number(metric: Metric, value: float, *, sign: bool = False) -> str:
    if value is None or math.isnan(value):  # not defined, as the calibration without a history
        return "-"
    return f"{value:+.{metric.digits}f}" if sign else f"{value:.{metric.digits}f}"
