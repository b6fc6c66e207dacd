"""What all members with the same limits share: the allowed titles and the shelves over them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.page import TitleState
from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf
from matinee.observe.catalogue.catalogue import Limits
from matinee.types import Ids, Index, Times

UNIFORM_SHARE = 0.01
"""Part of the shares of plays that is the same for all titles, so that none has probability 0."""
TERRITORY_PRIOR = 200.0
"""Plays of the whole service that stand beside those of a territory."""


@dataclass(frozen=True, slots=True)
class SharedShelves:
    """An audience with its shelves, and the way from a title to the shelves that hold it.

    Attributes
    ----------
    audience : Audience
    shelves : list of Shelf
    kind_of : ndarray of int64, shape (n_shelves,)
        Position of each shelf's kind among the kinds.
    sizes : ndarray of int64, shape (n_shelves,)
        Titles of each shelf that the audience may see.
    ptr, shelf_of : ndarrays
        `shelf_of[ptr[t]:ptr[t + 1]]` are the shelves of title t.
    actions : str
        Name of the set of titles that the audience may be shown ("mask:<hash>"): equal sets, equal names.
    """

    audience: Audience
    shelves: list[Shelf]
    kind_of: Times
    sizes: Times
    ptr: Times
    shelf_of: Index
    actions: str


def prepare_audience(
    titles: TitleState, limits: Limits, at_us: int, config: PageConfig, kinds: Mapping[str, RowKind]
) -> SharedShelves:
    """Compute the masks and shared shelves of one audience; O(catalogue), once per limits and moment."""
    catalogue = titles.catalogue
    allowed = catalogue.allowed(limits, at_us, titles.played())
    allowed &= allowed[catalogue.unit()]
    shown = allowed & catalogue.discoverable()
    overall, prior = _shares_of_plays(titles, limits.territory)
    charts = np.argsort(-overall, kind="stable")
    lists = any(kind.admits == "listed" and config.most_rows(name) > 0 for name, kind in kinds.items())
    audience = Audience(titles, limits, at_us, config, allowed, shown, overall, prior, charts, lists)
    shelves: list[Shelf] = []
    members: list[Index] = []
    kind_of: list[int] = []
    for position, kind in enumerate(kinds.values()):
        for shelf in kind.shared(audience):
            permitted = shelf.titles[shown[shelf.titles]]
            if len(permitted):
                shelves.append(shelf)
                members.append(permitted)
                kind_of.append(position)
    sizes = np.array([len(m) for m in members], np.int64)
    flat = np.concatenate(members) if members else np.zeros(0, np.int32)
    of = np.repeat(np.arange(len(shelves), dtype=np.int32), sizes)
    order = np.argsort(flat, kind="stable")
    ptr = np.zeros(len(catalogue) + 1, np.int64)
    np.cumsum(np.bincount(flat, minlength=len(catalogue)), out=ptr[1:])
    actions = name_actions(catalogue.title_ids[allowed])
    return SharedShelves(audience, shelves, np.array(kind_of, np.int64), sizes, ptr, of[order], actions)


def name_actions(title_ids: Ids) -> str:
    """Name of a set of titles, whatever the catalogue that it was taken from.

    Examples
    --------
    >>> name_actions(np.array(["t1", "t2"], dtype=object))
    'mask:2181a8ece11835fb'
    """
    text = "\x1f".join(title_ids.tolist())
    return f"mask:{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _shares_of_plays(
    titles: TitleState, territory: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of each title in the plays of all members, and of those in the territory."""
    n = len(titles.catalogue)
    plays = np.maximum(titles.popularity.astype(np.float64), 0.0)
    total = plays.sum()
    overall = plays / total if total > 0 else np.full(n, 1.0 / max(n, 1))
    here = titles.territory_popularity.get(territory) if territory else None
    prior = overall
    if here is not None:
        plays = np.maximum(here.astype(np.float64), 0.0)
        prior = (plays + TERRITORY_PRIOR * overall) / (plays.sum() + TERRITORY_PRIOR)
    uniform = UNIFORM_SHARE / max(n, 1)
    return (1 - UNIFORM_SHARE) * overall + uniform, (1 - UNIFORM_SHARE) * prior + uniform
