"""Apprentice mode: what is known about a version beside the one in production, and what is due to it."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from matinee.errors import ConfigError, InputError
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.observe.lake.reader import Moment, open_events
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.weighing import Bounds, ShadowAnswer, WeighConfig, Weighed, weigh
from matinee.platform.registry.rollouts import RolloutRow, check_not_in_production, nothing_beside, told
from matinee.prove.offpolicy.evaluating import DEFAULT, OpeReport, anytime_gain, evaluate
from matinee.prove.offpolicy.intervals import Interval, interval
from matinee.prove.offpolicy.log import EmptyLogError
from matinee.prove.offpolicy.logged import read_questions

Stage = Literal["new", "shadow", "canary"]
Verdict = Literal["advance", "wait", "stop"]
LADDER = (0.01, 0.05, 0.2, 0.5, 1.0)
EXPLORING = ("explore", "epsilon", "floor", "temperature")
"""Settings whose names hold one of these make a policy vary."""
LEAST_REPRODUCED = 0.9
STANDARD_ERRORS = 3.0
"""A canary that brings so much less than the incumbent is to be stopped."""


@dataclass(frozen=True, slots=True)
class ApprenticeConfig:
    """When an apprentice gets a larger share.

    Attributes
    ----------
    ladder : tuple of float
        Shares of the units, rising; the last is 1: a release.
    alpha : float, between 0 and 1
        Probability of ever giving a larger share to a version that is not better, however often one looks.
    fresh : int, 0 or more
        Decisions with a known outcome that a canary must have made at its share before the next one.

    Raises
    ------
    ConfigError
        A value is outside its range.
    """

    ladder: tuple[float, ...] = LADDER
    alpha: float = 0.05
    fresh: int = 30

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in zip(self.ladder, self.ladder[1:], strict=False))
        if not self.ladder or not rising or self.ladder[0] <= 0 or self.ladder[-1] != 1.0:
            raise ConfigError(
                f"apprentice: ladder is {list(self.ladder)}, expected shares above 0 that rise to 1. "
                "Give 0.01 0.05 0.2 0.5 1."
            )
        if not 0.0 < self.alpha < 1.0:
            raise ConfigError(f"apprentice: alpha is {self.alpha}, expected between 0 and 1. Give 0.05.")
        if self.fresh < 0:
            raise ConfigError(f"apprentice: fresh is {self.fresh}, expected decisions, 0 or more.")


class Counted(msgspec.Struct, frozen=True):
    """A mean over decisions.

    Attributes
    ----------
    n : int
        Decisions.
    mean : Interval
        With its interval over units.
    """

    n: int
    mean: Interval


class Apprentice(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with an apprentice.

    Attributes
    ----------
    initiative, version, incumbent : str
    stage : {"new", "shadow", "canary"}
    share : float
        Of the units that it answers for now.
    agreement : Counted or None
        Share of shadowed decisions in which it chose what was shown. None: it never answered as a shadow.
    varied : float or None
        Share of the incumbent's decisions that could have come out otherwise. None: there are none.
    n_learned, n_shadowed, n_reproduced, n_moments : int
        As in `Weighed`.
    report : OpeReport or None
        Its value by the incumbent's log.
    gain : Interval or None
        Gain over the incumbent per decision; its bounds hold at every look. `value` is the IPS estimate.
    direct : dict of str to Counted
        While it is a canary: rewards per decision of both arms since the share was last changed.
    verdict : {"advance", "wait", "stop"}
    next_share : float or None
        Where `matinee apprentice --step` would go; 0 is a shadow, 1 a release.
    reasons : list of str
        Why.
    """

    initiative: str
    version: str
    incumbent: str
    stage: Stage
    share: float
    agreement: Counted | None = None
    varied: float | None = None
    n_learned: int = 0
    n_shadowed: int = 0
    n_reproduced: int = 0
    n_moments: int = 0
    report: OpeReport | None = None
    gain: Interval | None = None
    direct: dict[str, Counted] = {}
    verdict: Verdict = "wait"
    next_share: float | None = None
    reasons: list[str] = []


