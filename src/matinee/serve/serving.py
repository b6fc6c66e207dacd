"""What the registry wants to answer for an initiative, and what answers now in one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from matinee.platform.deciding import Decider
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.platform.registry.rollouts import RolloutRow
from matinee.prove.experiment.definition import FALLBACK
from matinee.serve.opened import NONE, Opened
from matinee.serve.shadow import Shadow
from matinee.serve.trials import Trial, Trials


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the registry says should answer.

    Attributes
    ----------
    version : str
        In production.
    rollout : RolloutRow or None
        What runs beside it.
    experiments : tuple of ExperimentRow
        Those that run, the first started first.
    """

    version: str = NONE
    rollout: RolloutRow | None = None
    experiments: tuple[ExperimentRow, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that have to be open, what is in production first; an arm that was stopped needs none."""
        return tuple(dict.fromkeys(one for one in self._versions() if one not in (NONE, FALLBACK)))

    @property
    def fallback_is_arm(self) -> bool:
        """Whether the fallback is an arm of an experiment."""
        return FALLBACK in self._versions()

    def _versions(self) -> Iterator[str]:
        yield self.version
        if self.rollout is not None:
            yield self.rollout.version
        for row in self.experiments:
            yield from (arm.answers for arm in row.definition.arms if arm.name not in row.stopped_arms)


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers now; replaced as a whole.

    Attributes
    ----------
    incumbent : Opened
        In production.
    fallback : Decider
    rollout : RolloutRow or None
        What runs beside it.
    beside : Opened or None
        The version of the rollout; None while it is not open.
    beside_trouble : str or None
        Why it does not open.
    shadow : Shadow or None
    trials : Trials
        Experiments, and where units stand in them.
    """

    incumbent: Opened
    fallback: Decider
    rollout: RolloutRow | None = None
    beside: Opened | None = None
    beside_trouble: str | None = None
    shadow: Shadow | None = None
    trials: Trials = field(default_factory=Trials)

    @property
    def opened(self) -> Iterator[Opened]:
        """Everything that may answer, what is in production first; some of it perhaps twice."""
        yield self.incumbent
        if self.beside is not None:
            yield self.beside
        for trial in self.trials.running:
            yield from (one for one in trial.opened if one is not None)


def begun(
    rows: tuple[ExperimentRow, ...], opened: Mapping[str, Opened], troubles: Mapping[str, str]
) -> Iterator[Trial]:
    """Experiments that this process takes part in, with what answers for their arms.

    One that was just started is waited for until each of its arms is open or has failed to: to assign units
    to those that are open first would count them, and not the others.
    """
    for row in rows:
        going = [arm for arm in row.definition.arms if arm.name not in row.stopped_arms]
        if all(arm.answers in opened or arm.answers in troubles for arm in going):
            yield Trial.of(row.current, frozenset(row.stopped_arms), opened)
