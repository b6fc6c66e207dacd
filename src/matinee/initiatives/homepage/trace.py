"""Why a page looks as it does: what each rule removed from each row, and the odds of what was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from matinee.decide.masks import Masks
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.page import ExploredSlot, Row
from matinee.initiatives.homepage.rows.base import Admits, RowKind, Shelf, Viewer
from matinee.initiatives.homepage.stock import Stock, resumable
from matinee.observe.catalogue.catalogue import Limits


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


@dataclass(slots=True)
class PageTrace:
    """Filled by the composer when it is given one.

    Attributes
    ----------
    rows : list of RowTrace
    explored : list of ExploredSlot
    absent : dict of str to str
        Row kinds that are not on the page, and why.
    """

    rows: list[RowTrace] = field(default_factory=list)
    explored: list[ExploredSlot] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def rules(viewer: Viewer, admits: Admits) -> Masks:
    """The rules for one kind of row, by name, in the order in which they are explained."""
    audience = viewer.audience
    catalogue, limits, at_us = audience.catalogue, audience.limits, audience.at_us
    masks = Masks(len(catalogue))
    played = audience.titles.played()
    masks.add("not released yet", catalogue.released(at_us, played))
    masks.add("not available here and now", catalogue.available(limits.territory, at_us))
    grown = Limits(limits.territory, limits.maturity_max, limits.kids)
    masks.add("above the maturity limit", catalogue.allowed(grown, at_us, played))
    masks.add("not in the member's languages", catalogue.allowed(limits, at_us, played))
    masks.add("its series may not be shown", audience.allowed)
    if admits != "begun":
        masks.add("episode or season", catalogue.discoverable())
    masks.add("disliked", ~(viewer.disliked | viewer.disliked[viewer.unit]))
    if admits == "fresh":
        masks.add("already watched", ~viewer.watched)
    if admits == "watched":
        masks.add("not watched yet", viewer.watched)
        masks.add("in progress", ~resumable(viewer))
    return masks


class TraceWriter:
    """Writes a `PageTrace` while a page is built."""

    def __init__(self, page: PageTrace, viewer: Viewer, kinds: Mapping[str, RowKind]) -> None:
        self.page, self.viewer, self.kinds = page, viewer, kinds
        self._rules: dict[str, Masks] = {}

    def row(self, row: int, shelf: Shelf, gain: float, board: Board, limit: int) -> None:
        """Note what the rules removed from a shelf, before its first tile is placed."""
        admits = self.kinds[shelf.kind].admits
        if admits not in self._rules:
            self._rules[admits] = rules(self.viewer, admits)
        masks = self._rules[admits]
        titles = np.unique(shelf.titles)
        permitted = titles[masks.permitted()[titles]]
        on_page = int(board.blocked(permitted, limit).sum())
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
                gain,
            )
        )

    def finish(self, stock: Stock, rows: list[Row]) -> None:
        """Add the number of tiles shown, and why other kinds are not on the page."""
        shown = {row.row: len(row.tiles) for row in rows}
        self.page.rows = [replace(row, shown=shown[row.row]) for row in self.page.rows]
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