def look(
    project: Project,
    *,
    version: str | None = None,
    config: ApprenticeConfig | None = None,
    weighing: WeighConfig | None = None,
    bounds: Bounds = (None, None),
) -> Apprentice:
    """Look at a version beside the one in production; nothing is changed, and looking costs nothing.

    Parameters
    ----------
    version : str, optional
        Default: that of the rollout that runs, else the one that was trained last.
    bounds : tuple of two floats or None
        Of the reward. None: what the initiative declares.

    Raises
    ------
    InputError
        Nothing is in production, the version is, a rollout of another one runs, the initiative forecasts, or
        the decider cannot say probabilities.
    NotFoundError
        No such version.
    StorageError
        The lake, or a file of the model, cannot be read.
    """
    config = config or ApprenticeConfig()
    folder, running, incumbent = _who(project, version)
    stage: Stage = "new" if running is None else "shadow" if running.kind == "shadow" else "canary"
    found = Apprentice(
        initiative=project.initiative.name,
        version=folder.name,
        incumbent=incumbent,
        stage=stage,
        share=running.share if running is not None and stage == "canary" else 0.0,
    )
    shadows, agreement = shadow_answers(project, folder.name)
    found = msgspec.structs.replace(found, agreement=agreement)
    if running is not None and stage == "canary":
        found = msgspec.structs.replace(found, direct=_direct(project, found, running))
        why = _worse(found, config)
        if why is not None:  # what it did itself goes before what the log of another says
            return _with(found, "stop", None, [why])
    try:
        weighed = weigh(project, folder, weighing, model=incumbent, shadows=shadows, bounds=bounds)
    except EmptyLogError as problem:
        return _first(found, [f"There is no decision of {incumbent} to judge by: {problem}"])
    propensity = weighed.problem.log.propensity
    found = msgspec.structs.replace(
        found,
        varied=float((propensity < 1.0).mean()),
        n_learned=weighed.n_learned,
        n_shadowed=weighed.n_shadowed,
        n_reproduced=weighed.n_reproduced,
        n_moments=weighed.n_moments,
    )
    if found.varied == 0.0:
        return _first(found, [_never_varies(project, len(propensity))])
    found = _valued(found, weighed, config)
    return _judged(found, config)


def shadow_answers(project: Project, version: str) -> tuple[dict[str, ShadowAnswer], Counted | None]:
    """What a version chose in the shadow of decisions of one action, and how often it was what was shown.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    with spilling() as con:
        lake = project.lake.limited_to(["decisions"])
        open_events(con, lake, "decisions", moment=Moment(project.at_us, project.at_us))
        rows = con.execute(
            "SELECT s.shadow_of, s.action, s.propensity, s.actions, d.action, d.unit_id FROM ("
            "SELECT *, json_extract_string(context, '$.shadow_of') AS shadow_of FROM decisions "
            f"WHERE initiative = {literal(project.initiative.name)} AND model = {literal(version)} "
            f"AND {IN_SHADOW} AND action IS NOT NULL AND propensity IS NOT NULL) AS s "
            "JOIN decisions AS d ON coalesce(d.decision_id, d.event_id) = s.shadow_of "
            "WHERE d.action IS NOT NULL ORDER BY s.at_us, s.event_id"
        ).fetchall()
    answers: dict[str, ShadowAnswer] = {}
    equal: dict[str, list[int]] = {}
    for shown_id, action, propensity, actions, shown, unit_id in rows:
        if shown_id in answers:
            continue
        names = tuple(msgspec.json.decode(actions, type=list[str])) if actions else (action,)
        answers[shown_id] = ShadowAnswer(action, float(propensity), names)
        of_unit = equal.setdefault(unit_id, [0, 0])
        of_unit[0] += action == shown
        of_unit[1] += 1
    if not answers:
        return {}, None
    sums = np.array(list(equal.values()), np.float64)
    return answers, Counted(len(answers), interval(sums[:, 0], sums[:, 1]))


def _who(project: Project, version: str | None) -> tuple[Path, RolloutRow | None, str]:
    """Folder of the apprentice, its rollout, and the incumbent's version."""
    registry, name = project.registry, project.initiative.name
    if project.initiative.kind != "decides":
        raise InputError(f"{name}: forecasts, expected an initiative that decides.")
    current = registry.releases.current(name)
    if current is None:
        raise InputError(nothing_beside(name))
    running = registry.rollouts.running(name)
    wanted = version or ("newest" if running is None else running.version)
    folder = project.named(wanted)
    check_not_in_production(name, folder.name, current)
    if running is not None and running.version != folder.name:
        raise InputError(
            f"{name}: {told(running)}, expected none or one of {folder.name}. Stop it first: "
            f"matinee rollout {name} --stop"
        )
    return folder, running, current.version


def _valued(found: Apprentice, weighed: Weighed, config: ApprenticeConfig) -> Apprentice:
    """With the estimates, and the gain where the log can be believed and the reward has bounds."""
    problem = weighed.problem
    report = evaluate(problem, DEFAULT[:3], confidence=1.0 - config.alpha)
    gain = None
    if report.verdict == "estimated" and problem.reward_low is not None and problem.reward_high is not None:
        low, high = anytime_gain(problem, alpha=config.alpha)
        gains = (problem.weight - 1.0) * (problem.log.reward - problem.reward_low)
        plain = interval(problem.units.sums(gains), problem.units.counts)
        gain = Interval(plain.value, low, high, plain.standard_error, plain.n_units)
    return msgspec.structs.replace(found, report=report, gain=gain)


