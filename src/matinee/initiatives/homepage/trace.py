"""Why a page looks as it does: what each rule removed from each row, and the odds of what was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from matinee.decide.masks import Masks
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.choose import Choice
from matinee.initiatives.homepage.page import ExploredSlot, Row
from matinee.initiatives.homepage.reckoning import Weighed
from matinee.initiatives.homepage.rows.base import RowKind, Viewer
from matinee.initiatives.homepage.rules import first_rule, rules
from matinee.initiatives.homepage.stock import Stock
from matinee.platform.whereabouts import Place

ELSEWHERE = "elsewhere on the page"


@dataclass(frozen=True, slots=True)
class RowTrace:
    """One row: candidates = the sum of `removed`, plus `on_page`, plus `left`.

    Attributes
    ----------
    candidates : int
        Titles that the row kind proposed.
    removed : dict of str to int
        Titles removed by each rule; a title counts under the first rule that forbids it.
    on_page : int
        Titles that stand elsewhere on the page already, or are kept for a pin.
    left : int
        Titles that the row could choose from.
    shown : int
        Tiles of the row, pinned ones included.
    gain : float
        Expected plays that the row adds, weighted by the chance that it is looked at from its first tile.
    runner_up, runner_up_gain : str and float
        The row that would stand there without this one, and what that would add; "" for none.
    ordered : bool
        Editors ordered its kind for this place.
    """

    row: int
    kind: str
    key: str
    reason: str
    candidates: int
    removed: dict[str, int]
    on_page: int
    left: int
    shown: int
    gain: float
    runner_up: str = ""
    runner_up_gain: float = 0.0
    ordered: bool = False


@dataclass(slots=True)
class PageTrace:
    """Filled by the composer when it is given one.

    Attributes
    ----------
    rows : list of RowTrace
    explored : list of ExploredSlot
    absent : dict of str to str
        Row kinds that are not on the page, and why.
    weighed : dict of (int, int) to dict of str to float
        By row and title: what the tile weighed when it was chosen.
    asked : int
        A title that is asked about; -1: none.
    places : list of Place
        Where the title that is asked about stood in each row that could have held it.
    """

    rows: list[RowTrace] = field(default_factory=list)
    explored: list[ExploredSlot] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    weighed: dict[tuple[int, int], Weighed] = field(default_factory=dict)
    asked: int = -1
    places: list[Place] = field(default_factory=list)


class TraceWriter:
    """Writes a `PageTrace` while a page is built."""

    def __init__(self, page: PageTrace, viewer: Viewer, kinds: Mapping[str, RowKind]) -> None:
        self.page, self.viewer, self.kinds = page, viewer, kinds
        self._rules: dict[str, Masks] = {}

    def row(
        self,
        row: int,
        choice: Choice,
        runner_up: Choice | None,
        stock: Stock,
        board: Board,
        *,
        ordered: bool = False,
    ) -> None:
        """Note why a shelf was chosen and what the rules removed from it, before its first tile is placed."""
        shelf = stock.shelves[choice.shelf]
        masks = self._rules_of(shelf.kind)
        titles = np.unique(shelf.titles)
        permitted = titles[masks.permitted()[titles]]
        on_page = int(board.blocked(permitted, choice.limit).sum())
        self.page.rows.append(
            RowTrace(
                row,
                shelf.kind,
                shelf.key,
                shelf.reason,
                len(titles),
                masks.removed(titles),
                on_page,
                len(permitted) - on_page,
                0,
                choice.gain,
                "" if runner_up is None else stock.shelves[runner_up.shelf].reason,
                0.0 if runner_up is None else runner_up.gain,
                ordered,
            )
        )
        if self.page.asked >= 0 and (shelf.titles == self.page.asked).any():
            self.page.places.append(self._place(f"row {row}: {shelf.kind}", choice, stock, board))

    def weighed(self, row: int, titles: Iterable[int], found: Iterable[Weighed]) -> None:
        """Note what tiles weighed."""
        for title, one in zip(titles, found, strict=True):
            self.page.weighed[row, int(title)] = one

    def _rules_of(self, kind: str) -> Masks:
        admits = self.kinds[kind].admits
        if admits not in self._rules:
            self._rules[admits] = rules(self.viewer, admits)
        return self._rules[admits]

    def _place(self, stage: str, choice: Choice, stock: Stock, board: Board) -> Place:
        """Where the title that is asked about stands in a shelf."""
        title, shelving, s = self.page.asked, stock.shelving, choice.shelf
        rule = first_rule(self._rules_of(stock.shelves[s].kind), title)
        order = shelving.candidate[shelving.start[s] : shelving.end[s]]
        free = order[~board.blocked(order, choice.limit)]
        found = np.flatnonzero(free == title)
        if len(found):
            return Place(stage, int(found[0]) + 1, len(free), 0)
        if rule is not None:
            return Place(stage, None, len(free), 0, rule)
        if (order == title).any():
            return Place(stage, None, len(free), 0, "kept for a pin" if board.reserved[title] else ELSEWHERE)
        return Place(stage, None, len(free), 0, "below the best titles, which are all that was looked at")

    def finish(self, stock: Stock, rows: list[Row]) -> None:
        """Add the number of tiles shown, and why other kinds are not on the page."""
        shown = {row.row: len(row.tiles) for row in rows}
        self.page.rows = [replace(row, shown=shown[row.row]) for row in self.page.rows]
        names = {f"row {row.row}: {row.kind}": row.shown for row in self.page.rows}
        self.page.places = [replace(one, chosen=names[one.stage]) for one in self.page.places]
        present = {row.kind for row in rows}
        sizes = stock.shelving.end - stock.shelving.start
        for name, kind in self.kinds.items():
            if name in present:
                continue
            own = [int(n) for n, shelf in zip(sizes, stock.shelves, strict=True) if shelf.kind == name]
            if not kind.exists_for(self.viewer):
                self.page.absent[name] = "not for this member (no history)"
            elif not own:
                self.page.absent[name] = "no candidates"
            elif not max(own):
                self.page.absent[name] = "the rules left no candidate"
            else:
                self.page.absent[name] = (
                    f"{len(own)} shelves, the largest with {max(own)} titles: other rows added more, "
                    "or a rule about kinds closed it"
                )
