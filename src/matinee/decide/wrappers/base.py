"""A policy around a policy: everything goes through to the inner one, except what the wrapper is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matinee.decide.batch import Batch
from matinee.decide.learning import LearningPolicy
from matinee.decide.policy import Choice, Probabilities
from matinee.decide.question import Question, Space
from matinee.types import Mask


class Wrapper(LearningPolicy):
    """Passes everything on; a subclass changes `eligible`, the probabilities, or what is noted.

    Wrappers compose in any order: each asks the inner policy what is `eligible`, so that no floor and no
    baseline gives a chance to what a rule inside of it forbids. Learning, saving and loading are the inner
    policy's, so a policy can be wrapped after it was trained.

    Parameters
    ----------
    policy : LearningPolicy
    """

    def __init__(self, policy: LearningPolicy) -> None:
        self.policy = policy

    @property
    def space(self) -> Space:
        """That of the inner policy."""
        return self.policy.space

    @property
    def n_seen(self) -> int:
        """Decisions that the inner policy has learned from."""
        return self.policy.n_seen

    def eligible(self, asked: Question) -> Mask:
        """What the inner policy may choose."""
        return self.policy.eligible(asked)

    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """Those of the inner policy."""
        return self.policy.probabilities_many(asked)

    def marks(self, asked: Question) -> tuple[str | None, bool]:
        """Those of the inner policy."""
        return self.policy.marks(asked)

    def note(self, asked: Question, choice: Choice, decision_id: str) -> None:
        """Tell the inner policy."""
        self.policy.note(asked, choice, decision_id)

    def update(self, batch: Batch) -> None:
        """The inner policy learns."""
        self.policy.update(batch)

    def refit(self, batch: Batch) -> None:
        """The inner policy learns anew."""
        self.policy.refit(batch)

    def save(self, folder: Path) -> None:
        """Write the inner policy."""
        self.policy.save(folder)

    def load(self, folder: Path) -> None:
        """Read the inner policy."""
        self.policy.load(folder)
