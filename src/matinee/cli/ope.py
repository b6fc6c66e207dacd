"""Estimate what a policy would have been worth, from the log of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from matinee.cli.console import EXIT_FAILED, EXIT_OK, Report, note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from matinee.platform.lifecycle.weighing import WeighConfig, Weighed
    from matinee.platform.outcomes.explored import Explored
    from matinee.prove.offpolicy.checks import Check, DiagnosticsConfig
    from matinee.prove.offpolicy.evaluating import OpeReport
    from matinee.prove.offpolicy.intervals import Interval
    from matinee.prove.offpolicy.problem import Problem
    from matinee.prove.offpolicy.report import Estimate, PolicyReport
    from matinee.prove.offpolicy.slates.evaluating import SlateReport
    from matinee.prove.offpolicy.slates.log import SlateLog

MARKS = {"ok": "ok", "warning": "warning", "refused": "REFUSED", "not_run": "not run"}
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where log and policy come from, as the command was given it."""

    policy: Path | None
    version: str | None
    log: Path | None
    initiative: str | None
    home: Path | None
    at: str | None

    def check(self, weighing: bool) -> None:
        """Refuse a choice that says too much or too little.

        Raises
        ------
        InputError
            Not one log, not one policy, or a version without the home that it is from.
        """
        from matinee.errors import InputError

        if (self.log is None) == (self.initiative is None):
            raise InputError(
                f"matinee ope: --log is {self.log} and --initiative is {self.initiative}, expected one of "
                "the two. Name a file of decisions, or an initiative of a home."
            )
        if (self.policy is None) == (self.version is None):
            raise InputError(
                f"matinee ope: --policy is {self.policy} and --policy-version is {self.version}, expected "
                "one of the two. Name a file of probabilities, or a version of the initiative."
            )
        if self.version is not None and self.initiative is None:
            raise InputError(
                f'matinee ope: --policy-version is "{self.version}" and --log is a file, expected the '
                "--initiative that the version belongs to."
            )
        if weighing and self.version is None:
            raise InputError(
                "matinee ope: --learned, --narrowed and --as-of-h say how a version is asked, expected "
                "--policy-version beside them."
            )


