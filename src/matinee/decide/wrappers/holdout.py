"""Standing holdout: a share of the units always gets the baseline, so that the policy's worth stays known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.decide.learning import LearningPolicy
from matinee.decide.policies.uniform import UniformPolicy
from matinee.decide.policy import Probabilities
from matinee.decide.question import Question
from matinee.decide.wrappers.base import Wrapper
from matinee.errors import ConfigError, InputError
from matinee.types import Scores, derive_seed


class Holdout(Wrapper):
    """Units of the holdout get the baseline, for ever and in every process; `Choice.held_out` marks them.

    The difference between them and the others is what the policy brings, however long it has run. Their
    decisions are good to learn from too; where they are to judge the policy, keep them out of what it learns.

    Parameters
    ----------
    policy : LearningPolicy
    share : float, 0 to 1
        Of all units, by a hash of their id.
    salt : str
        Holdouts of different salts are independent of each other.
    baseline : str or None
        The action that held out units get. None, or where it is not eligible: each eligible action alike.

    Raises
    ------
    ConfigError
        `share` is out of range, or the baseline no action of the policy.
    InputError
        A question names no unit.
    """

    def __init__(
        self, policy: LearningPolicy, share: float, *, salt: str = "holdout", baseline: str | None = None
    ) -> None:
        if not 0 <= share <= 1:
            raise ConfigError(f"Holdout: share is {share}, expected 0 to 1.")
        known = policy.space.actions
        if baseline is not None and known is not None and baseline not in known:
            raise ConfigError(f'Holdout: baseline is "{baseline}", expected one of {", ".join(known)}.')
        super().__init__(policy)
        self.share, self.salt, self.baseline = share, salt, baseline
        self._uniform = UniformPolicy()

    def holds(self, unit_id: str) -> bool:
        """Whether a unit is held out."""
        if not unit_id:
            raise InputError('Holdout: unit_id is "", expected whom the question is about.')
        return derive_seed(0, self.salt, unit_id) < self.share * 2.0**64

    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """Those of the baseline for held out units, those of the inner policy for the others."""
        out = self.policy.probabilities_many(asked)
        return [self._base(one) if self.holds(one.unit_id) else p for one, p in zip(asked, out, strict=True)]

    def marks(self, asked: Question) -> tuple[str | None, bool]:
        """Held out, or what the inner policy says."""
        sticky_of, held_out = self.policy.marks(asked)
        return sticky_of, held_out or self.holds(asked.unit_id)

    def _base(self, one: Question) -> Probabilities:
        may = self.policy.eligible(one)
        if self.baseline in one.names:
            own = may & (np.array(one.names) == self.baseline)
            may = own if own.any() else may
        scores: Scores = np.zeros(len(may), np.float32)
        return self._uniform.probabilities(scores, may)
