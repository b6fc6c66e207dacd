"""Stickiness: the same unit and the same actions get the same answer until time or evidence has passed."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np

from matinee.decide.learning import LearningPolicy
from matinee.decide.policy import Choice, Probabilities
from matinee.decide.question import Question
from matinee.decide.wrappers.base import Wrapper
from matinee.errors import ConfigError, InputError
from matinee.types import HOUR_US, Mask, derive_seed


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that is served again.

    Attributes
    ----------
    action : str
    decision_id : str
        Of the first decision.
    at_us : int
        When it was made.
    n_seen : int
        From how many decisions the policy had learned then.
    """

    action: str
    decision_id: str
    at_us: int
    n_seen: int


class Sticky(Wrapper):
    """Serves a unit's first choice again, so that a picture or an offer does not flicker.

    A repetition is certain (its propensity is 1) and says of which decision it is one (`Choice.sticky_of`):
    off-policy data leave it out, and its reward belongs to the first decision. A choice ends when `hours` or
    `rows` have passed, when other actions are in question, or when it is no longer eligible.

    Parameters
    ----------
    policy : LearningPolicy
    hours : float, above 0
        How long a choice holds.
    rows : int or None, at least 1
        It ends earlier when the policy has learned from so many more decisions.
    memory : mutable mapping of str to Held, optional
        What is held; a dict of its own by default. It belongs to whoever gives it, who also keeps it small
        (`forget`) and, among several processes, shared.

    Raises
    ------
    ConfigError
        `hours` or `rows` is out of range.
    InputError
        A question names no unit.
    """

    def __init__(
        self,
        policy: LearningPolicy,
        hours: float = 24.0,
        *,
        rows: int | None = None,
        memory: MutableMapping[str, Held] | None = None,
    ) -> None:
        if not hours > 0:
            raise ConfigError(f"Sticky: hours is {hours}, expected a number above 0.")
        if rows is not None and rows < 1:
            raise ConfigError(f"Sticky: rows is {rows}, expected at least 1.")
        super().__init__(policy)
        self.hours, self.rows = hours, rows
        self.memory: MutableMapping[str, Held] = {} if memory is None else memory

    def held(self, asked: Question) -> Held | None:
        """What is served again; None: it is chosen anew."""
        one = self.memory.get(_key(asked))
        if one is None or not 0 <= asked.at_us - one.at_us < self.hours * HOUR_US:
            return None
        if self.rows is not None and self.policy.n_seen - one.n_seen >= self.rows:
            return None
        may = self.policy.eligible(asked)
        return one if may[asked.names.index(one.action)] else None

    def eligible(self, asked: Question) -> Mask:
        """Only what is held, or all that the inner policy permits."""
        one = self.held(asked)
        if one is None:
            return self.policy.eligible(asked)
        return np.array([name == one.action for name in asked.names], np.bool_)

    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """1 for what is held; else those of the inner policy."""
        out = self.policy.probabilities_many(asked)
        for i, one in enumerate(asked):
            if self.held(one) is not None:
                out[i] = self.eligible(one).astype(np.float64)
        return out

    def marks(self, asked: Question) -> tuple[str | None, bool]:
        """The first decision."""
        one = self.held(asked)
        sticky_of, held_out = self.policy.marks(asked)
        return (one.decision_id if one else sticky_of), held_out

    def note(self, asked: Question, choice: Choice, decision_id: str) -> None:
        """Hold a new choice; a repetition does not prolong it."""
        if choice.sticky_of is None:
            action = asked.names[choice.action]
            self.memory[_key(asked)] = Held(action, decision_id, asked.at_us, self.policy.n_seen)
            super().note(asked, choice, decision_id)

    def forget(self, at_us: int) -> int:
        """Remove what no longer holds at a moment; returns how many."""
        past = [key for key, one in self.memory.items() if at_us - one.at_us >= self.hours * HOUR_US]
        for key in past:
            del self.memory[key]
        return len(past)


def _key(asked: Question) -> str:
    """Unit and set of actions, in whichever order these are given."""
    if not asked.unit_id:
        raise InputError('Sticky: unit_id is "", expected whom the question is about.')
    return f"{asked.unit_id}\x1f{derive_seed(0, *sorted(asked.names)):x}"
