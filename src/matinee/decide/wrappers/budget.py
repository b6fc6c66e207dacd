"""Daily budget: costly actions are chosen while there is money for them, spread over the day."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

import numpy as np

from matinee.decide.learning import LearningPolicy
from matinee.decide.policy import Choice
from matinee.decide.question import Question
from matinee.decide.wrappers.narrowing import Narrowing
from matinee.errors import ConfigError, InputError
from matinee.types import DAY_US, Mask

ROUNDING = 1e-9
"""By which share of the budget sums of costs may be off."""


class DailyBudget(Narrowing):
    """Never spends more than `per_day` in a calendar day (UTC): an action that does not fit is not eligible.

    What has been spent is known before each draw, so the probabilities are exact: those of the inner policy
    among what can still be paid for. An action without a cost is free; at least one should be. Where a day's
    money is also to last until the evening, `ahead` limits how far spending may run ahead of the clock.

    Parameters
    ----------
    policy : LearningPolicy
    costs : mapping of str to float, above 0
        Of the costly actions.
    per_day : float, 0 or more
        In units of the costs.
    ahead : float, 0 to 1
        At a share t of the day, (t + ahead) * per_day may have been spent. 1: whenever it comes.
    ledger : mutable mapping of int to float, optional
        Spent so far by day since 1970; a dict of its own by default. It belongs to whoever gives it, who also
        keeps it. Processes that share none have to share the budget: each gets its part.

    Raises
    ------
    ConfigError
        A cost or limit is out of range.
    InputError
        Nothing that is permitted can be paid for.

    Notes
    -----
    `note` books the cost of what was served. Decisions that are drawn before the ones before them are noted
    could overspend: draw and note one after the other. To choose for which units the money is best spent,
    see `budget_price`.

    References
    ----------
    Badanidiyuru, Kleinberg, Slivkins (2013), Bandits with knapsacks, FOCS, arXiv 1305.2545 (the setting:
    a hard stop at the budget).
    """

    def __init__(
        self,
        policy: LearningPolicy,
        costs: Mapping[str, float],
        per_day: float,
        *,
        ahead: float = 1.0,
        ledger: MutableMapping[int, float] | None = None,
    ) -> None:
        for name, cost in costs.items():
            if not (cost > 0 and np.isfinite(cost)):
                raise ConfigError(f'DailyBudget: cost of "{name}" is {cost}, expected a number above 0.')
        if not per_day >= 0:
            raise ConfigError(f"DailyBudget: per_day is {per_day}, expected 0 or more.")
        if not 0 <= ahead <= 1:
            raise ConfigError(f"DailyBudget: ahead is {ahead}, expected 0 to 1.")
        super().__init__(policy)
        self.costs, self.per_day, self.ahead = dict(costs), per_day, ahead
        self.ledger: MutableMapping[int, float] = {} if ledger is None else ledger

    def left(self, at_us: int) -> float:
        """What may be spent now."""
        day, passed = divmod(at_us, DAY_US)
        allowed = min(passed / DAY_US + self.ahead, 1.0) * self.per_day
        return allowed - self.ledger.get(day, 0.0)

    def allows(self, asked: Question) -> Mask:
        """What can be paid for."""
        left = self.left(asked.at_us) + ROUNDING * self.per_day
        fits = np.array([self.costs.get(name, 0.0) <= max(left, 0.0) for name in asked.names], np.bool_)
        if not (fits & asked.permitted).any():
            raise InputError(
                f"DailyBudget: 0 of {int(asked.permitted.sum())} permitted actions cost at most {left:g}, "
                "what is left of the day's budget; expected at least 1. Permit an action that is free."
            )
        return fits

    def note(self, asked: Question, choice: Choice, decision_id: str) -> None:
        """Book the cost."""
        cost = self.costs.get(asked.names[choice.action], 0.0)
        if cost:
            day = asked.at_us // DAY_US
            self.ledger[day] = self.ledger.get(day, 0.0) + cost
        super().note(asked, choice, decision_id)
