"""The contract of a policy that learns: from a question to probabilities, from outcomes to better ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.policy import Choice, Probabilities, drawn
from matinee.decide.question import Question, Space
from matinee.types import Mask


class LearningPolicy(ABC):
    """Chooses one of the permitted actions by what it has learned.

    `probabilities_many` is the whole truth about it: `choose` draws from the same numbers, so the propensity
    that is logged is exact for what was done, whatever these numbers approximate. They are a function of
    what was learned and of the question alone: asking changes nothing, and draws nothing.

    A policy is made in code from its settings; `load` gives it what another of the same settings learned.

    Examples
    --------
    One decision, whoever else was served before::

        choice = policy.choose(question, stream(seed, question.unit_id, question.at_us))
        policy.note(question, choice, decision_id)
    """

    @property
    @abstractmethod
    def space(self) -> Space:
        """What it decides about."""

    @property
    @abstractmethod
    def n_seen(self) -> int:
        """Decisions that it has learned from."""

    @abstractmethod
    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """Probabilities of each question's actions; 0 where not permitted, each sums to 1.

        Raises
        ------
        InputError
            A question permits no action, has a context or features of another length, or an unknown action.
        """

    @abstractmethod
    def update(self, batch: Batch) -> None:
        """Learn from a mini-batch too. A refused batch changes nothing; an empty one neither.

        Raises
        ------
        InputError
            The batch is for other actions, context or features, or holds a reward that cannot be.
        """

    @abstractmethod
    def refit(self, batch: Batch) -> None:
        """Forget all and learn from a whole log.

        Raises
        ------
        InputError
            As `update`, or the log is empty. What was learned before is then kept.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was learned to `folder` (made if missing) as .npy and JSON."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Take over what a policy for the same actions and of the same settings learned.

        Raises
        ------
        NotFoundError
            There is no policy in the folder.
        InputError
            It is of another kind or setting, or for other actions, context or features.
        StorageError
            A file is damaged.
        """

    def probabilities(self, asked: Question) -> Probabilities:
        """Probability of each action, shape (n_actions,)."""
        return self.probabilities_many([asked])[0]

    def eligible(self, asked: Question) -> Mask:
        """What the question permits and no rule of the policy forbids, shape (n_actions,)."""
        return asked.permitted

    def choose(self, asked: Question, rng: np.random.Generator) -> Choice:
        """Draw one action. Where only one has a chance, `rng` is not used."""
        choice = drawn(self.probabilities(asked), rng)
        sticky_of, held_out = self.marks(asked)
        return Choice(choice.action, choice.propensity, sticky_of, held_out)

    def marks(self, asked: Question) -> tuple[str | None, bool]:  # noqa: ARG002 - most mark nothing
        """Of which decision the answer is a repetition, and whether a holdout's baseline gives it."""
        return None, False

    def note(self, asked: Question, choice: Choice, decision_id: str) -> None:  # noqa: B027 - most need none
        """Take down that a choice was served, for those that go by it: budgets, stickiness.

        A shadow or a what-if is asked and not noted.
        """
