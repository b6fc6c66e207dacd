"""Estimate what a policy would have been worth, from the log of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from matinee.cli.console import EXIT_FAILED, EXIT_OK, note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from matinee.prove.offpolicy.evaluating import Estimate, OpeReport
    from matinee.prove.offpolicy.intervals import Interval
    from matinee.prove.offpolicy.log import Log

MARKS = {"ok": "ok", "warning": "warning", "refused": "REFUSED", "not_run": "not run"}


def ope(
    *,
    policy: Path,
    log: Path | None = None,
    initiative: str | None = None,
    clusters: Path | None = None,
    estimator: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    interval: Literal["heavy_tail", "normal", "bootstrap"] = "heavy_tail",
    confidence: float = 0.95,
    reward_low: float | None = None,
    reward_high: float | None = None,
    min_ess: float = 30.0,
    seed: int = 0,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Say whether a log can be believed about a policy, and what the policy would have brought per decision.

    The log is a file, or what an initiative decided in a home. Exit code 1: the log is refused, with reasons.

    Example: matinee ope --log decisions.csv --policy new.csv

    Example: matinee ope --log decisions.parquet --policy new.parquet --clusters genres.csv --estimator all

    Example: matinee ope --initiative retention --home shop --policy new.csv

    Parameters
    ----------
    policy
        File of the policy: decision_id, action, p; one row for each action of each decision.
    log
        File of the log: decision_id, unit_id, action, propensity, reward, n_actions?, p_all?, context...
    initiative
        Read the outcomes of this initiative's decisions instead of a file.
    clusters
        File of groups of actions that bring alike rewards: action, cluster. For mips and offcem.
    estimator
        Some of ips, snips, dr, mips, offcem, dm, clipped, replay, or all. Default: the first five.
    interval
        How the interval of an estimate is found, over units.
    confidence
        Of the intervals, between 0 and 1.
    reward_low
        No reward can be below it. Default: 0 if none is.
    reward_high
        No reward can be above it. Default: 1 if none is above 1 or below 0.
    min_ess
        Least effective sample size; below it the log is refused.
    seed
        Of folds and of everything drawn.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Use only outcomes that were final at this time.
    json
        Print machine-readable JSON.
    """
    from matinee.prove.offpolicy.diagnostics import DiagnosticsConfig
    from matinee.prove.offpolicy.evaluating import DEFAULT, assumed_bounds, evaluate
    from matinee.prove.offpolicy.problem import Problem
    from matinee.prove.offpolicy.reading import read_clusters, read_policy

    with progress("Evaluating", quiet=json) as told:
        told("reading the log", 0.1)
        logged = _log(log, initiative, home, at)
        told("reading the policy", 0.3)
        logged, target = read_policy(policy, logged)
        low, high = assumed_bounds(logged.reward)
        problem = Problem(
            logged,
            target,
            cluster=read_clusters(clusters, logged.names) if clusters else None,
            reward_low=low if reward_low is None else reward_low,
            reward_high=high if reward_high is None else reward_high,
            seed=seed,
        )
        told("estimating", 0.6)
        report = evaluate(
            problem,
            estimator or DEFAULT,
            kind=interval,
            confidence=confidence,
            diagnostics=DiagnosticsConfig(fewest_effective=min_ess),
        )
    if json:
        print_json(report)
    else:
        show(report)
    return EXIT_OK if report.verdict == "estimated" else EXIT_FAILED


def _log(path: Path | None, initiative: str | None, home: Path | None, at: str | None) -> Log:
    """The log of a file or of a home."""
    from matinee.cli.context import find_home
    from matinee.errors import InputError
    from matinee.prove.offpolicy.logged import read_outcomes
    from matinee.prove.offpolicy.reading import read_log
    from matinee.types import NEVER_US, parse_at

    if (path is None) == (initiative is None):
        raise InputError(
            f"matinee ope: --log is {path} and --initiative is {initiative}, expected one of the two. "
            "Name a file of decisions, or an initiative of a home."
        )
    if path is not None:
        return read_log(path)
    assert initiative is not None
    return read_outcomes(find_home(home), initiative, at_us=parse_at(at) if at else NEVER_US)


def show(report: OpeReport) -> None:
    """Print the diagnostics, then the estimates, then what was not run."""
    found = report.diagnostics
    print_table(
        [(check.name, MARKS[check.finding], check.text) for check in found.checks],
        ["check", "finding", "what it found"],
        title=f"{found.n_decisions:,} decisions about {found.n_units:,} units, {found.n_actions:,} actions",
        left=3,
    )
    for reason, count in report.left_out.items():
        say(f"Left out: {count:,} decisions {reason}.")
    if report.verdict == "refused":
        say("Refused: no estimate is given.")
        for reason in report.reasons:
            say(f"- {reason}")
        return
    rows = [_row(name, one) for name, one in report.estimates.items()]
    if report.logged is not None:
        rows.append(_row("as logged", report.logged))
    share = f"{100 * report.confidence:g} %"
    print_table(rows, ["estimator", "value", f"{share} interval", "std. error"], title="Reward per decision")
    bounds = report.bounds
    if bounds is not None and bounds.lower is not None:
        say(f"Lower bound for any weights (logarithmic smoothing): {_number(bounds.lower)} with {share}.")
    if bounds is not None and bounds.low is not None and bounds.high is not None:
        say(f"Interval at every moment: [{_number(bounds.low)}, {_number(bounds.high)}].")
    for name, one in report.estimates.items():
        if one.caution:
            say(f"{name}: {one.caution}.")
    for name, why in report.not_run.items():
        note(f"Not run: {name}, {why}.")


def _row(name: str, one: Estimate | Interval) -> list[object]:
    ends = f"[{_number(one.low)}, {_number(one.high)}]"
    return [name, _number(one.value), ends, _number(one.standard_error)]


def _number(value: float) -> str:
    return f"{value:.5g}"