def ope(
    *,
    policy: Path | None = None,
    policy_version: str | None = None,
    log: Path | None = None,
    initiative: str | None = None,
    slates: bool = False,
    explored: bool = False,
    out: Path | None = None,
    clusters: Path | None = None,
    estimator: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    interval: Literal["heavy_tail", "normal", "bootstrap"] = "heavy_tail",
    confidence: float = 0.95,
    reward_low: float | None = None,
    reward_high: float | None = None,
    min_ess: float = 30.0,
    learned: bool = False,
    narrowed: bool = False,
    as_of_h: float | None = None,
    seed: int = 0,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Say whether a log can be believed about a policy, and what the policy would have brought per decision.

    The log is a file, or what an initiative decided in a home. The policy is a file of probabilities, or a
    version of that initiative, which is asked about each logged decision as of its moment. A log with a
    column `slot` has several slots per decision (pages). Exit code 1: the log is refused, with reasons.

    Example: matinee ope --log decisions.csv --policy new.csv

    Example: matinee ope --log decisions.parquet --policy new.parquet --clusters genres.csv --estimator all

    Example: matinee ope --initiative retention --home shop --policy-version newest

    Example: matinee ope --initiative homepage --slates --home shop --policy pages.csv

    Example: matinee ope --initiative homepage --explored --out explored.csv --home shop

    Parameters
    ----------
    policy
        File of the policy: decision_id, action, p; one row for each action of each decision. For several
        slots: decision_id, slot, action, p given the logged slots before.
    policy_version
        Version of the initiative instead of a file: its name, newest or released. Decisions from before the
        moment up to which it had learned are left out.
    log
        File of the log: decision_id, unit_id, action, propensity, reward, n_actions?, p_all?, context...; for
        several slots with slot, and propensity and reward of each slot.
    initiative
        Read the outcomes of this initiative's decisions instead of a file.
    slates
        The initiative's decisions have several slots.
    explored
        Of decisions with several slots, take those that were drawn at random, each as a decision of its own;
        the policy says how it would have drawn (decision_id as in the file of --out).
    out
        With --explored: keep the log in this CSV file; without a policy nothing is estimated.
    clusters
        File of groups of actions that bring alike rewards: action, cluster. For mips and offcem.
    estimator
        Some of ips, snips, dr, mips, offcem, dm, clipped, replay, or all; default: the first five. For
        several slots iips, rips, snrips, cascade_dr, sips; default: all.
    interval
        How the interval of an estimate is found, over units.
    confidence
        Of the intervals, between 0 and 1.
    reward_low
        No reward can be below it. Default: what the initiative declares, else 0 if none is.
    reward_high
        No reward can be above it. Default: what the initiative declares, else 1 if all are from 0 to 1.
    min_ess
        Least effective sample size; below it the log is refused.
    learned
        Use decisions too that the version may have learned from: the estimate flatters it.
    narrowed
        Ask the version about the actions only that each decision could have chosen: for callers that say
        themselves which actions are permitted.
    as_of_h
        The version sees the log as it was at most so many hours before each decision; 1 if left out.
    seed
        Of folds and of everything drawn.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Use only outcomes that were final at this time.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.weighing import WeighConfig
    from matinee.prove.offpolicy.checks import DiagnosticsConfig
    from matinee.prove.offpolicy.evaluating import DEFAULT, evaluate
    from matinee.prove.offpolicy.slates.reading import has_slots

    source = Source(policy, policy_version, log, initiative, home, at)
    if explored or out is not None:
        return _explored(
            source, explored, out,
            lambda file: ope(
                policy=policy, log=file, clusters=clusters, estimator=estimator, interval=interval,
                confidence=confidence, reward_low=reward_low, reward_high=reward_high, min_ess=min_ess,
                seed=seed, json=json,
            ),
            json=json,
        )  # fmt: skip
    source.check(learned or narrowed or as_of_h is not None)
    diagnostics = DiagnosticsConfig(fewest_effective=min_ess)
    how = WeighConfig(learned=learned, narrowed=narrowed, as_of_h=1.0 if as_of_h is None else as_of_h)
    with progress("Evaluating", quiet=json) as told:
        if slates or (log is not None and has_slots(log)):
            return _slates(
                source, estimator, told, kind=interval, confidence=confidence, diagnostics=diagnostics,
                seed=seed, json=json,
            )  # fmt: skip
        problem, weighed = _problem(source, how, told, clusters, (reward_low, reward_high), seed)
        told("estimating", 0.8)
        report = evaluate(
            problem, estimator or DEFAULT, kind=interval, confidence=confidence, diagnostics=diagnostics
        )
    if json:
        print_json(report if weighed is None else _beside(report, weighed))
    else:
        show(report)
        if weighed is not None:
            _say_weighed(weighed, learned=learned)
    return EXIT_OK if report.verdict == "estimated" else EXIT_FAILED


def _explored(
    source: Source, explored: bool, out: Path | None, evaluate: Callable[[Path], int], *, json: bool
) -> int:
    """Write the slots that were drawn at random as a log; with a policy, evaluate it on them."""
    import tempfile

    from matinee.cli.context import find_home
    from matinee.errors import InputError
    from matinee.platform.lifecycle.exploring import write_explored
    from matinee.types import NEVER_US, parse_at

    if not explored:
        raise InputError(f"matinee ope: --out is {out}, expected --explored beside it: that log is written.")
    if source.initiative is None or source.log is not None or source.version is not None:
        raise InputError(
            "matinee ope: --explored is given, expected an --initiative, and no --log or --policy-version "
            "beside it."
        )
    if out is None and source.policy is None:
        raise InputError("matinee ope: --explored is given, expected --out FILE, --policy FILE or both.")
    at_us = parse_at(source.at) if source.at else NEVER_US
    with tempfile.TemporaryDirectory() as scratch:
        file = out or Path(scratch) / "explored.csv"
        found = write_explored(find_home(source.home), source.initiative, file, at_us)
        if source.policy is not None:
            if not json:
                _say_explored(found, out)
            return evaluate(file)
    if json:
        print_json({"out": str(out), "slots": found.slots, "rewarded": found.rewarded,
                    "left_out": found.left_out})  # fmt: skip
    else:
        _say_explored(found, out)
    return EXIT_OK


def _say_explored(found: Explored, out: Path | None) -> None:
    where = f" to {out}" if out else ""
    say(f"{found.slots:,} explored slots{where}, {found.rewarded:,} of them with a reward.")
    for why, n in found.left_out.items():
        say(f"Left out: {n:,} {why}.")


def _problem(
    source: Source, how: WeighConfig, told: Report, clusters: Path | None, bounds: Bounds, seed: int
) -> tuple[Problem, Weighed | None]:
    """The log with the policy of a file, or with what a version says."""
    from dataclasses import replace

    from matinee.cli.context import find_home
    from matinee.platform.lifecycle.project import open_project
    from matinee.platform.lifecycle.weighing import weigh
    from matinee.prove.offpolicy.evaluating import assumed_bounds
    from matinee.prove.offpolicy.logged import read_outcomes
    from matinee.prove.offpolicy.problem import Problem
    from matinee.prove.offpolicy.reading import read_clusters, read_log, read_policy
    from matinee.types import NEVER_US, parse_at

    told("reading the log", 0.1)
    weighed = None
    if source.version is not None and source.initiative is not None:
        with open_project(find_home(source.home), source.initiative, at=source.at) as project:
            told("asking the version", 0.3)
            folder = project.named(source.version)
            weighed = weigh(project, folder, how, bounds=bounds, seed=seed)
        problem = weighed.problem
    else:
        if source.log is not None:
            logged = read_log(source.log)
        else:
            assert source.initiative is not None
            at_us = parse_at(source.at) if source.at else NEVER_US
            logged = read_outcomes(find_home(source.home), source.initiative, at_us=at_us)
        told("reading the policy", 0.3)
        assert source.policy is not None
        logged, target = read_policy(source.policy, logged)
        low, high = (
            given if given is not None else assumed
            for given, assumed in zip(bounds, assumed_bounds(logged.reward), strict=True)
        )
        problem = Problem(logged, target, reward_low=low, reward_high=high, seed=seed)
    if clusters is not None:
        problem = replace(problem, cluster=read_clusters(clusters, problem.log.names))
    return problem, weighed


def _slates(
    source: Source,
    estimator: list[str] | None,
    told: Report,
    *,
    kind: Literal["heavy_tail", "normal", "bootstrap"],
    confidence: float,
    diagnostics: DiagnosticsConfig,
    seed: int,
    json: bool,
) -> int:
    """Evaluate a policy of several slots."""
    from matinee.prove.offpolicy.report import ALL
    from matinee.prove.offpolicy.slates.evaluating import evaluate_slates
    from matinee.prove.offpolicy.slates.reading import read_slate_policy

    told("reading the log", 0.1)
    logged = _slate_log(source)
    told("reading the policy", 0.3)
    assert source.policy is not None
    problem = read_slate_policy(source.policy, logged, seed=seed)
    told("estimating", 0.6)
    report = evaluate_slates(
        problem, estimator or [ALL], kind=kind, confidence=confidence, diagnostics=diagnostics
    )
    if json:
        print_json(report)
    else:
        show_slates(report)
    return EXIT_OK if report.verdict == "estimated" else EXIT_FAILED


def _slate_log(source: Source) -> SlateLog:
    from matinee.cli.context import find_home
    from matinee.errors import InputError
    from matinee.prove.offpolicy.slates.logged import read_slates
    from matinee.prove.offpolicy.slates.reading import read_slate_log
    from matinee.types import NEVER_US, parse_at

    if source.version is not None:
        raise InputError(
            f'matinee ope: --policy-version is "{source.version}" and --slates was given, expected a file '
            "(--policy): a version is asked about decisions of one action only, and cannot say how probably "
            "it would fill a page. How it draws its explored slots can be judged: --explored."
        )
    if source.log is not None:
        return read_slate_log(source.log)
    assert source.initiative is not None
    at_us = parse_at(source.at) if source.at else NEVER_US
    return read_slates(find_home(source.home), source.initiative, at_us=at_us)


def _beside(report: OpeReport, weighed: Weighed) -> dict[str, object]:
    """The report and which version it is about."""
    import msgspec

    from matinee.types import format_at

    return msgspec.structs.asdict(report) | {
        "version": weighed.version,
        "learned_until": format_at(weighed.learned_us),
        "n_learned": weighed.n_learned,
        "n_moments": weighed.n_moments,
    }


def _say_weighed(weighed: Weighed, *, learned: bool) -> None:
    from matinee.types import format_at

    until = format_at(weighed.learned_us)
    say(
        f"Version {weighed.version}, which had learned until {until}, was asked as of "
        f"{weighed.n_moments:,} moments."
    )
    if learned and weighed.n_learned:
        say(
            f"Warning: it may have learned from {weighed.n_learned:,} of these decisions (--learned): the "
            "estimate flatters it, and the intervals do not know."
        )


def show(report: OpeReport) -> None:
    """Print the diagnostics, then the estimates, then what was not run."""
    found = report.diagnostics
    title = f"{found.n_decisions:,} decisions about {found.n_units:,} units, {found.n_actions:,} actions"
    _say_checks(found.checks, title)
    if not _say_verdict(report):
        return
    _say_estimates(report)
    share = f"{100 * report.confidence:g} %"
    bounds = report.bounds
    if bounds is not None and bounds.lower is not None:
        say(f"Lower bound for any weights (logarithmic smoothing): {_number(bounds.lower)} with {share}.")
    if bounds is not None and bounds.low is not None and bounds.high is not None:
        say(f"Interval at every moment: [{_number(bounds.low)}, {_number(bounds.high)}].")
    _say_cautions(report)


def show_slates(report: SlateReport) -> None:
    """Print the diagnostics by position, then the estimates, then what was not run."""
    found = report.diagnostics
    title = (
        f"{found.n_decisions:,} decisions about {found.n_units:,} units, {found.n_slots:,} slots, "
        f"{found.n_actions:,} actions"
    )
    _say_checks(found.checks, title)
    rows = []
    for p in found.positions:
        figures = (p.reward, p.mean_weight, p.ess, p.prefix_mean, p.prefix_ess, p.prefix_max)
        rows.append((p.position, p.n, *map(_number, figures)))
    heads = ["slot", "decisions", "reward", "mean weight", "effective", "product", "effective", "largest"]
    print_table(rows, heads, title="By position: own weight, and product of the weights up to it")
    if _say_verdict(report):
        _say_estimates(report)
        _say_cautions(report)


def _say_checks(checks: list[Check], title: str) -> None:
    rows = [(check.name, MARKS[check.finding], check.text) for check in checks]
    print_table(rows, ["check", "finding", "what it found"], title=title, left=3)


def _say_verdict(report: PolicyReport) -> bool:
    """What was left out, and why the log is refused; False if it is."""
    for reason, count in report.left_out.items():
        say(f"Left out: {count:,} decisions {reason}.")
    if report.verdict == "estimated":
        return True
    say("Refused: no estimate is given.")
    for reason in report.reasons:
        say(f"- {reason}")
    return False


def _say_estimates(report: PolicyReport) -> None:
    rows = [_row(name, one) for name, one in report.estimates.items()]
    if report.logged is not None:
        rows.append(_row("as logged", report.logged))
    share = f"{100 * report.confidence:g} %"
    print_table(rows, ["estimator", "value", f"{share} interval", "std. error"], title="Reward per decision")


def _say_cautions(report: PolicyReport) -> None:
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
