"""What a version of an initiative would have done in the decisions of the log, to judge it offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matinee.errors import InputError
from matinee.platform.abilities import Weighs
from matinee.platform.deciding import Request, Surroundings
from matinee.platform.lifecycle.model_folder import check_files, read_card
from matinee.platform.lifecycle.project import Project
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.evaluating import assumed_bounds
from matinee.prove.offpolicy.log import EmptyLogError, Log
from matinee.prove.offpolicy.logged import LEARNED, SEVERAL, Question, read_questions
from matinee.prove.offpolicy.problem import Problem
from matinee.types import HOUR_US, parse_at

SAME = 1e-3
"""Relative difference of two propensities that is put down to rounding."""
NO_ACTION = "in which the version has no permitted action"
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class WeighConfig:
    """How logged decisions are put to a version.

    Attributes
    ----------
    learned : bool
        Use decisions too that the version may have learned from; an estimate from them flatters it.
    narrowed : bool
        Ask the version about the actions only that the logged decision could have chosen. For callers that
        say themselves which actions are permitted: the log does not repeat it.
    as_of_h : float, 0 or more
        The version sees the log as it was at most so many hours before a decision; where the record says what
        the server had seen (`refreshed_us`), exactly that. Smaller: closer, and slower.

    Raises
    ------
    InputError
        `as_of_h` is below 0.
    """

    learned: bool = False
    narrowed: bool = False
    as_of_h: float = 1.0

    def __post_init__(self) -> None:
        if not self.as_of_h >= 0:
            raise InputError(f"weighing: as_of_h is {self.as_of_h}, expected hours, 0 or more. Give 1.")


@dataclass(frozen=True, slots=True)
class ShadowAnswer:
    """What the version chose beside a logged decision, when it was made.

    Attributes
    ----------
    action : str
    propensity : float
    actions : tuple of str
        What it could have chosen.
    """

    action: str
    propensity: float
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A version beside the log.

    Attributes
    ----------
    problem : Problem
    version : str
    learned_us : int
        Moment up to which the version had learned.
    n_learned : int
        Decisions of the log until then: left out, or used if that was asked for.
    n_moments : int
        Moments as of which the version was opened.
    asked : dict of str to Question
        By the decision's id.
    n_shadowed, n_reproduced : int
        Decisions beside which the version answered as a shadow, and those of them of which it says today what
        it logged then.
    """

    problem: Problem
    version: str
    learned_us: int
    n_learned: int
    n_moments: int
    asked: Mapping[str, Question]
    n_shadowed: int = 0
    n_reproduced: int = 0


def weigh(
    project: Project,
    folder: Path,
    config: WeighConfig | None = None,
    *,
    model: str | None = None,
    shadows: Mapping[str, ShadowAnswer] | None = None,
    bounds: Bounds = (None, None),
    seed: int = 0,
) -> Weighed:
    """Ask a version how probably it would have chosen each action in each logged decision, as of its moment.

    Parameters
    ----------
    folder : Path
        Of the version, as `Project.model` gives it.
    model : str, optional
        Only decisions that this version made.
    shadows : dict of str to ShadowAnswer, optional
        What the version logged in the shadow of decisions, by their ids. It is asked about the actions only
        that it could choose then, and the propensity that it logged goes before what it says today.
    bounds : tuple of two floats or None
        Of the reward. None: what the initiative declares, else what the rewards suggest.

    Raises
    ------
    InputError
        The decider cannot say probabilities (`Weighs`), or fails in doing so; all decisions have several
        slots; the log is impossible.
    EmptyLogError
        No decision is left to judge by.
    StorageError
        A file of the model is not the one that was trained; the lake cannot be read.
    """
    how = config or WeighConfig()
    name = project.initiative.name
    card = read_card(folder)
    check_files(folder, card.files)
    learned_us = parse_at(card.at)
    lake = project.lake.limited_to(["outcomes", "rewards", "decisions"])
    after_us = None if how.learned else learned_us
    try:
        log, asked = read_questions(lake, name, at_us=project.at_us, after_us=after_us, model=model)
    except EmptyLogError as empty:
        if n_several := empty.left_out.get(SEVERAL, 0):
            raise InputError(
                f"{name}, version {folder.name}: {n_several:,} of its decisions have several slots and none "
                "has one, expected decisions of one action: a version cannot say how probably it would fill "
                "a page. Give the probabilities of its slots as a file (matinee ope --slates --policy FILE), "
                "or judge how it draws its explored slots (matinee ope --explored --policy FILE)."
            ) from empty
        raise
    ids = log.decision_id.tolist()
    beside = {one: answer for one, answer in (shadows or {}).items() if one in asked}
    found: dict[int, dict[str, float]] = {}
    moments = reproduced = 0
    for moment_us, rows in _by_moment([asked[one] for one in ids], how):
        moments += 1
        questions = {row: _question(asked[ids[row]], beside.get(ids[row]), how) for row in rows}
        for row, p in _ask(project, folder, moment_us, questions):
            answer = beside.get(ids[row])
            found[row] = p
            if answer is not None:
                reproduced += bool(np.isclose(p.get(answer.action, 0.0), answer.propensity, rtol=SAME))
                if answer.action == log.names[log.action[row]]:
                    found[row] = _known(p, answer)
    log, target = _beside(log, [found[row] for row in range(len(log))])
    low, high = _bounds(project, log, bounds)
    problem = Problem(log, target, reward_low=low, reward_high=high, seed=seed)
    n_learned = (
        sum(one.at_us <= learned_us for one in asked.values())
        if how.learned
        else log.left_out.get(LEARNED, 0)
    )
    return Weighed(problem, folder.name, learned_us, n_learned, moments, asked, len(beside), reproduced)


