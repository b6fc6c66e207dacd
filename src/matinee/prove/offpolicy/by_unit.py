"""Figures of decisions, added up over those of one unit: they resemble each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.distributions import Floats, Places


@dataclass(frozen=True, slots=True)
class ByUnit:
    """Which decisions belong together.

    Attributes
    ----------
    place : ndarray of int64, shape (n,)
        Number of each decision's unit, in the order of their first decisions.

    Examples
    --------
    >>> ByUnit.of(np.array([7, 3, 7])).sums(np.array([1.0, 5.0, 2.0]))
    array([3., 5.])
    """

    place: Places

    @classmethod
    def of(cls, unit: Places) -> ByUnit:
        """From the unit of each decision, as any number; shape (n,)."""
        _, first, which = np.unique(unit, return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        return cls(rank[which])

    def sums(self, values: Floats) -> Floats:
        """Sum of a figure over the decisions of each unit, shape (n_units,)."""
        return np.bincount(self.place, values).astype(np.float64)

    @property
    def counts(self) -> Floats:
        """Number of decisions of each unit, shape (n_units,)."""
        return np.bincount(self.place).astype(np.float64)
