"""Constraint mask: named rules about which actions a unit may get."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matinee.decide.learning import LearningPolicy
from matinee.decide.masks import Masks
from matinee.decide.question import Question
from matinee.decide.wrappers.narrowing import Narrowing
from matinee.errors import InputError
from matinee.types import Mask


class Constraints(Narrowing):
    """Only what every rule allows is chosen; whoever asks why not is told the first rule that forbids it.

    Parameters
    ----------
    policy : LearningPolicy
    rules : callable
        From a question to the rules about its actions. A pure function: the same question, the same rules.

    Examples
    --------
    >>> from matinee.decide.question import Space
    >>> from matinee.decide.beliefs.beta import BetaBelief
    >>> from matinee.decide.policies.thompson import ThompsonPolicy
    >>> def kids(asked: Question) -> Masks:
    ...     rules = Masks(len(asked.names))
    ...     rules.add("fit for kids", np.array([name != "fright" for name in asked.names]))
    ...     return rules
    >>> policy = Constraints(ThompsonPolicy(BetaBelief(Space(("joy", "fright")))), kids)
    >>> policy.probabilities(Question(("joy", "fright"))).tolist()
    [1.0, 0.0]
    >>> policy.why_not(Question(("joy", "fright")), 1)
    'fit for kids'
    """

    def __init__(self, policy: LearningPolicy, rules: Callable[[Question], Masks]) -> None:
        super().__init__(policy)
        self.rules = rules

    def allows(self, asked: Question) -> Mask:
        """What every rule allows."""
        rules = self.rules(asked)
        if rules.size != len(asked.names):
            raise InputError(
                f"Constraints: the rules are about {rules.size} actions, expected {len(asked.names)}."
            )
        allowed = rules.permitted()
        if not (allowed & asked.permitted).any():
            gone = rules.removed(np.flatnonzero(asked.permitted).astype(np.int32))
            by = ", ".join(f"{name} ({count})" for name, count in gone.items())
            raise InputError(
                f"Constraints: 0 of {int(asked.permitted.sum())} permitted actions are left by the rules "
                f"{by}, expected at least 1. Give an action that every rule allows."
            )
        return allowed

    def why_not(self, asked: Question, action: int) -> str | None:
        """Name of the first rule that forbids an action; None where none does."""
        return self.rules(asked).why_not(action)
