"""Whether the data of an experiment can be believed: looked at before any estimate, and able to refuse."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.exposures import Exposed
from matinee.prove.experiment.findings import Check
from matinee.prove.experiment.metrics.definition import Metric
from matinee.prove.stats.sample_ratio import GATE, sample_ratio

MOST_CROSSED = 0.001
"""Share of units in several arms above which nothing is concluded."""
NAMED = 5


def check_exposure(experiment: Experiment, exposed: Exposed) -> list[Check]:
    """Arms with units, known arms, units in one arm only, and the planned shares."""
    where = f'decisions whose context names experiment "{experiment.name}"'
    if not exposed.total and not exposed.n_crossed and not exposed.strangers:
        return [
            Check(name="exposures", finding="refused", text=f"No unit was exposed: there are no {where}.")
        ]
    out = [_strangers(experiment, exposed), _empty_arms(experiment, exposed), _crossed(exposed)]
    if exposed.total:
        out.append(_ratio(experiment, exposed))
    return out


def _strangers(experiment: Experiment, exposed: Exposed) -> Check:
    if not exposed.strangers:
        return Check(name="arms in the log", finding="ok", text="Every decision names an arm that there is.")
    text = (
        f"Decisions name arms that the experiment does not have: {', '.join(exposed.strangers[:NAMED])}. "
        f"It has {', '.join(arm.name for arm in experiment.arms)}."
    )
    return Check(name="arms in the log", finding="refused", text=text)


def _empty_arms(experiment: Experiment, exposed: Exposed) -> Check:
    empty = [arm.name for arm, n in zip(experiment.arms, exposed.units, strict=True) if not n]
    if empty:
        text = f"No unit in arm {', '.join(empty)}; {exposed.total:,} in the others."
        return Check(name="units", finding="refused", text=text)
    return Check(name="units", finding="ok", text=f"{exposed.total:,} units in {len(exposed.units)} arms.")


def _crossed(exposed: Exposed) -> Check:
    if not exposed.n_crossed:
        return Check(name="units in two arms", finding="ok", text="No unit was seen in several arms.")
    share = exposed.crossed_share
    some = ", ".join(exposed.crossed[:NAMED]) + (", ..." if exposed.n_crossed > NAMED else "")
    n = f"{exposed.n_crossed:,} units ({100 * share:.3g} %)"
    text = f"{n} were seen in several arms and are left out: {some}."
    if share > MOST_CROSSED:
        at_most = f"{100 * MOST_CROSSED:g} %"
        return Check(name="units in two arms", finding="refused", text=f"{text} At most {at_most} may be.")
    return Check(name="units in two arms", finding="warning", text=text)


def _ratio(experiment: Experiment, exposed: Exposed) -> Check:
    found = sample_ratio(exposed.units, [arm.share for arm in experiment.arms])
    seen = ", ".join(
        f"{arm.name} {n:,} ({100 * n / exposed.total:.2f} %, planned {100 * arm.share:.4g} %)"
        for arm, n in zip(experiment.arms, exposed.units, strict=True)
    )
    text = f"{seen}; p {found.p:.3g}."
    if found.passed:
        return Check(name="sample ratio", finding="ok", text=text)
    wrong = (
        f"Units do not come in the planned shares (p is below {GATE:g}): {text} Find out where they are lost."
    )
    return Check(name="sample ratio", finding="refused", text=wrong)


def check_tables(con: duckdb.DuckDBPyConnection, metrics: Sequence[Metric], primary: str) -> list[Check]:
    """Tables without any event: a metric of such a table says nothing, and is not 0."""
    empty: dict[str, list[Metric]] = {}
    for table in dict.fromkeys(table for metric in metrics for table in metric.tables):
        if con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:
            empty[table] = [metric for metric in metrics if table in metric.tables]
    if not empty:
        return [Check(name="tables", finding="ok", text="Every table that is counted has events.")]
    out = []
    for table, used_by in empty.items():
        names = ", ".join(metric.name for metric in used_by)
        decides = any(metric.name == primary for metric in used_by)
        text = f"The table {table} has no event at all, and {names} counts them."
        out.append(Check(name="tables", finding="refused" if decides else "warning", text=text))
    return out


def check_late(late: int, since: str | None) -> Check:
    """Events that came after an earlier look and belong before it."""
    if since is None:
        return Check(name="late events", finding="not run", text="There was no look before.")
    if not late:
        return Check(
            name="late events", finding="ok", text=f"Nothing from before the look of {since} came after."
        )
    text = f"{late:,} events from before the look of {since} arrived after it; they are counted now."
    return Check(name="late events", finding="warning", text=text)


def refusals(checks: Sequence[Check]) -> list[str]:
    """Texts of the checks that refuse."""
    return [check.text for check in checks if check.finding == "refused"]
