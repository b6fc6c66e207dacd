"""Named masks: what may be chosen, and for everything else the first rule that forbids it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from matinee.errors import InputError
from matinee.types import Index, Mask


@dataclass(frozen=True, slots=True)
class Masks:
    """An ordered list of rules; an action is permitted when every rule allows it.

    The order matters only for the explanation: an action that several rules forbid is counted under the
    first of them.

    Attributes
    ----------
    size : int
        Number of actions.
    rules : dict of str to ndarray of bool, shape (size,)
        True where the rule allows the action.

    Examples
    --------
    >>> masks = Masks(3)
    >>> masks.add("available", np.array([True, True, False]))
    >>> masks.add("not watched", np.array([True, False, False]))
    >>> masks.permitted().tolist()
    [True, False, False]
    >>> masks.removed(np.array([0, 1, 2]))
    {'available': 1, 'not watched': 1}
    """

    size: int
    rules: dict[str, Mask] = field(default_factory=dict)

    def add(self, name: str, allows: Mask) -> None:
        """Add a rule behind the others.

        Raises
        ------
        InputError
            The mask has another length, or the name is taken.
        """
        if allows.shape != (self.size,):
            raise InputError(
                f'Masks: rule "{name}" has shape {allows.shape}, expected ({self.size},). '
                "Give one value per action."
            )
        if name in self.rules:
            raise InputError(f'Masks: rule "{name}" exists already, expected a new name.')
        self.rules[name] = allows

    def permitted(self) -> Mask:
        """True where every rule allows the action, shape (size,)."""
        out = np.ones(self.size, np.bool_)
        for allows in self.rules.values():
            out &= allows
        return out

    def removed(self, candidates: Index) -> dict[str, int]:
        """How many of the candidates each rule removed; rules that removed none are left out."""
        out: dict[str, int] = {}
        left = np.asarray(candidates)
        for name, allows in self.rules.items():
            kept = left[allows[left]]
            if len(kept) < len(left):
                out[name] = len(left) - len(kept)
            left = kept
        return out

    def why_not(self, action: int) -> str | None:
        """Name of the first rule that forbids the action; None when it is permitted."""
        return next((name for name, allows in self.rules.items() if not allows[action]), None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)
