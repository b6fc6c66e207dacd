"""What wrappers share that forbid actions: the inner policy is asked about what is left."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from matinee.decide.policy import Choice, Probabilities
from matinee.decide.question import Question
from matinee.decide.wrappers.base import Wrapper
from matinee.types import Mask


class Narrowing(Wrapper):
    """A wrapper that permits less; the chance of what it forbids goes where the inner policy puts it."""

    @abstractmethod
    def allows(self, asked: Question) -> Mask:
        """True where the wrapper's own rule allows the action, shape (n_actions,).

        Raises
        ------
        InputError
            Nothing is left.
        """

    def narrowed(self, asked: Question) -> Question:
        """The question as the inner policy gets it."""
        return asked.within(asked.permitted & self.allows(asked)) if asked.permitted.any() else asked

    def eligible(self, asked: Question) -> Mask:
        """What is left, and the inner policy permits."""
        return self.policy.eligible(self.narrowed(asked))

    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """Those of the inner policy, with fewer actions permitted."""
        return self.policy.probabilities_many([self.narrowed(one) for one in asked])

    def marks(self, asked: Question) -> tuple[str | None, bool]:
        """Those of the inner policy."""
        return self.policy.marks(self.narrowed(asked))

    def note(self, asked: Question, choice: Choice, decision_id: str) -> None:
        """Tell the inner policy."""
        self.policy.note(self.narrowed(asked), choice, decision_id)