def _direct(project: Project, found: Apprentice, running: RolloutRow) -> dict[str, Counted]:
    """Rewards per decision of both arms since the canary has this share."""
    arms = {}
    for arm, model in (("canary", found.version), ("incumbent", found.incumbent)):
        lake = project.lake.limited_to(["outcomes", "rewards", "decisions"])
        try:
            log, _ = read_questions(
                lake, found.initiative, at_us=project.at_us, after_us=running.started_us - 1, model=model
            )
        except EmptyLogError:
            continue
        counts = np.bincount(log.unit).astype(np.float64)
        sums = np.bincount(log.unit, log.reward).astype(np.float64)
        arms[arm] = Counted(len(log), interval(sums, counts))
    return arms


def _worse(found: Apprentice, config: ApprenticeConfig) -> str | None:
    """Why a canary is to be stopped by its own decisions; None: it is not."""
    canary, incumbent = found.direct.get("canary"), found.direct.get("incumbent")
    if canary is None or incumbent is None or canary.n < config.fresh:
        return None
    error = float(np.hypot(canary.mean.standard_error, incumbent.mean.standard_error))
    if not canary.mean.value + STANDARD_ERRORS * error < incumbent.mean.value:
        return None
    return (
        f"As a canary it brings {canary.mean.value:.4g} per decision, and the incumbent "
        f"{incumbent.mean.value:.4g}: more than {STANDARD_ERRORS:g} standard errors less."
    )


def _judged(found: Apprentice, config: ApprenticeConfig) -> Apprentice:
    """What is due, and why."""
    report, gain = found.report, found.gain
    assert report is not None
    if report.verdict == "refused":
        return _first(found, [f"The log cannot be believed: {' '.join(report.reasons)}"])
    if gain is None:
        why = "The reward has no known bounds. Declare Reward(low=..., high=...), or give both as options."
        return _first(found, [why])
    if found.n_shadowed and found.n_reproduced < LEAST_REPRODUCED * found.n_shadowed:
        why = (
            f"The version says today what it logged as a shadow about {found.n_reproduced:,} of "
            f"{found.n_shadowed:,} decisions, expected at least {LEAST_REPRODUCED:.0%}: it is not seen as of "
            "their moments. Give a smaller --as-of-h."
        )
        return _first(found, [why])
    sees = f"gain over the incumbent per decision, at every look: [{gain.low:.4g}, {gain.high:.4g}]"
    if gain.high < 0.0:
        return _with(found, "wait" if found.stage == "new" else "stop", None, [f"It is worse: {sees}."])
    if gain.low <= 0.0:
        return _first(found, [f"It is not known to be better: {sees}."])
    reasons = [f"It is better: {sees}."]
    made = found.direct["canary"].n if "canary" in found.direct else 0
    if found.stage == "canary" and made < config.fresh:
        reasons.append(
            f"At this share it made {made:,} decisions with a known outcome, expected {config.fresh:,} first."
        )
        return _with(found, "wait", None, reasons)
    return _first(found, reasons, better=True, config=config)


def _first(
    found: Apprentice, reasons: list[str], *, better: bool = False, config: ApprenticeConfig | None = None
) -> Apprentice:
    """A version that is not known to be worse begins as a shadow; then it goes on only if better."""
    if found.stage == "new":
        return _with(found, "advance", 0.0, [*reasons, "A shadow shows nobody anything: it comes first."])
    if not better:
        return _with(found, "wait", None, reasons)
    ladder = (config or ApprenticeConfig()).ladder
    share = next(one for one in ladder if one > found.share + 1e-12)
    return _with(found, "advance", share, reasons)


def _with(found: Apprentice, verdict: Verdict, share: float | None, reasons: list[str]) -> Apprentice:
    return msgspec.structs.replace(found, verdict=verdict, next_share=share, reasons=reasons)


def _never_varies(project: Project, n: int) -> str:
    """Why nothing can be learned, and which settings would change that."""
    name, config = project.initiative.name, project.config
    text = f"Nothing can be learned: the incumbent never varies, every propensity of {n:,} decisions is 1."
    settings = _exploring(config)
    if settings:
        shown = ", ".join(f"{key} (now {value:g})" for key, value in settings.items())
        return f"{text} Turn exploration on in section [{name}] of matinee.toml: {shown}."
    return f"{text} Let its policy draw (EpsilonGreedyPolicy, SoftmaxPolicy), and log the propensity."


def _exploring(config: Any) -> dict[str, float]:
    """Settings that make a policy vary, with their values."""
    if not is_dataclass(config):
        return {}
    values = {one.name: getattr(config, one.name) for one in fields(config)}
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and any(word in name for word in EXPLORING)
    }
