"""What every belief does: learn sums from batches, and say what actions are worth and how surely."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.beliefs.memory import Memory, MemoryConfig, Sums
from matinee.decide.question import Floats, Question, Space, Stack
from matinee.errors import ConfigError, InputError, StorageError
from matinee.learn.models.storage import load_arrays, save_arrays

BELIEF_FORMAT = 1


@dataclass(frozen=True, slots=True)
class BeliefFile:
    """The JSON beside the arrays of a belief.

    Attributes
    ----------
    kind, settings : str, dict
        Which belief, and what shaped its sums.
    space : Space
        What it is about.
    names : tuple of str
        The actions, in the order of the arrays.
    latest_us, n_seen : int
        Of the memory.
    """

    kind: str
    settings: dict[str, Any]
    space: Space
    names: tuple[str, ...]
    latest_us: int
    n_seen: int
    format: int = BELIEF_FORMAT


class Belief(ABC):
    """Expected reward of each action, as learned; the part of a policy that remembers.

    All that is learned are sums over decisions (`Memory`), from which `solve` computes the rest. So learning
    in portions equals learning at once, and old decisions can fade.

    Parameters
    ----------
    space : Space
    memory : MemoryConfig, optional
        How long outcomes count.

    Attributes
    ----------
    names_ : list of str
        The actions known so far, in the order of the arrays.
    """

    kind: ClassVar[str]
    """Stands in the file."""

    def __init__(self, space: Space, memory: MemoryConfig | None = None) -> None:
        self.space, self.memory = space, memory or MemoryConfig()
        self.names_: list[str] = []
        self._place: dict[str, int] = {}
        self._memory = Memory(self.memory, {})
        self._restart()

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What shapes the sums or the answers, as plain values; a file of other settings is refused."""

    @abstractmethod
    def sums(self, batch: Batch, weight: Floats, place: dict[str, int]) -> Sums:
        """Sums of some decisions, given the weight and the place in the arrays of each action."""

    @abstractmethod
    def solve(self, sums: Sums, n_seen: int) -> None:
        """Compute from the sums, which are empty at first, what the answers need."""

    @abstractmethod
    def mean(self, stack: Stack) -> Floats:
        """Expected reward of each action, shape (n,)."""

    @abstractmethod
    def sd(self, stack: Stack) -> Floats:
        """Standard deviation of that expectation, shape (n,)."""

    @abstractmethod
    def p_best(self, stack: Stack) -> Floats:
        """Probability that each action is the best of its question, shape (n,)."""

    @property
    def n_seen(self) -> int:
        """Decisions that were ever learned from."""
        return self._memory.n_seen

    @property
    @abstractmethod
    def n_counting(self) -> float:
        """Decisions that count now; fewer than `n_seen` where old ones fade."""

    def check(self, asked: Question) -> None:
        """Refuse a question that is about something else."""
        self.space.check("Question", asked.names, asked.context, asked.features)

    def check_rewards(self, batch: Batch) -> None:  # noqa: B027 - most take any
        """Refuse rewards that the belief cannot mean anything by."""

    def learn(self, batch: Batch) -> None:
        """Learn from a batch too; all or nothing."""
        self.space.check("Batch", batch.names, batch.context, batch.features)
        self.check_rewards(batch)
        if not len(batch):
            return
        place = dict(self._place)
        if self.space.actions is None:
            for name in sorted(set(batch.names) - set(place)):  # the order of rows does not matter
                place[name] = len(place)
        memory = self._memory.added(batch, lambda part, weight: self.sums(part, weight, place))
        self._take(memory, place)

    def relearn(self, batch: Batch) -> None:
        """Forget all and learn from a log; all or nothing."""
        if not len(batch):
            raise InputError(
                "LearningPolicy: the log holds 0 decisions, expected at least one to refit from."
            )
        before = self._memory, self._place
        self._restart()
        try:
            self.learn(batch)
        except BaseException:
            self._take(*before)
            raise

    def save(self, folder: Path) -> None:
        """Write the sums."""
        memory = self._memory
        about = BeliefFile(
            self.kind, self._shape(), self.space, tuple(self.names_), memory.latest_us, memory.n_seen
        )
        save_arrays(folder, about, **memory.arrays())

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; all or nothing."""
        about, arrays = load_arrays(folder, BeliefFile)
        self._check_file(folder, about)
        try:
            memory = Memory.of_arrays(self.memory, arrays, about.latest_us, about.n_seen)
            self._take(memory, {name: i for i, name in enumerate(about.names)})
        except (LookupError, ValueError, ArithmeticError) as error:
            raise StorageError(
                f"{folder}: the arrays of the policy do not fit each other ({error}). Refit it from the log."
            ) from error

    def places(self, stack: Stack) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Place of each action in the arrays; -1 for one never seen."""
        place = self._place
        return np.array([place.get(name, -1) for name in stack.names], np.int64)

    def _shape(self) -> dict[str, Any]:
        return cast(dict[str, Any], msgspec.to_builtins(self.settings() | {"memory": self.memory}))

    def _restart(self) -> None:
        names = self.space.actions or ()
        self._take(Memory(self.memory, {}), {name: i for i, name in enumerate(names)})

    def _take(self, memory: Memory, place: dict[str, int]) -> None:
        before = self.__dict__.copy()
        self._memory, self._place, self.names_ = memory, place, list(place)
        try:
            self.solve(memory.total(), memory.n_seen)
        except BaseException:
            self.__dict__.update(before)
            raise

    def _check_file(self, folder: Path, about: BeliefFile) -> None:
        mine = {
            "format": (about.format, BELIEF_FORMAT),
            "kind": (about.kind, self.kind),
            "actions": (about.space.actions, self.space.actions),
            "context": (about.space.context, self.space.context),
            "features": (about.space.features, self.space.features),
            "settings": (about.settings, self._shape()),
        }
        for noun, (found, expected) in mine.items():
            if found != expected:
                raise InputError(
                    f"{folder}: the policy here has {noun} {_shown(found)}, expected {_shown(expected)}. "
                    "Load it where it was made for, or refit a policy from the log."
                )


def check_fixed(belief: type[Belief], space: Space) -> None:
    """See that a space has fixed actions and no features of them: what beliefs of single actions are about.

    Raises
    ------
    ConfigError
        It has not.
    """
    if space.actions is None or space.features:
        raise ConfigError(
            f"{belief.__name__}: the space has no fixed actions or has features, expected fixed actions "
            "only. Take PooledBelief."
        )


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value[:8]))}{', ...' if len(value) > 8 else ''}] ({len(value)})"
    return str(value)
