"""Where every initiative stands: what `matinee status` and the web pages show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from matinee.errors import ConfigError, NotFoundError, StorageError, unknown_name
from matinee.observe.clock import wall_us
from matinee.observe.home import Home
from matinee.observe.home_clock import home_clock
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.reader import last_event_us
from matinee.observe.lake.tables import TABLE_OF
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import check_present, read_card
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.lifecycle.registering import register
from matinee.platform.loading import Found, find
from matinee.platform.registry.alerts import AlertRow
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.platform.registry.portfolio import Line
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.releases import GateRow
from matinee.platform.registry.rollouts import RolloutRow
from matinee.platform.watch.watching import Report, last_report
from matinee.types import DAY_US, HOUR_US

RECENT_US = 28 * DAY_US
"""Experiments that ended longer ago are not shown beside all others."""


@dataclass(frozen=True, slots=True)
class ExperimentLine:
    """An experiment in one line; `recent` if it runs or ended in the last four weeks."""

    name: str
    state: str
    verdict: str | None
    winner: str | None
    recent: bool
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One initiative on one screen.

    Attributes
    ----------
    next_step : str
        The command that takes it further; once a version was released, what is `planned`.
    planned : str
        What its declaration says comes next.
    version : str or None
        In production.
    newest : str or None
        Trained last.
    age_us : int or None
        From the last event that the released model learned from until now.
    stale : bool
        Older than the initiative allows.
    lift, lift_low, lift_high : float or None
        Over the baseline, in the primary `metric`; None when not measured.
    gates : list of GateRow
        Of the last attempt to release.
    cost_minor : dict of currency to int
    watched : Report or None
        What the last `matinee watch` found.
    retrain : int
        Members who were erased, and whom the version in production learned from.
    trouble : str or None
        Why the model in production does not answer and the fallback does: its files are gone. That they are
        unchanged is not checked here; whoever opens the model does.
    rollout : RolloutRow or None
        A version that is tried beside the one in production.
    experiments : list of ExperimentLine
        The latest first.
    """

    name: str
    title: str
    owner: str
    tier: int
    stage: str
    hypothesis: str
    next_step: str
    planned: str
    unit: str
    kind: str
    reward: str
    inputs: list[str]
    baseline: str
    fallback: str
    latency_budget_ms: float
    version: str | None = None
    newest: str | None = None
    released_us: int | None = None
    data: str | None = None
    age_us: int | None = None
    stale: bool = False
    metric: str | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    gates: list[GateRow] = field(default_factory=list)
    alerts: list[AlertRow] = field(default_factory=list)
    cost_minor: dict[str, int] = field(default_factory=dict)
    cpu_s: float = 0.0
    watched: Report | None = None
    retrain: int = 0
    trouble: str | None = None
    rollout: RolloutRow | None = None
    experiments: list[ExperimentLine] = field(default_factory=list)


def portfolio(home: Home, name: str | None = None, *, at: str | None = None) -> list[Standing]:
    """Every initiative that is installed or stands in the home, the most important first.

    One that does not import is left out, unless it is asked for; see `broken`.

    Raises
    ------
    NotFoundError
        `name` is none of them.
    ConfigError
        `name` does not import.
    """
    found = find(home)
    if name is not None and name not in found:
        raise NotFoundError(unknown_name("matinee", "initiative", name, found))
    now_us = home_clock(home, at).now_us
    loaded = [one.load() for key, one in found.items() if name == key or (name is None and _loads(one))]
    with open_registry(home) as registry:
        for initiative in loaded:
            register(registry, initiative, now_us=wall_us())
        reports = {one.name: last_report(home, one.name) for one in loaded}
        lines = {line.initiative.name: line for line in registry.portfolio.overview()}
        rollouts = registry.rollouts.all_running(reports)
        tried = registry.experiments.all()
        standings = [
            replace(
                _standing(registry, one, lines[one.name], now_us),
                next_step=_next_step(home, registry, one, tried=one.name in rollouts),
                watched=reports[one.name],
                retrain=_retrain(registry, lines[one.name]),
                trouble=_trouble(home, lines[one.name]),
                rollout=rollouts.get(one.name),
                experiments=[_line(row, now_us) for row in tried if row.initiative == one.name],
            )
            for one in loaded
        ]
    return sorted(standings, key=lambda one: (one.tier, one.name))


