"""What a kind of row is: where its titles come from, who may see it, in which order, and why.

To add a kind, put one file beside this one that ends with `ROW_KIND = MyRow()`. Nothing else changes.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.page import Intent, MemberState, TitleState
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.types import Index, Mask, Times

Admits = Literal["fresh", "listed", "watched", "begun"]
"""Which titles a row may show: not watched yet; the same with those that are kept for the member's list;
watched before; in progress (here also single episodes)."""
Ranker = Literal["next", "window", "given"]
"""Order inside a row: score of the next title, score of the coming weeks, or the P(play) of the shelf."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One possible row: a sentence and its candidates, before any rule of the page.

    Attributes
    ----------
    kind : str
        Name of the row kind.
    key : str
        Tells shelves of one kind apart ("Crime", "t17").
    reason : str
        The sentence above the row.
    titles : ndarray of int32
        Candidates, each once. The composer removes what the member may not see.
    play : ndarray of float64, or None
        P(play) of each candidate, where the kind knows better than the member's scores. Either all shelves
        of a kind have it or none.
    notes : dict of int to str
        Reason of single tiles, where it differs from the kind's.
    """

    kind: str
    key: str
    reason: str
    titles: Index
    play: NDArray[np.float64] | None = None
    notes: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audience:
    """All members with the same limits, at one moment: what row kinds prepare once and share.

    Attributes
    ----------
    titles : TitleState
    limits : Limits
    at_us : int
    config : PageConfig
    allowed : ndarray of bool, shape (n_titles,)
        The title and the series that it belongs to may be shown.
    shown : ndarray of bool, shape (n_titles,)
        `allowed`, and not an episode or season.
    overall, prior : ndarray of float64, shape (n_titles,)
        Share of each title in all plays, and in those of the territory: P(play) of somebody of whom nothing
        else is known. Above 0; each sums to 1.
    charts : ndarray of int64, shape (n_titles,)
        All titles by `overall`, the most played first.
    lists : bool
        Some kind of row admits "listed" titles.
    """

    titles: TitleState
    limits: Limits
    at_us: int
    config: PageConfig
    allowed: Mask
    shown: Mask
    overall: NDArray[np.float64]
    prior: NDArray[np.float64]
    charts: Times
    lists: bool = False

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the titles."""
        return self.titles.catalogue


@dataclass(frozen=True, slots=True)
class Viewer:
    """One member, with the masks and probabilities that follow from their state.

    Attributes
    ----------
    state : MemberState
    audience : Audience
    unit : ndarray of int32
        Series of each title, or the title itself.
    fresh : ndarray of bool, shape (n_titles,)
        Not watched, and may be shown.
    watched, disliked : ndarray of bool, shape (n_titles,)
    kept : ndarray of bool, shape (n_titles,), or None
        Fresh titles that no "fresh" row may show, since they stand in the row of the member's list. None:
        there are none.
    scores : dict of "next" and "window" to ndarray of float64, shape (n_titles,)
        The member's scores as probabilities above 0.
    play : ndarray of float64, shape (n_titles,)
        P(play): both scores blended.
    """

    state: MemberState
    audience: Audience
    unit: Index
    fresh: Mask
    watched: Mask
    disliked: Mask
    scores: Mapping[str, NDArray[np.float64]]
    play: NDArray[np.float64]
    kept: Mask | None = None


class RowKind(ABC):
    """A kind of row. A subclass overrides `shared`, `personal` or both.

    Attributes
    ----------
    name : str
        Stable: pins, quotas, logs and `pages.parquet` use it.
    intent : "discover", "continue" or "task"
        What a member does here.
    admits : "fresh", "listed", "watched" or "begun"
    ranker : "next", "window" or "given"
        Session rows take "next", taste rows "window". Shelves from `shared` take "window".
    tile_reason : str
        Why a tile is here, unless the shelf has a note for it.
    min_tiles : int or None
        Shortest row; None for the page's setting.
    worth : float
        Factor on the gain of the kind's rows; 1 for all that is personal.
    several : bool
        May stand more than once in the first rows of a page.
    stability_h : float
        Hours for which a member should find this row unchanged, in hours.
    """

    name: ClassVar[str]
    intent: ClassVar[Intent] = "discover"
    admits: ClassVar[Admits] = "fresh"
    ranker: ClassVar[Ranker] = "window"
    tile_reason: ClassVar[str]
    min_tiles: ClassVar[int | None] = None
    worth: ClassVar[float] = 1.0
    several: ClassVar[bool] = False
    stability_h: ClassVar[float] = 24.0

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """Shelves that have the same candidates for all members of an audience."""
        del audience
        return ()

    def personal(self, viewer: Viewer) -> Sequence[Shelf]:
        """Shelves of one member, best first."""
        del viewer
        return ()

    def exists_for(self, viewer: Viewer) -> bool:
        """Whether this member may get the kind's shelves at all."""
        del viewer
        return True
