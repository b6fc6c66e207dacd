"""What a policy learns from: decisions with what was chosen, how probably, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matinee.decide.question import Floats
from matinee.errors import InputError
from matinee.types import Times


class Logged(Protocol):
    """A log as off-policy evaluation reads it: `matinee.prove.offpolicy.log.Log` is one."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def action(self) -> NDArray[np.int64]: ...
    @property
    def propensity(self) -> Floats: ...
    @property
    def reward(self) -> Floats: ...
    @property
    def context(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions whose reward is known, in any order.

    Attributes
    ----------
    names : tuple of str, n of them
        The action that was taken.
    reward : ndarray of float64, shape (n,)
        Finite.
    propensity : ndarray of float64, shape (n,)
        Probability with which it was taken; above 0, at most 1. A log that has others is no log of decisions.
    at_us : ndarray of int64, shape (n,)
        When it was decided. Default: 0.
    context : ndarray of float64, shape (n, n_context)
        As in the question; finite. Default: no columns.
    features : ndarray of float64, shape (n, n_features)
        Of the action that was taken; finite. Default: no columns.
    eligible : sequence of collections of str, n of them, or None
        The actions that could have been taken; checked where given.
    reward_at_us : ndarray of int64, shape (n,), or None
        When the reward came; checked where given.

    Raises
    ------
    InputError
        Columns of different lengths, or a value that is impossible.

    Examples
    --------
    >>> len(Batch(("face", "title"), np.array([1.0, 0.0]), np.array([0.5, 0.5])))
    2
    """

    names: tuple[str, ...]
    reward: Floats
    propensity: Floats
    at_us: Times = field(default_factory=lambda: np.empty(0, np.int64))
    context: Floats = field(default_factory=lambda: np.empty((0, 0)))
    features: Floats = field(default_factory=lambda: np.empty((0, 0)))
    eligible: Sequence[Sequence[str] | frozenset[str]] | None = None
    reward_at_us: Times | None = None

    def __post_init__(self) -> None:
        n = len(self.names)
        for noun in ("context", "features"):
            if getattr(self, noun).shape == (0, 0):
                object.__setattr__(self, noun, np.empty((n, 0)))
        if self.at_us.shape == (0,):
            object.__setattr__(self, "at_us", np.zeros(n, np.int64))
        for noun in ("reward", "propensity", "at_us", "context", "features", "eligible", "reward_at_us"):
            column = getattr(self, noun)
            if column is not None and len(column) != n:
                raise InputError(f"Batch: {noun} has {len(column)} rows, expected {n} as names has.")
        self._check("propensity", (self.propensity > 0) & (self.propensity <= 1),
                    "a probability above 0 and at most 1")  # fmt: skip
        self._check("reward", np.isfinite(self.reward), "a number (not NaN)")
        for noun in ("context", "features"):
            if getattr(self, noun).ndim != 2:
                raise InputError(f"Batch: {noun} has shape {getattr(self, noun).shape}, expected ({n}, d).")
            self._check(noun, np.isfinite(getattr(self, noun)).all(axis=1), "finite numbers")
        if self.reward_at_us is not None:
            self._check("reward_at_us", self.reward_at_us >= self.at_us, "no time before its decision")
        if self.eligible is not None:
            inside = [name in may for name, may in zip(self.names, self.eligible, strict=True)]
            self._check("names", np.array(inside, np.bool_), "an action of its eligible set")

    def __len__(self) -> int:
        return len(self.names)

    def _check(self, noun: str, good: NDArray[np.bool_], expected: str) -> None:
        if not good.all():
            row = int(np.argmin(good))
            shown = getattr(self, noun)[row]
            raise InputError(
                f"Batch, row {row + 1}: {noun} is {shown}, expected {expected}. Nothing was learned."
            )

    @staticmethod
    def of_log(log: Logged, *, at_us: Times | None = None, features: Floats | None = None) -> Batch:
        """All decisions of a log.

        Parameters
        ----------
        at_us : ndarray of int64, shape (n,), optional
            When each was decided; a policy that forgets needs it.
        features : ndarray of float64, shape (n_actions, n_features), optional
            Of the actions, in the order of `log.names`.
        """
        n = len(log.action)
        return Batch(
            tuple(log.names[a] for a in log.action.tolist()),
            log.reward,
            log.propensity,
            np.zeros(n, np.int64) if at_us is None else at_us,
            log.context,
            np.empty((n, 0)) if features is None else features[log.action],
        )

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Batch:
        """Some of the decisions."""
        places = np.arange(len(self))[chosen].tolist()
        return Batch(
            tuple(self.names[i] for i in places),
            self.reward[chosen],
            self.propensity[chosen],
            self.at_us[chosen],
            self.context[chosen],
            self.features[chosen],
            None if self.eligible is None else [self.eligible[i] for i in places],
            None if self.reward_at_us is None else self.reward_at_us[chosen],
        )