def broken(home: Home) -> dict[str, str]:
    """Initiatives that do not import, and why."""
    out = {}
    for name, one in find(home).items():
        try:
            one.load()
        except ConfigError as problem:
            out[name] = str(problem)
    return out


def _loads(one: Found) -> bool:
    try:
        one.load()
    except ConfigError:
        return False
    return True


def _standing(registry: Registry, initiative: Initiative, line: Line, now_us: int) -> Standing:
    versions = registry.models.versions(initiative.name)
    gates = registry.releases.gates(initiative.name)
    age_us = None if line.model is None or line.model.data != "home" else now_us - line.model.at_us
    judged, reward = line.evaluation, initiative.reward
    return Standing(
        name=initiative.name,
        title=initiative.title,
        owner=initiative.owner,
        tier=initiative.tier,
        stage=initiative.stage,
        hypothesis=initiative.hypothesis,
        next_step=initiative.next_step,
        planned=initiative.next_step,
        unit=initiative.unit,
        kind=initiative.kind,
        reward=f"{reward.name}, in {reward.unit}, within {reward.window_h:g} h",
        inputs=list(initiative.tables),
        baseline=initiative.baseline,
        fallback=initiative.fallback.name,
        latency_budget_ms=initiative.latency_budget_ms,
        version=line.release.version if line.release else None,
        newest=versions[0].version if versions else None,
        released_us=line.release.released_us if line.release else None,
        data=line.model.data if line.model else None,
        age_us=age_us,
        stale=age_us is not None and age_us > initiative.refreshed_every_h * HOUR_US,
        metric=judged.metric if judged else None,
        lift=judged.lift if judged else None,
        lift_low=judged.lift_low if judged else None,
        lift_high=judged.lift_high if judged else None,
        gates=[one for one in gates if one.attempt_id == gates[-1].attempt_id],
        alerts=line.alerts,
        cost_minor=line.cost_minor,
        cpu_s=line.cpu_s,
    )


def _next_step(home: Home, registry: Registry, initiative: Initiative, *, tried: bool) -> str:
    """The command that takes an initiative further, from what its home has of it."""
    name = initiative.name
    if tried or initiative.stage == "retired" or registry.releases.current(name) is not None:
        return initiative.next_step
    versions = registry.models.versions(name)
    if not versions:
        if initiative.data == "home" and not _has_events(home):
            return "matinee import events FILE"
        return f"matinee train {name}"
    newest = versions[0]
    judged = registry.models.evaluations(name, code=newest.code)
    if not any(one.data == newest.data for one in judged):
        return f"matinee evaluate {name}"
    asked = [one for one in registry.releases.gates(name) if one.version == newest.version]
    if any(one.verdict == "failed" and one.attempt_id == asked[-1].attempt_id for one in asked):
        return f"mend what its gates refused, then matinee release {name}"
    return f"matinee release {name}"


def _has_events(home: Home) -> bool:
    """Whether any event of a member stands in the lake, or else in the log."""
    in_lake = any(one.table in TABLE_OF.values() for one in read_manifest(home.lake).files)
    return in_lake or last_event_us(home) is not None


def _line(row: ExperimentRow, now_us: int) -> ExperimentLine:
    recent = row.ended_us is None or row.ended_us > now_us - RECENT_US
    return ExperimentLine(row.name, row.state, row.verdict, row.winner, recent, row.line(now_us))


def _retrain(registry: Registry, line: Line) -> int:
    if line.release is None:
        return 0
    marked = {row.version: row.members for row in registry.retraining.all(line.initiative.name)}
    return marked.get(line.release.version, 0)


def _trouble(home: Home, line: Line) -> str | None:
    if line.release is None:
        return None
    folder = home.releases / line.release.initiative / line.release.version
    try:
        check_present(folder, read_card(folder).files)
    except (NotFoundError, StorageError) as problem:
        return str(problem)
    return None
