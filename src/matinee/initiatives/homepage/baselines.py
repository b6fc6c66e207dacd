"""Other ways to make a homepage from the same scores: what a composed page has to beat.

Each is a page maker: a member goes in, a grid of titles comes out. All of them obey the masks (what the
member may be shown, nothing watched in discovery rows), so that only the making of the page differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.browsing import examine
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.page import MemberState
from matinee.initiatives.homepage.rows.base import Shelf, Viewer
from matinee.initiatives.homepage.stock import admitted, see
from matinee.types import Index

UNNAMED = "unnamed"
"""Kind of the rows of a page that has no row kinds."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A page as positions only.

    Attributes
    ----------
    titles : ndarray of int32, shape (rows, cols)
        Title indices; -1 is an empty place.
    kinds : list of str
        Kind of each row that has tiles.
    """

    titles: Index
    kinds: list[str]


class PageMaker(Protocol):
    """Makes the page of one member."""

    def __call__(self, member: MemberState) -> Grid:
        """The page."""
        ...


@dataclass(frozen=True, slots=True)
class ComposedPage:
    """Ours: rows chosen stage by stage, see `Composer`."""

    composer: Composer
    rows: int
    cols: int
    seed: int = 0

    def __call__(self, member: MemberState) -> Grid:
        """Compose."""
        page = self.composer.page(member, seed=self.seed, rows=self.rows, cols=self.cols)
        titles = np.full((self.rows, self.cols), -1, np.int32)
        for i, row in enumerate(page.rows):
            titles[i, : len(row.tiles)] = [tile.title for tile in row.tiles]
        return Grid(titles, [row.kind for row in page.rows])


@dataclass(frozen=True, slots=True)
class PopularityPage:
    """The most popular titles that the member has not watched, row after row, in one order for everybody."""

    composer: Composer
    rows: int
    cols: int

    def __call__(self, member: MemberState) -> Grid:
        """Chop the charts of the member's territory, else of the whole service."""
        titles = self.composer.titles
        popularity = titles.territory_popularity.get(member.here.territory or "", titles.popularity)
        return _chop(popularity, _look_at(self.composer, member), self.rows, self.cols)


@dataclass(frozen=True, slots=True)
class ChoppedRanker:
    """One personal ranking chopped into rows without names: relevance with no structure to pay for.

    `scores` says which: those of the coming weeks, of the next title, or the blend that the composed page
    uses as P(play). With `screen` the best titles fill so many rows and columns before the rest follows row
    by row: the strictest comparison for what is seen without a swipe.
    """

    composer: Composer
    rows: int
    cols: int
    scores: Literal["window", "next", "play"] = "play"
    screen: tuple[int, int] = (0, 0)

    def __call__(self, member: MemberState) -> Grid:
        """Chop."""
        viewer = _look_at(self.composer, member)
        by: dict[str, NDArray[np.floating]] = {
            "window": member.window_scores,
            "next": member.next_scores,
            "play": viewer.play,
        }
        return _chop(by[self.scores], viewer, self.rows, self.cols, self.screen)


@dataclass(frozen=True, slots=True)
class IndependentRows:
    """The same rows as ours, each judged by itself: ordered by the plays expected of its first tiles.

    What stands above is not considered, so a title that many rows hold stands in all of them.
    """

    composer: Composer
    rows: int
    cols: int

    def __call__(self, member: MemberState) -> Grid:
        """Rank the shelves by their own worth."""
        viewer, config = _look_at(self.composer, member), self.composer.config
        look = examine(1, self.cols, row_decay=1.0, col_decay=config.col_decay)[0]
        found: list[tuple[float, str, Index]] = []
        for shelf, ranker in self._shelves(viewer):
            kind = self.composer.kinds[shelf.kind]
            keep = admitted(viewer, kind.admits)[shelf.titles]
            tiles = shelf.titles[keep]
            play = viewer.play[tiles] if shelf.play is None else shelf.play[keep]
            least = config.min_tiles if kind.min_tiles is None else kind.min_tiles
            if len(tiles) < max(1, min(self.cols, least)):
                continue
            if shelf.play is not None:
                order = np.argsort(-play, kind="stable")[: self.cols]
            elif ranker == "given":
                order = np.arange(min(self.cols, len(tiles)))
            else:
                scores = member.next_scores if ranker == "next" else member.window_scores
                order = np.lexsort((-play, -scores[tiles]))[: self.cols]
            found.append((float((play[order] * look[: len(order)]).sum()), shelf.kind, tiles[order]))
        found.sort(key=lambda row: -row[0])
        titles = np.full((self.rows, self.cols), -1, np.int32)
        for row, (_, _, tiles) in enumerate(found[: self.rows]):
            titles[row, : len(tiles)] = tiles
        return Grid(titles, [kind for _, kind, _ in found[: self.rows]])

    def _shelves(self, viewer: Viewer) -> Iterator[tuple[Shelf, str]]:
        """All shelves that the member may get, each with its ranker."""
        kinds = {name: kind for name, kind in self.composer.kinds.items() if kind.exists_for(viewer)}
        for shelf in self.composer.audience(viewer.state.here).shelves:
            if shelf.kind in kinds:
                yield shelf, "window"
        for kind in kinds.values():
            for shelf in kind.personal(viewer):
                yield shelf, kind.ranker


def _look_at(composer: Composer, member: MemberState) -> Viewer:
    return see(member, composer.audience(member.here), composer.unit)


def _chop(
    scores: NDArray[np.floating], viewer: Viewer, rows: int, cols: int, screen: tuple[int, int] = (0, 0)
) -> Grid:
    """The best permitted titles: on the screen first, then row after row."""
    fresh = np.flatnonzero(viewer.fresh)
    best = fresh[np.argsort(-scores[fresh], kind="stable")][: rows * cols]
    row, col = np.divmod(np.arange(rows * cols), cols)
    order = np.argsort((row >= screen[0]) | (col >= screen[1]), kind="stable")
    titles = np.full(rows * cols, -1, np.int32)
    titles[order[: len(best)]] = best
    used = int(row[order[: len(best)]].max(initial=-1)) + 1
    return Grid(titles.reshape(rows, cols), [UNNAMED] * used)
