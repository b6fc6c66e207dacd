"""Probabilities over actions, as compressed rows: sets of actions may differ, decisions may share a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Distributions:
    """For each decision, the probability of each action.

    Attributes
    ----------
    row : ndarray of int64, shape (n,)
        Row of each decision. A policy that does not look at the context has one row for all.
    start : ndarray of int64, shape (n_rows + 1,)
        Where the entries of each row begin; the last is their number.
    action : ndarray of int64, shape (n_entries,)
        Actions, ascending and each once within a row.
    p : ndarray of float64, shape (n_entries,)
        Their probabilities. Actions that a row does not name have 0.

    Examples
    --------
    >>> one = Distributions.of_entries([0, 0, 1], [2, 0, 1], [0.25, 0.75, 1.0], n=2)
    >>> one.at(np.array([0, 1])), one.totals()
    (array([0.75, 1.  ]), array([1., 1.]))
    """

    row: Places
    start: Places
    action: Places
    p: Floats

    @staticmethod
    def of_entries(
        row: Places | Sequence[int],
        action: Places | Sequence[int],
        p: Floats | Sequence[float],
        *,
        n: int,
        of: Places | None = None,
    ) -> Distributions:
        """Rows from entries in any order.

        Parameters
        ----------
        n : int
            Number of rows.
        of : ndarray of int64, shape (n_decisions,), optional
            Row of each decision. Default: the first decision has the first row, and so on.
        """
        rows, actions = np.asarray(row, np.int64), np.asarray(action, np.int64)
        order = np.lexsort((actions, rows))
        start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int64)
        own = np.arange(n, dtype=np.int64) if of is None else of
        return Distributions(own, start, actions[order], np.asarray(p, np.float64)[order])

    @staticmethod
    def of_table(table: Floats, row: Places | None = None) -> Distributions:
        """Rows from a full table, shape (n_rows, n_actions)."""
        n, k = table.shape
        own = np.arange(n, dtype=np.int64) if row is None else row
        start = np.arange(n + 1, dtype=np.int64) * k
        return Distributions(own, start, np.tile(np.arange(k, dtype=np.int64), n), table.ravel())

    @property
    def n_rows(self) -> int:
        """How many different rows there are."""
        return len(self.start) - 1

    @property
    def entry_row(self) -> Places:
        """Row of each entry."""
        return np.repeat(np.arange(self.n_rows, dtype=np.int64), np.diff(self.start))

    def at(self, action: Places) -> Floats:
        """Probability of one action for each decision, shape (n,); 0 for one that its row does not name."""
        if len(self.p) == 0:
            return np.zeros(len(self.row))
        width = int(max(self.action.max(), action.max(initial=0))) + 1
        keys, wanted = self.entry_row * width + self.action, self.row * width + action
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, self.p[place], 0.0)

    def names(self, action: Places) -> NDArray[np.bool_]:
        """Whether the row of each decision names its action, be it with probability 0."""
        ones = Distributions(self.row, self.start, self.action, np.ones(len(self.p)))
        return ones.at(action) > 0.0

    def expected(self, value: Floats) -> Floats:
        """Mean of a value per action, for each decision; shape (n_actions,) to (n,)."""
        return self.sums(self.p * value[self.action])[self.row]

    def sums(self, entries: Floats) -> Floats:
        """Sum of a figure per entry in each row, shape (n_rows,); 0 for an empty row."""
        return np.bincount(self.entry_row, entries, minlength=self.n_rows).astype(np.float64)

    def totals(self) -> Floats:
        """Sum of the probabilities for each decision, shape (n,); 1 if all is well."""
        return self.sums(self.p)[self.row]

    def n_possible(self) -> Floats:
        """Number of actions with a probability above 0, for each decision."""
        return self.sums((self.p > 0.0).astype(np.float64))[self.row]

    def of_groups(self, group: Places, n_groups: int) -> Distributions:
        """Probability of each group of actions; `group` has shape (n_actions,)."""
        table = np.bincount(
            self.entry_row * n_groups + group[self.action], self.p, minlength=self.n_rows * n_groups
        )
        return Distributions.of_table(table.astype(np.float64).reshape(self.n_rows, n_groups), self.row)

    def shares(self, n_actions: int) -> Floats:
        """Probability of each action summed over the decisions, shape (n_actions,)."""
        decisions = np.bincount(self.row, minlength=self.n_rows)
        found: Floats = np.bincount(
            self.action, self.p * decisions[self.entry_row], minlength=n_actions
        ).astype(np.float64)
        return found

    def kept(self, decisions: NDArray[np.bool_] | Places) -> Distributions:
        """The same rows for some of the decisions."""
        return Distributions(self.row[decisions], self.start, self.action, self.p)

    def draw(self, rng: np.random.Generator) -> Places:
        """One action for each decision."""
        edges = np.cumsum(self.p)
        before = np.concatenate([[0.0], edges])[self.start[:-1]]
        total = np.concatenate([[0.0], edges])[self.start[1:]] - before
        wanted = before[self.row] + rng.random(len(self.row)) * total[self.row]
        place = np.searchsorted(edges, wanted, side="right")
        found: Places = self.action[np.clip(place, self.start[self.row], self.start[self.row + 1] - 1)]
        return found
