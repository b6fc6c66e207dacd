"""Builds one page stage by stage: choose a row, place the tiles that are seen first, then the rest.

Rows are built in bands of one viewport. At the top of the page all rows of a band get their visible tiles
first, so that a title stands in the first columns of the third row rather than in the tenth column of the
first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from matinee.decide.policy import Policy
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.choose import RowChooser, wish_of
from matinee.initiatives.homepage.kernels import collect, fill
from matinee.initiatives.homepage.page import ExploredSlot, Intent, Row, Tile
from matinee.initiatives.homepage.pins import EDITORIAL, PinPlan
from matinee.initiatives.homepage.reckoning import Filling, before_filling, single, weigh
from matinee.initiatives.homepage.rows.base import RowKind
from matinee.initiatives.homepage.stock import Stock, admitted
from matinee.initiatives.homepage.trace import PageTrace, TraceWriter
from matinee.types import Index, Times

POOL_FACTOR, POOL_EXTRA = 3, 8
"""Candidates that compete for k places under diversity and calibration: 3 k + 8."""
EXPLORED = "Something different: we would like to know whether it fits"


@dataclass(slots=True)
class Draft:
    """A row that is being built. `shelf` is -1 for a row of pins only; a free place holds -1."""

    row: int
    kind: str
    reason: str
    shelf: int
    limit: int
    gain: float
    places: Index
    pinned: dict[int, int] = field(default_factory=dict)
    drawn: dict[int, tuple[float, int]] = field(default_factory=dict)


class PageBuilder:
    """One page while it grows.

    Parameters
    ----------
    stock : Stock
        All permitted candidates of the member.
    kinds : mapping of str to RowKind
    plan : PinPlan
    board : Board
        Empty; decides the size of the page.
    policy : Policy
        Draws the explored slots, from log P(play).
    rng : function without arguments that returns a numpy Generator
        Makes the member's own stream; called when something is drawn.
    trace : PageTrace, optional
        Filled if given; costs about as much time as the page.
    above : sequence of Row
        Rows that stand already; the page grows below them.
    """

    def __init__(
        self,
        stock: Stock,
        kinds: Mapping[str, RowKind],
        plan: PinPlan,
        board: Board,
        *,
        policy: Policy,
        rng: Callable[[], np.random.Generator],
        trace: PageTrace | None = None,
        above: Sequence[Row] = (),
    ) -> None:
        self.stock, self.kinds, self.plan, self.board = stock, kinds, plan, board
        self.policy, self.rng = policy, rng
        self.config = stock.viewer.audience.config
        self.titles = stock.viewer.audience.titles
        self.chooser = RowChooser(stock, kinds, plan, board)
        self.trace = None if trace is None else TraceWriter(trace, stock.viewer, kinds)
        self.unmet: list[str] = list(plan.unmet)
        self.drawn: list[ExploredSlot] = []
        self._wish = wish_of(self.config)
        self._n_drawn = 0
        self._stream: np.random.Generator | None = None
        self._above = above
        for row in above:
            self._stands(row)
        board.reserved[list(plan.title_at.values())] = True

    def draw_nothing(self) -> None:
        """Leave no slot to chance."""
        self._n_drawn = self.config.explore_slots

    def build(self) -> list[Row]:
        """All rows below those that stand; without such rows empty only when no title is eligible."""
        drafts: list[Draft] = []
        high, done = self.config.viewport_rows, len(self._above)
        while done < self.board.rows:
            bottom = min((done // high + 1) * high, self.board.rows)
            drafts += self._band(done + 1, bottom)
            done = len(self._above) + len(drafts)
            if done < bottom:
                break
        if not drafts and not self._above:
            drafts = self._last_resort()
        rows = [self._finish(draft) for draft in drafts]
        head = [row.kind for row in [*self._above, *rows][: self.config.head_rows]]
        known = len(self._above) >= self.config.head_rows  # what the first rows lack was said with them
        self.chooser.report(len(self._above) + len(rows), [] if known else head)
        self.unmet += self.chooser.unmet
        if self.trace is not None:
            self.trace.finish(self.stock, rows)
        return rows

    def _stands(self, row: Row) -> None:
        """Take in a row that was built before: its titles, its genres, its kind and what was drawn in it."""
        kind, tiles = self.kinds.get(row.kind), [tile for tile in row.tiles if tile.title >= 0]
        cols = [min(tile.col, self.board.cols) for tile in tiles]
        self.board.place(np.array([t.title for t in tiles], np.int32), row.row, np.array(cols, np.int64))
        chosen = kind is not None and kind.ranker != "given"
        for tile, col in zip(tiles, cols, strict=True):
            self._n_drawn += tile.explored
            if tile.explored or (chosen and tile.col <= self.config.diverse_cols):
                self.board.count_in_mix(tile.title, row.row, col)
        self.chooser.stands(row.kind, row.reason)

    def _band(self, top: int, bottom: int) -> list[Draft]:
        """Rows top to bottom, or fewer. Below the first rows of a page each row is filled at once."""
        drafts: list[Draft] = []
        seen = min(self.config.visible_cols, self.board.cols)
        first = seen if top <= self.config.head_rows else self.board.cols
        for row in range(top, bottom + 1):
            draft = self._start(row)
            if draft is None:
                break
            self._fill(draft, 0, first)
            drafts.append(draft)
        for draft in drafts:
            self._fill(draft, first, self.board.cols)
        return drafts

    def _start(self, row: int) -> Draft | None:
        """Choose what the row is and put its pinned titles in place."""
        kind = self.plan.kind_at.get(row)
        if kind == EDITORIAL:
            self.chooser.counts[EDITORIAL] += 1
            return self._with_pins(self._editors_row(row))
        ordered = None if kind is None else self.chooser.pinned(row, kind)
        choice = ordered or self.chooser.free(row)
        if choice is None:
            return self._rest_of_pins(row)
        shelf = self.stock.shelves[choice.shelf]
        if self.trace is not None:
            second = self.chooser.runner_up(row, choice)
            self.trace.row(row, choice, second, self.stock, self.board, ordered=ordered is not None)
        self.chooser.take(choice.shelf)
        draft = Draft(row, shelf.kind, shelf.reason, choice.shelf, choice.limit, choice.gain, self._empty())
        return self._with_pins(draft)

    def _empty(self) -> Index:
        return np.full(self.board.cols, -1, np.int32)

    def _editors_row(self, row: int) -> Draft:
        return Draft(row, EDITORIAL, "Chosen by our editors", -1, 0, 0.0, self._empty())

    def _with_pins(self, draft: Draft) -> Draft:
        for col, title in self.plan.in_row(draft.row).items():
            self._pin(draft, col, title)
        return draft

    def _pin(self, draft: Draft, col: int, title: int) -> None:
        draft.places[col - 1] = title
        draft.pinned[title] = col
        self._weigh_single(title, draft.row, col)
        self._remember(title, draft.row, col)
        self.board.count_in_mix(title, draft.row, col)
        self.board.reserved[title] = any(
            other == title and row > draft.row for (row, _), other in self.plan.title_at.items()
        )

    def _rest_of_pins(self, row: int) -> Draft | None:
        """No shelf can follow: titles that are pinned further down move up into one editors' row."""
        rest = {place: t for place, t in sorted(self.plan.title_at.items()) if place[0] >= row}
        if not rest:
            return None
        for place in rest:
            del self.plan.title_at[place]
        for later in [r for r, kind in self.plan.kind_at.items() if kind == EDITORIAL and r >= row]:
            del self.plan.kind_at[later]
            pins = self.titles.catalogue.pins
            if any(pin.row == later and pin.row_kind == EDITORIAL for pin in pins):
                self.unmet.append(f'pin row {later} kind "{EDITORIAL}": the page ends before it')
        may_stand = self.chooser.may_add(EDITORIAL, row)
        draft = self._editors_row(row)
        col = 0
        for (pin_row, pin_col), title in rest.items():
            near = (
                self.board.last_row[title] > 0
                and self.board.last_row[title] > row - self.config.viewport_rows
            )
            self.board.reserved[title] = False
            what = f'pin row {pin_row} col {pin_col} title "{self.stock.title_id(title)}"'
            if may_stand and not near and col < self.board.cols:
                col += 1
                self._pin(draft, col, title)
                draft.pinned[title] = -1
                if (row, col) != (pin_row, pin_col):
                    self.unmet.append(f"{what}: no row for it, it stands at row {row} col {col}")
            else:
                self.unmet.append(f"{what}: the page ends at row {row - 1}")
        if not col:
            return self._start(row)
        self.chooser.counts[EDITORIAL] += 1
        return draft

    def _fill(self, draft: Draft, first: int, stop: int) -> None:
        """Fill the free places first + 1 to stop of a row: the drawn slot, then the others in one pass."""
        if draft.shelf < 0 or first >= stop:
            return
        self._draw(draft, first, stop)
        cols = np.arange(first + 1, stop + 1)
        if draft.pinned or draft.drawn:
            cols = cols[draft.places[first:stop] < 0]
            given = draft.places[draft.places >= 0]
        else:
            given = draft.places[:first]
        if len(cols) and (first == 0 or draft.places[first - 1] >= 0):
            titles = self._choose_titles(draft, cols, given)
            draft.places[cols[: len(titles)] - 1] = titles

    def _choose_titles(self, draft: Draft, cols: Times, given: Index) -> Index:
        """Titles for free places, placed on the board; fewer only if the shelf has no more."""
        stock, board, config, s = self.stock, self.board, self.config, draft.shelf
        kind = self.kinds[draft.kind]
        shared = s < stock.n_shared_shelves
        careful = 0 if kind.ranker == "given" else int(np.searchsorted(cols, config.diverse_cols, "right"))
        ranker = "next" if kind.ranker == "next" and not shared else "window"
        pool = POOL_FACTOR * careful + POOL_EXTRA
        filling = None
        if self.trace is not None:
            filling = before_filling(
                stock,
                board,
                s,
                row=draft.row,
                limit=draft.limit,
                cols=cols,
                careful=careful,
                given=given,
                pool=pool,
                ranker=ranker,
            )
        titles: Index = fill(
            stock.shelving,
            s,
            board.placed,
            draft.limit,
            draft.row,
            cols,
            careful,
            pool,
            stock.viewer.scores[ranker],
            given,
            config.diverse_cols,
            self.titles.vectors,
            self._wish,
            board.mix,
            board.look[draft.row - 1],
        )
        if filling is not None:
            self._weigh(filling, titles)
        if len(titles) < len(cols) and shared and not stock.all_dealt:
            stock.deal_rest()
            more = self._choose_titles(draft, cols[len(titles) :], np.concatenate([given, titles]))
            titles = np.concatenate([titles, more])
        return titles

    def _weigh(self, filling: Filling, titles: Index) -> None:
        """Note what the tiles weighed that have just been chosen."""
        if self.trace is not None:
            found = weigh(
                filling, titles, self.board, self._wish, self.titles.vectors, self.config.diverse_cols
            )
            self.trace.weighed(filling.row, titles.tolist(), found)

    def _weigh_single(self, title: int, row: int, col: int) -> None:
        """Note what a pinned or drawn tile is worth, before it is placed."""
        if self.trace is not None:
            self.trace.weighed(row, [title], [single(self.stock, self.board, title, row, col)])

    def _collect(self, draft: Draft, k: int) -> Index:
        """The k best dealt titles of the row's shelf that may be placed."""
        board = self.board
        titles: Index = collect(self.stock.shelving, draft.shelf, board.placed, draft.limit, k)
        return titles

    def _remember(self, title: int, row: int, col: int) -> None:
        self.board.place(np.array([title], np.int32), row, np.array([col]))

    def _draw(self, draft: Draft, first: int, stop: int) -> None:
        """Draw the explored slot of a row, if it is due here."""
        config = self.config
        col = min(config.explore_col, self.board.cols)
        due = self._n_drawn < config.explore_slots and draft.row >= config.explore_row
        if not due or not first < col <= stop or draft.places[col - 1] >= 0:
            return
        if self.kinds[draft.kind].intent != "discover":
            return
        pool = self._collect(draft, config.explore_pool)
        if len(pool) < 2:
            return
        scores = np.log(self.stock.viewer.play[pool]).astype(np.float32)
        permitted = np.ones(len(pool), np.bool_)
        self._stream = self._stream or self.rng()
        drawn = self.policy.choose(scores, permitted, self._stream)
        title = int(pool[drawn.action])
        self._n_drawn += 1
        draft.places[col - 1] = title
        draft.drawn[title] = drawn.propensity, len(pool)
        self._weigh_single(title, draft.row, col)
        self._remember(title, draft.row, col)
        self.board.count_in_mix(title, draft.row, col)
        p = self.policy.probabilities(scores, permitted)
        self.drawn.append(ExploredSlot(draft.row, col, title, pool, p))
        if self.trace is not None:
            self.trace.page.explored.append(self.drawn[-1])

    def _last_resort(self) -> list[Draft]:
        """A page that would be empty shows one row of whatever may be shown, watched or not."""
        viewer = self.stock.viewer
        fresh = self.stock.fresh_order()
        if len(fresh):
            kind, reason, titles = "popular", "Popular on the service", fresh
        else:
            kind, reason = "watch_again", "Watch again"
            titles = np.flatnonzero(admitted(viewer, "watched"))
            titles = titles[np.argsort(-viewer.play[titles], kind="stable")]
        if not len(titles):
            begun = viewer.state.in_progress
            kind, reason = "continue_watching", "Continue watching"
            titles = np.unique(begun[admitted(viewer, "begun")[begun]])
        if not len(titles):
            return []
        places = self._empty()
        places[: len(titles)] = titles[: self.board.cols]
        self.chooser.counts[kind] += 1
        if kind in self.chooser.max_rows:
            self.unmet.append(
                f'quota "{kind}" max_rows {self.chooser.max_rows[kind]}: the page would be empty'
            )
        return [Draft(1, kind, reason, -1, 0, 0.0, places)]

    def _finish(self, draft: Draft) -> Row:
        """Turn a draft into a row; places that stayed free are closed."""
        kind = self.kinds.get(draft.kind)
        intent: Intent = "discover" if kind is None else kind.intent
        usual = draft.reason if kind is None else kind.tile_reason
        notes = self.stock.shelves[draft.shelf].notes if draft.shelf >= 0 else {}
        key = self.stock.shelves[draft.shelf].key if draft.shelf >= 0 else ""
        ids = self.stock.viewer.audience.catalogue.title_ids
        shown = draft.places[draft.places >= 0]
        titles, names = shown.tolist(), ids[shown].tolist()
        tiles: list[Tile] = []
        if not (notes or draft.pinned or draft.drawn):
            tiles = list(map(Tile, range(1, len(titles) + 1), titles, names, repeat(usual)))
            return Row(draft.row, draft.kind, intent, draft.reason, tiles, key)
        for title in titles:
            col = len(tiles) + 1
            if title in draft.pinned:
                tiles.append(Tile(col, title, ids[title], self.kinds[EDITORIAL].tile_reason))
                self._report_moved(draft, title, col)
            elif title in draft.drawn:
                p, n = draft.drawn[title]
                tiles.append(Tile(col, title, ids[title], EXPLORED, p, True, n_permitted=n))
            else:
                tiles.append(Tile(col, title, ids[title], notes.get(title, usual)))
        return Row(draft.row, draft.kind, intent, draft.reason, tiles, key)

    def _report_moved(self, draft: Draft, title: int, col: int) -> None:
        wanted = draft.pinned[title]
        if wanted not in {-1, col}:
            self.unmet.append(
                f'pin row {draft.row} col {wanted} title "{self.stock.title_id(title)}": the row has too few '
                f"titles, it stands at col {col}"
            )
