"""What all members with the same limits share: the allowed titles and the shelves over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.page import TitleState
from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf
from matinee.observe.catalogue.catalogue import Limits
from matinee.types import Index, Times


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
    """

    audience: Audience
    shelves: list[Shelf]
    kind_of: Times
    sizes: Times
    ptr: Times
    shelf_of: Index


def prepare_audience(
    titles: TitleState, limits: Limits, at_us: int, config: PageConfig, kinds: Mapping[str, RowKind]
) -> SharedShelves:
    """Compute the masks and shared shelves of one audience; O(catalogue), once per limits and moment."""
    catalogue = titles.catalogue
    allowed = catalogue.allowed(limits, at_us)
    allowed &= allowed[catalogue.unit()]
    shown = allowed & catalogue.discoverable()
    audience = Audience(titles, limits, at_us, config, allowed, shown)
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
    return SharedShelves(audience, shelves, np.array(kind_of, np.int64), sizes, ptr, of[order])
