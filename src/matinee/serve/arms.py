"""What all processes count of the arms of an experiment, and when an arm is stopped for it.

All processes add to the counters `experiment:<name>:<arm>:<what>` of the state. One process looks at them
every second and writes a stop into the registry, where every process sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.registry.alerts import AlertRow
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.platform.registry.last_read import LastRead
from matinee.platform.registry.registry import Registry
from matinee.platform.watch.severity import severity
from matinee.serve.attempt import Attempt, BrokenContractError
from matinee.serve.budget import LATE as TOOK_TOO_LONG
from matinee.serve.budget import OVERLOADED, RESTING, STUCK
from matinee.serve.interleaved import teams_at
from matinee.serve.rollouts import (
    ANSWERS,
    BAD,
    FALLBACK,
    LATE,
    VIOLATIONS,
    WHAT,
    ArmCounts,
    tell,
    why_back,
)
from matinee.serve.tally import Count
from matinee.serve.trials import BOTH, Trials

Broken = Callable[[ExperimentRow, int], Iterable[tuple[str, str, str]]]
MISSING = "missing"
"""Answers of somebody else, since the arm's version does not open."""
MONITOR = "experiment"
"""Name of the alerts about arms that were stopped or do not open."""


@lru_cache(1_000)
def arm_counter(experiment: str, arm: str, what: str) -> str:
    """Name of a counter that all processes share."""
    return f"experiment:{experiment}:{arm}:{what}"


def arm_counts(asked: Attempt, names: Collection[str]) -> dict[str, int]:
    """What one answer adds to the counters of the arms that it compares; nothing once an arm was stopped.

    Parameters
    ----------
    names : collection of str
        What the answer counts as: "answers", and what is wrong with it.
    """
    place = asked.place
    if place is None or place.experiment is None or "arm_stopped" in place.noted:
        return {}
    if place.arm != BOTH:
        assert place.arm is not None
        return _counters(place.experiment, place.arm, names, missing=place.arm in place.faulty)
    found: dict[str, int] = {}
    for name in (*place.names, *place.faulty):
        said = {ANSWERS, *(() if asked.failed else names)}
        failed = asked.failed.get(name)
        if failed is not None:
            said.add(FALLBACK)
            if failed.why in (TOOK_TOO_LONG, OVERLOADED, STUCK, RESTING):
                said.add(LATE)
            if isinstance(failed.error, BrokenContractError):
                said.add(VIOLATIONS)
        found |= _counters(place.experiment, name, said, missing=name in place.faulty)
    return found


def _counters(experiment: str, arm: str, names: Collection[str], *, missing: bool) -> dict[str, int]:
    said = [name for name in names if ":" not in name]
    if len(said) > 1 or missing:
        said.append(BAD)
    if missing:
        said.append(MISSING)
    return {arm_counter(experiment, arm, name): 1 for name in said}


def arms_of(trials: Trials, record: DecisionRecord, slots: Sequence[Slot]) -> dict[str, int]:
    """How many of some slots of a decision each arm brought; what both did counts for both."""
    experiment, arm = record.context.get("experiment"), record.context.get("arm")
    if not isinstance(experiment, str) or not isinstance(arm, str) or "arm_stopped" in record.context:
        return {}
    if arm != BOTH:
        return {arm: len(slots)}
    alone = record.context.get("alone")
    if isinstance(alone, str):
        return {alone: len(slots)}
    trial = trials.by_name.get(experiment)
    if trial is None:
        return {}
    teams = teams_at(record, slots)
    names = [one.name for one in trial.definition.arms]
    counts = {name: len(teams) - teams.count(other) for name, other in zip(names, "BA", strict=True)}
    return {name: n for name, n in counts.items() if n}


class Stopped(msgspec.Struct, frozen=True):
    """An arm that was stopped by itself, and why."""

    experiment: str
    arm: str
    reason: str


class ArmSeen(msgspec.Struct, frozen=True):
    """What all processes counted of an arm; `missing`: answers of somebody else, since it does not open."""

    counts: ArmCounts
    missing: int = 0


def arms_seen(row: ExperimentRow, count: Count) -> dict[str, ArmSeen]:
    """Counters of each arm.

    Raises
    ------
    StorageError
        They cannot be read.
    """

    def of(arm: str, what: str) -> int:
        return count(arm_counter(row.name, arm, what), 0)

    return {
        arm.name: ArmSeen(ArmCounts(**{what: of(arm.name, what) for what in WHAT}), of(arm.name, MISSING))
        for arm in row.definition.arms
    }