def weigher(project: Project, folder: Path, at_us: int) -> Weighs:
    """A version, opened as of a moment, that can say probabilities.

    Raises
    ------
    InputError
        Its decider cannot.
    """
    around = Surroundings(project.lake.limited_to(project.initiative.tables), at_us, project.config)
    opened = project.initiative.open(folder, around)
    if not isinstance(opened, Weighs):
        raise InputError(
            f"{project.initiative.name}, version {folder.name}: its decider ({type(opened).__name__}) cannot "
            "say how probably it would choose each action, expected a method probabilities(request) "
            "(matinee.platform.abilities.Weighs). Add it, or give the probabilities as a file (--policy)."
        )
    return opened


def _by_moment(asked: list[Question], how: WeighConfig) -> Iterator[tuple[int, list[int]]]:
    """Rows of the log by the moment as of which the version is opened for them, in the order of time."""
    grain = round(how.as_of_h * HOUR_US)
    groups: dict[int, list[int]] = {}
    for row, one in enumerate(asked):
        refreshed = one.context.get("refreshed_us")
        if isinstance(refreshed, int) and refreshed <= one.at_us:
            moment_us = refreshed
        else:
            moment_us = one.at_us // grain * grain if grain else one.at_us
        groups.setdefault(moment_us, []).append(row)
    yield from sorted(groups.items())


def _question(one: Question, answer: ShadowAnswer | None, how: WeighConfig) -> Question:
    """What the version is asked: about its own actions of then, all that it permits, or those of the log."""
    if answer is not None:
        return replace(one, actions=answer.actions)
    return one if how.narrowed else replace(one, actions=None)


def _known(p: dict[str, float], answer: ShadowAnswer) -> dict[str, float]:
    """The probabilities with the one that was logged in its place, and the others scaled to it."""
    rest = sum(value for name, value in p.items() if name != answer.action)
    if rest <= 0:
        return {answer.action: 1.0}
    scale = (1.0 - answer.propensity) / rest
    scaled = {name: value * scale for name, value in p.items() if name != answer.action}
    return {name: value for name, value in scaled.items() if value > 0} | {answer.action: answer.propensity}


def _ask(
    project: Project, folder: Path, moment_us: int, asked: dict[int, Question]
) -> Iterator[tuple[int, dict[str, float]]]:
    decider = weigher(project, folder, moment_us)
    for row, one in asked.items():
        request = Request(one.unit_id, one.at_us, context=dict(one.context), actions=one.actions)
        try:
            yield row, decider.probabilities(request)
        except Exception as problem:  # whatever a model does, the reader is told which decision
            raise InputError(
                f"{project.initiative.name}, version {folder.name}: it cannot weigh the decision about "
                f'"{one.unit_id}" at {one.at_us} ({type(problem).__name__}: {problem}). No estimate is given.'
            ) from problem


def _beside(log: Log, weighed: list[dict[str, float]]) -> tuple[Log, Distributions]:
    """The log with all names, and the version's probabilities; decisions without any are left out."""
    kept = np.array([bool(p) for p in weighed], np.bool_)
    if not kept.all():
        left = log.left_out | {NO_ACTION: int((~kept).sum())}
        if not kept.any():
            raise EmptyLogError(f"log: all {len(log):,} decisions are ones {NO_ACTION}, expected others.")
        log = replace(log.kept(kept), left_out=left)
    place = {name: i for i, name in enumerate(log.names)}
    rows: dict[tuple[tuple[str, float], ...], int] = {}
    of = np.array([rows.setdefault(tuple(sorted(p.items())), len(rows)) for p in weighed if p], np.int64)
    row = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    action = [place.setdefault(name, len(place)) for one in rows for name, _ in one]
    p = [value for one in rows for _, value in one]
    target = Distributions.of_entries(row, action, p, n=len(rows), of=of)
    return replace(log, names=tuple(place)), target


def _bounds(project: Project, log: Log, given: Bounds) -> Bounds:
    declared, assumed = project.initiative.reward.bounds, assumed_bounds(log.reward)
    if declared != (None, None):
        assumed = declared
    low, high = (mine if mine is not None else other for mine, other in zip(given, assumed, strict=True))
    return low, high
