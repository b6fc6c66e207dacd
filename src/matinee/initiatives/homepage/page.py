"""What the composer reads (titles, a member) and what it makes (a page of rows of tiles)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.observe.play_rates import PlayRates
from matinee.types import Index, Mask, Scores, Times

Intent = Literal["discover", "continue", "task"]
NO_ELIGIBLE_TITLE = "no_eligible_title"


@dataclass(frozen=True, slots=True)
class TitleState:
    """What is the same for all members: the catalogue and what a release knows about each title.

    Attributes
    ----------
    catalogue : Catalogue
    popularity : ndarray of float32, shape (n_titles,)
        Time-decayed number of members who watched it.
    trending : ndarray of float32, shape (n_titles,)
        Recent watching against what popularity leads to expect; higher is rising.
    territory_popularity : mapping of territory to ndarray of float32, shape (n_titles,)
    vectors : ndarray of float32, shape (n_titles, d)
        Unit rows; the inner product says how alike two titles are. Used for diversity.
    neighbours : ndarray of int32, shape (n_titles, k)
        Most similar titles, best first; -1 where there are fewer than k.
    neighbour_scores : ndarray of float32, shape (n_titles, k)
    rates : PlayRates
        How often members resume, play from their list and watch again.
    """

    catalogue: Catalogue
    popularity: Scores
    trending: Scores
    territory_popularity: Mapping[str, Scores]
    vectors: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    neighbour_scores: NDArray[np.float32]
    rates: PlayRates = field(default_factory=PlayRates)

    def played(self) -> Mask:
        """Titles that somebody has watched, shape (n_titles,)."""
        return np.asarray(self.popularity > 0, np.bool_)


@dataclass(frozen=True, slots=True)
class MemberState:
    """What is known about one member at the moment of the page.

    Attributes
    ----------
    history : ndarray of int32
        Titles watched (series for episodes), oldest first; may repeat.
    history_at_us : ndarray of int64
    history_weight : ndarray of float32
        How much each was liked, 0 to 1; a quality play has at least 0.7.
    next_scores, window_scores : ndarray of float32, shape (n_titles,)
        Probability-like scores (non-negative, summing to about 1 over the catalogue) that the title is
        played next, and within the coming weeks.
    in_progress : ndarray of int32
        Titles begun and not finished (the next episode for series), latest first.
    in_progress_share : ndarray of float32
        Share already watched, 0 to 1.
    my_list, disliked : ndarray of int32
        Titles on the list (latest first), and titles thumbed down.
    last_territory : str or None
        Where the latest play was, if plays say so. Counts only where `limits` have no territory.
    """

    member_id: str
    limits: Limits
    history: Index
    history_at_us: Times
    history_weight: Scores
    next_scores: Scores
    window_scores: Scores
    in_progress: Index = field(default_factory=lambda: np.zeros(0, np.int32))
    in_progress_share: Scores = field(default_factory=lambda: np.zeros(0, np.float32))
    my_list: Index = field(default_factory=lambda: np.zeros(0, np.int32))
    disliked: Index = field(default_factory=lambda: np.zeros(0, np.int32))
    last_territory: str | None = None

    @property
    def here(self) -> Limits:
        """The limits where the member is: without a stored (or asked) territory, that of the latest play."""
        return self.limits.located(self.last_territory)


class Tile(msgspec.Struct, frozen=True, gc=False):
    """A title in a row. `col` starts at 1; `n_permitted` is how many titles an explored slot was drawn from.

    A struct, not a dataclass: a full page makes 1,600 of them, and a frozen dataclass takes 7 times as
    long. It holds no containers, so the garbage collector need not visit it.
    """

    col: int
    title: int
    title_id: str
    reason: str
    propensity: float = 1.0
    explored: bool = False
    artwork_id: str | None = None
    n_permitted: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An ordered shelf. `row` starts at 1; `reason` stands above it; `key` is that of its shelf."""

    row: int
    kind: str
    intent: Intent
    reason: str
    tiles: list[Tile]
    key: str = ""


@dataclass(frozen=True, slots=True)
class ExploredSlot:
    """A slot that was drawn: all titles that could have stood there, with their probabilities (sum 1)."""

    row: int
    col: int
    title: int
    titles: Index
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Page:
    """A composed homepage.

    `unmet` names each constraint that could not be kept (a pin of a masked title, a quota without
    candidates). `reason` is set only when there are no rows. `drawn` holds what each explored slot was drawn
    from.
    """

    member_id: str
    at_us: int
    rows: list[Row]
    unmet: list[str] = field(default_factory=list)
    reason: str | None = None
    drawn: list[ExploredSlot] = field(default_factory=list, compare=False)
