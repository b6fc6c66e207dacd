"""The log of a policy that fills several slots in one decision, such as a page."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.prove.offpolicy.distributions import Floats, Places
from matinee.prove.offpolicy.log import EmptyLogError


@dataclass(frozen=True, slots=True)
class SlateLog:
    """Slots in the order in which they were filled, each with its own reward.

    Attributes
    ----------
    page : ndarray of int64, shape (n_slots,)
        Decision of each slot, ascending from 0.
    position : ndarray of int64, shape (n_slots,)
        Place in the decision, from 0, in the order of filling.
    action : ndarray of int64, shape (n_slots,)
        Position in `names`.
    propensity : ndarray of float64, shape (n_slots,)
        Probability of this action given the slots before it; above 0, at most 1.
    reward : ndarray of float64, shape (n_slots,)
        What this slot brought. The value of a decision is the sum.
    unit : ndarray of int64, shape (n_pages,)
        Whom each decision was about.
    names : tuple of str
        The actions.
    decision_id : ndarray of str, shape (n_pages,)
    n_actions : ndarray of float64, shape (n_slots,), or None
        How many actions could have been chosen for the slot.
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

    page: Places
    position: Places
    action: Places
    propensity: Floats
    reward: Floats
    unit: Places
    names: tuple[str, ...]
    decision_id: NDArray[np.str_]
    n_actions: Floats | None = None
    n_late: int | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.page)
        if n == 0:
            why = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items() if count)
            raise EmptyLogError(
                f"log: it holds 0 slots{f' (left out: decisions {why})' if why else ''}, expected at least "
                "one. Give decisions with the propensity and reward of each slot."
            )
        for name in ("position", "action", "propensity", "reward", "n_actions"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise InputError(f"log: {name} has {len(column)} rows, expected {n} as page has.")
        if not len(self.unit) == len(self.decision_id) == int(self.page[-1]) + 1:
            raise InputError(
                f"log: unit has {len(self.unit)} rows, expected one for each of {int(self.page[-1]) + 1} "
                "decisions."
            )
        p = self.propensity
        for name, good, expected in (
            ("propensity", (p > 0) & (p <= 1), "a probability above 0 and at most 1"),
            ("reward", np.isfinite(self.reward), "a number (not NaN)"),
            ("action", (self.action >= 0) & (self.action < len(self.names)), "a position in the names"),
        ):
            if not good.all():
                row = int(np.argmin(good))
                raise InputError(
                    f'log, decision "{self.decision_id[self.page[row]]}", slot {self.position[row] + 1}: '
                    f"{name} is {getattr(self, name)[row]}, expected {expected}."
                )

    @property
    def n_pages(self) -> int:
        """How many decisions there are."""
        return len(self.unit)

    @property
    def n_positions(self) -> int:
        """Slots of the longest decision."""
        return int(self.position.max()) + 1

    def table(self, value: Floats, *, empty: float) -> Floats:
        """A figure per slot, shape (n_pages, n_positions); `empty` where a decision has no such slot."""
        out = np.full((self.n_pages, self.n_positions), empty)
        out[self.page, self.position] = value
        return out
