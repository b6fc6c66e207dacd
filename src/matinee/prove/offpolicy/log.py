"""The log of a policy, ready for asking what another policy would have been worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.prove.offpolicy.distributions import Distributions, Floats, Places

TOLERANCE = 1e-6
"""Difference of two probabilities that is put down to rounding, relative."""


class EmptyLogError(InputError):
    """There is no decision to judge by.

    Attributes
    ----------
    left_out : dict of str to int
        Decisions that there are and that are no examples, by the reason.
    """

    def __init__(self, text: str, left_out: Mapping[str, int] | None = None) -> None:
        super().__init__(text)
        self.left_out = dict(left_out or {})


@dataclass(frozen=True, slots=True)
class Log:
    """Decisions with the propensity of what was chosen, and what came of it.

    Attributes
    ----------
    action : ndarray of int64, shape (n,)
        Position in `names`.
    propensity : ndarray of float64, shape (n,)
        Probability with which the logging policy chose this action; above 0, at most 1.
    reward : ndarray of float64, shape (n,)
        Finite.
    unit : ndarray of int64, shape (n,)
        Whom the decision was about, as a number; decisions of one unit resemble each other.
    names : tuple of str
        The actions.
    decision_id : ndarray of str, shape (n,)
        By which a policy file names a decision; empty where nothing is matched by name.
    n_actions : ndarray of float64, shape (n,), or None
        Size of the eligible set.
    logging : Distributions or None
        Probability of every eligible action under the logging policy (`p_all`).
    possible : Distributions or None
        The actions that each decision could have chosen, where only these are known and not how probably: the
        values say nothing, the names do.
    p_sum : ndarray of float64, shape (n,), or None
        Sum of `p_all`, which may be known where its actions are not named.
    context : ndarray of float64, shape (n, n_features)
        Known before the decision. Zero columns without any.
    n_duplicates, n_conflicts : int
        Rows left out because their decision stood there before, and those of them that said something else.
    n_late : int or None
        Rewards that came when the outcome was final. None: not known.
    left_out : dict of str to int
        Decisions that are no examples, by the reason.

    Raises
    ------
    EmptyLogError
        It is empty.
    InputError
        Columns differ in length, or a value is impossible.
    """

    action: Places
    propensity: Floats
    reward: Floats
    unit: Places
    names: tuple[str, ...]
    decision_id: NDArray[np.str_] = field(default_factory=lambda: np.array([], np.str_))
    n_actions: Floats | None = None
    logging: Distributions | None = None
    possible: Distributions | None = None
    p_sum: Floats | None = None
    context: Floats = field(default_factory=lambda: np.empty((0, 0)))
    n_duplicates: int = 0
    n_conflicts: int = 0
    n_late: int | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.action)
        if n == 0:
            why = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items() if count)
            raise EmptyLogError(
                f"log: it holds 0 decisions{f' (left out: {why})' if why else ''}, expected at least one. "
                "Give decisions with their propensity and reward.",
                self.left_out,
            )
        if self.context.shape == (0, 0):
            object.__setattr__(self, "context", np.empty((n, 0)))
        for name in ("propensity", "reward", "unit", "n_actions", "p_sum", "context"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise InputError(f"log: {name} has {len(column)} rows, expected {n} as action has.")
        self._check("propensity", self.propensity, (self.propensity > 0) & (self.propensity <= 1),
                    "a probability above 0 and at most 1")  # fmt: skip
        self._check("reward", self.reward, np.isfinite(self.reward), "a number (not NaN)")
        self._check("action", self.action, (self.action >= 0) & (self.action < len(self.names)),
                    f"a position in the {len(self.names)} names of actions")  # fmt: skip
        for known in (self.logging, self.possible):
            if known is not None:
                self._check("action", self.action, known.names(self.action), "one of the eligible set")

    def __len__(self) -> int:
        return len(self.action)

    def _check(self, name: str, column: Floats | Places, good: NDArray[np.bool_], expected: str) -> None:
        if not good.all():
            row = int(np.argmin(good))
            shown = self.names[column[row]] if name == "action" and 0 <= column[row] < len(self.names) else (
                column[row])  # fmt: skip
            raise InputError(f"log, decision {row + 1}: {name} is {shown}, expected {expected}.")

    def kept(self, decisions: NDArray[np.bool_] | Places) -> Log:
        """Some of the decisions."""
        changes: dict[str, object] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray) and len(value) == len(self):
                changes[one.name] = value[decisions]
            elif isinstance(value, Distributions):
                changes[one.name] = value.kept(decisions)
        return replace(self, **changes)  # type: ignore[arg-type]

    def each_once(self) -> Log:
        """The first row of each decision; the others are counted, and so are those that contradict it."""
        _, first, which = np.unique(self.decision_id, return_index=True, return_inverse=True)
        if len(first) == len(self):
            return self
        before = first[which]
        same = (
            (self.action == self.action[before])
            & np.isclose(self.propensity, self.propensity[before], rtol=TOLERANCE, atol=0.0)
            & (self.reward == self.reward[before])
            & (self.unit == self.unit[before])
        )
        kept = self.kept(np.sort(first))
        return replace(
            kept,
            n_duplicates=self.n_duplicates + len(self) - len(first),
            n_conflicts=self.n_conflicts + int((~same).sum()),
        )
