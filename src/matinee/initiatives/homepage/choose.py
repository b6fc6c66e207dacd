"""Which row comes next: the shelf that adds most, among the kinds that the rules of the page leave open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.greedy import Wish
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.kernels import choose_row
from matinee.initiatives.homepage.pins import EDITORIAL, PinPlan
from matinee.initiatives.homepage.rows.base import RowKind
from matinee.initiatives.homepage.stock import Stock
from matinee.types import Mask

_NONE: Counter[str] = Counter()
GAIN_COLS = 12
"""Tiles of a row that count when rows are compared."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A shelf for a row. Titles in rows above `limit` may not be repeated; 0: no title may be."""

    shelf: int
    limit: int
    gain: float


def wish_of(config: PageConfig) -> Wish:
    """What the page pays for besides plays."""
    return Wish(config.diversity, config.calibration, config.spread)


class RowChooser:
    """Keeps the rules about kinds: pinned kinds, quotas, variety in the first rows, each shelf once."""

    def __init__(self, stock: Stock, kinds: Mapping[str, RowKind], plan: PinPlan, board: Board) -> None:
        config = stock.viewer.audience.config
        self.stock, self.kinds, self.plan, self.board, self.config = stock, kinds, plan, board, config
        self.names = list(kinds)
        self.max_rows = {q.kind: q.max_rows for q in config.quotas if q.max_rows is not None}
        self.min_rows = {q.kind: q.min_rows for q in config.quotas if q.min_rows}
        self.counts: Counter[str] = Counter()
        self.unmet: list[str] = []
        self._kind_of = stock.kind_of
        least = [config.min_tiles if k.min_tiles is None else k.min_tiles for k in kinds.values()]
        self._min_tiles = np.minimum(np.array(least, np.int64), board.cols)[self._kind_of]
        self._one_tile = np.ones(len(stock.shelves), np.int64)
        self._in_mix = np.array([k.intent == "discover" for k in kinds.values()], np.bool_)[self._kind_of]
        self._unused = np.ones(len(stock.shelves), np.bool_)
        self._discount = np.array([kind.worth for kind in kinds.values()], np.float64)
        exists = np.array([kind.exists_for(stock.viewer) for kind in kinds.values()], np.bool_)
        self._unused &= exists[self._kind_of]
        self._wish = wish_of(config)

    def take(self, shelf: int) -> None:
        """The shelf stands on the page: it is not offered again."""
        self._unused[shelf] = False
        self.counts[self.stock.shelves[shelf].kind] += 1
        self._discount[self._kind_of[shelf]] *= self.config.repeat_discount

    def stands(self, kind: str, reason: str) -> None:
        """A row of an earlier part of the page: its shelf, if it still exists, is not offered again."""
        self.counts[kind] += 1
        if kind in self.kinds:
            self._discount[self.names.index(kind)] *= self.config.repeat_discount
        for s in np.flatnonzero(self._unused).tolist():
            shelf = self.stock.shelves[s]
            if shelf.kind == kind and shelf.reason == reason:
                self._unused[s] = False
                return

    def may_add(self, kind: str, row: int) -> bool:
        """Whether quota and variety allow one more row of the kind."""
        count = self.counts[kind]
        twice = row <= self.config.head_rows and count > 0 and not self.kinds[kind].several
        return not twice and count < self.max_rows.get(kind, count + 1)

    def pinned(self, row: int, kind: str) -> Choice | None:
        """The best shelf of the kind ordered for the row; None (and a line in `unmet`) without one."""
        before = f'pin row {row} kind "{kind}"'
        if row <= self.config.head_rows and self.counts[kind] and not self.kinds[kind].several:
            self.unmet.append(f"{before}: the kind stands in the first {self.config.head_rows} rows already")
            return None
        choice = self._best(row, {kind}, self._one_tile, 0) or (
            self._best(row, {kind}, self._one_tile, row - self.config.viewport_rows)
            if row > self.config.viewport_rows
            else None
        )
        if choice is None:
            self.unmet.append(f"{before}: it has no title left that may be shown")
        return choice

    def free(self, row: int) -> Choice | None:
        """The best shelf for a row without an order; None when nothing may follow.

        First without repeating a title; in the first viewport then with shorter rows; below it then with
        titles that have left the viewport. Only an otherwise empty page lifts the quotas, and takes
        a kind that was kept for a pin.
        """
        open_kinds = self._open_kinds(row)
        wanted = self._wanted(row, open_kinds)
        near = self.config.viewport_rows
        attempts = [(kinds, self._min_tiles, 0) for kinds in (wanted, open_kinds) if kinds]
        if row <= near:
            attempts.append((open_kinds, self._one_tile, 0))
        else:
            attempts += [(kinds, self._min_tiles, row - near) for kinds in (wanted, open_kinds) if kinds]
        for kinds, least, limit in attempts:
            choice = self._best(row, kinds, least, limit)
            if choice is not None:
                return choice
        if row > 1:
            return None
        choice = self._best(row, set(self.names), self._one_tile, 0)
        kind = "" if choice is None else self.stock.shelves[choice.shelf].kind
        if kind in self.max_rows:
            self.unmet.append(f'quota "{kind}" max_rows {self.max_rows[kind]}: the page would be empty')
        return choice

    def runner_up(self, row: int, choice: Choice) -> Choice | None:
        """The shelf that would stand there without the chosen one; for people who ask. Changes nothing."""
        unused = self._unused.copy()
        self._unused[choice.shelf] = False
        try:
            return self._best(row, self._open_kinds(row), self._min_tiles, choice.limit, deal=False)
        finally:
            self._unused = unused

    def report(self, n_rows: int, head: list[str]) -> None:
        """Add what the finished page could not keep to `unmet`."""
        for row, kind in sorted(self.plan.kind_at.items()):
            if row > n_rows and kind != EDITORIAL:
                self.unmet.append(f'pin row {row} kind "{kind}": the page ends at row {n_rows}')
        for kind, least in sorted(self.min_rows.items()):
            if self.counts[kind] < least:
                self.unmet.append(
                    f'quota "{kind}" min_rows {least}: {self.counts[kind]} placed, '
                    "no more has enough titles that may be shown"
                )
        wanted = min(self.config.head_kinds, self.config.head_rows, self.board.rows)
        if head and len(set(head)) < wanted:
            self.unmet.append(
                f"first {self.config.head_rows} rows: {len(set(head))} kinds of row, expected {wanted}; "
                "no other kind has enough titles that may be shown"
            )

    def _open_kinds(self, row: int) -> set[str]:
        head = self.config.head_rows
        ordered = self.plan.kind_at
        later = Counter([kind for r, kind in ordered.items() if r > row]) if ordered else _NONE
        later_in_head = {kind for r, kind in ordered.items() if row < r <= head}
        out: set[str] = set()
        for i, (name, kind) in enumerate(self.kinds.items()):
            count, more = self.counts.get(name, 0), later.get(name, 0)
            if self.max_rows and count + more >= self.max_rows.get(name, 1 << 30):
                continue
            if row <= head and not kind.several and (count or name in later_in_head):
                continue
            if more and self._unused[self._kind_of == i].sum() <= more:
                continue
            out.add(name)
        return out

    def _wanted(self, row: int, open_kinds: set[str]) -> set[str]:
        """Kinds among which the row has to be, so that variety and least quotas can still be kept."""
        head = min(self.config.head_rows, self.board.rows)
        pins = self.plan.kind_at
        if row <= head:
            have = {kind for kind, count in self.counts.items() if count}
            have |= {kind for r, kind in pins.items() if row < r <= head}
            places = sum(1 for r in range(row, head + 1) if r not in pins or r == row)
            if min(self.config.head_kinds, head) - len(have) >= places:
                return open_kinds - have
        owed = {
            kind: least - self.counts[kind] - sum(1 for r, k in pins.items() if r > row and k == kind)
            for kind, least in self.min_rows.items()
        }
        owed = {kind: n for kind, n in owed.items() if n > 0}
        if owed and (row > self.config.viewport_rows or sum(owed.values()) >= self.board.rows - row + 1):
            return open_kinds & set(owed)
        return set()

    def _best(
        self, row: int, kinds: set[str], least: NDArray[np.int64], limit: int, *, deal: bool = True
    ) -> Choice | None:
        board, stock = self.board, self.stock
        allowed: Mask = np.array([name in kinds for name in self.names], np.bool_)
        shelf, gain = choose_row(
            stock.shelving,
            stock.viewer.play,
            stock.own_play,
            stock.n_shared,
            stock.all_dealt,
            allowed[self._kind_of] & self._unused,
            least,
            self._discount[self._kind_of],
            self._in_mix,
            board.placed,
            limit,
            board.look[row - 1, :GAIN_COLS],
            board.mix,
            self._wish,
        )
        if shelf == -2 and deal:
            stock.deal_rest()
            return self._best(row, kinds, least, limit)
        return None if shelf < 0 else Choice(int(shelf), limit, float(gain))