class Arms:
    """Looks at the arms of running experiments, again and again; for one process at a time.

    Parameters
    ----------
    registry : Registry
    count : callable
        `StateStore.count`.
    answers : int
        Answers of an arm before the test is looked at.
    webhook : str
        Address that gets a message ([platform] webhook); empty for none.
    """

    def __init__(self, registry: Registry, count: Count, *, answers: int, webhook: str = "") -> None:
        self.registry, self.count, self.answers, self.webhook = registry, count, answers, webhook
        self._running = LastRead(registry, registry.experiments.running)
        self._missing: dict[tuple[str, str], int] = {}

    def look(self, *, at_us: int, wall_us: int) -> list[Stopped]:
        """Stop arms whose answers are late, empty or the fallback's more often than the control's, by more
        than a point, and those that broke a constraint; tell the owner, also of arms that do not open.

        Parameters
        ----------
        at_us : int
            Now, by the home's clock: decisions are dated by it.
        wall_us : int
            Now, by the wall clock.

        Raises
        ------
        StorageError
            The registry or the counters cannot be reached.
        """
        stopped = []
        for row in self._running():
            seen = arms_seen(row, self.count)
            self._tell_missing(row, seen, wall_us)
            if row.stopped_arms and row.definition.kind == "interleaving":
                continue
            control = seen[row.definition.control.name].counts
            for arm in row.definition.arms[1:]:
                if arm.name in row.stopped_arms:
                    continue
                reason, _ = why_back(seen[arm.name].counts, control, least=self.answers)
                if reason is not None:
                    missing = seen[arm.name].missing
                    if missing:
                        reason += f"; {missing} since {arm.answers} does not open"
                    stopped += self.stop(row, arm.name, reason, at_us=at_us, wall_us=wall_us)
        return stopped

    def look_at_metrics(self, broken: Broken, *, at_us: int, wall_us: int) -> list[Stopped]:
        """Stop arms that are shown to have broken a guardrail of their experiment.

        Parameters
        ----------
        broken : callable
            Experiment and moment -> arm, metric and a sentence about each guardrail that is broken.

        Raises
        ------
        MatineeError
            The lake or the registry cannot be read. Experiments before that one were looked at.
        """
        stopped: list[Stopped] = []
        for row in self.registry.experiments.running():
            going = {arm.name for arm in row.definition.arms[1:]} - row.stopped_arms.keys()
            if not row.definition.guardrails or not going:
                continue
            for arm, _, text in broken(row, at_us):
                if arm in going:
                    stopped += self.stop(row, arm, text.rstrip("."), at_us=at_us, wall_us=wall_us)
        return stopped

    def stop(self, row: ExperimentRow, arm: str, reason: str, *, at_us: int, wall_us: int) -> list[Stopped]:
        """Stop an arm and tell the owner; an empty list if somebody else did before.

        Raises
        ------
        InputError
            The experiment was stopped meanwhile, or the arm is the control.
        StorageError
            The registry cannot be reached.
        """
        text = f"arm {arm} of {row.name} was stopped: {reason}."
        with self.registry.transaction():
            if not self.registry.experiments.stop_arm(row.name, arm, at_us, reason):
                return []
            alert = self._see(row, f"{row.name}/{arm}", text, wall_us, harm=True)
        self._send(alert)
        return [Stopped(row.name, arm, reason)]

    def _tell_missing(self, row: ExperimentRow, seen: Mapping[str, ArmSeen], wall_us: int) -> None:
        """Tell of arms that do not open and whose units asked since the last look."""
        for arm in row.definition.arms:
            missing, key = seen[arm.name].missing, (row.name, arm.name)
            if missing > self._missing.get(key, missing):
                text = (
                    f"arm {arm.name} of {row.name}: {arm.answers} does not open, so what is in production "
                    f"answered {missing} times. See /readyz with a key of the scope admin."
                )
                self._send(self._see(row, f"{row.name}/{arm.name}/missing", text, wall_us, harm=False))
            self._missing[key] = missing

    def _see(self, row: ExperimentRow, key: str, text: str, wall_us: int, *, harm: bool) -> AlertRow:
        tier = self.registry.initiatives.read(row.initiative).tier
        return self.registry.alerts.see(
            AlertRow(
                initiative=row.initiative,
                monitor=MONITOR,
                key=key,
                severity=severity(tier, "harm" if harm else "early"),
                owner=row.owner,
                text=text,
                opened_us=wall_us,
                seen_us=wall_us,
            )
        )

    def _send(self, alert: AlertRow) -> None:
        if self.webhook and alert.n_seen == 1:
            tell(self.registry, self.registry.initiatives.read(alert.initiative), alert, self.webhook)
