"""Pages of a decision server as a policy of the world: each visitor asks for their homepage over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec
import numpy as np

from matinee.errors import InputError, StorageError
from matinee.types import parse_at
from matinee.world.client import Client
from matinee.world.draws import Ints
from matinee.world.pages import NO_ARTWORK, Slates, Visits
from matinee.world.people import DEVICES
from matinee.world.titles import Titles

TITLE = re.compile(r"t(\d{5,})(-e\d+)?")
ARTWORK = re.compile(r"t\d{5,}-i(\d+)")
PAUSE_S, TRIES = 0.5, 60
"""A process of the server may be a moment behind with the clock: it is asked again, so often at most."""


class Tile(msgspec.Struct):
    """Of a reply, as far as the world looks at it."""

    col: int
    title_id: str
    artwork_id: str | None = None
    propensity: float = 1.0


class Row(msgspec.Struct):
    """Of a reply."""

    row: int
    tiles: list[Tile]


class Page(msgspec.Struct):
    """A reply."""

    decision_id: str
    at: str
    rows: list[Row]
    fallback: bool = False


@dataclass(slots=True)
class Shown:
    """The pages of one day.

    Attributes
    ----------
    member : ndarray of int64, shape (n,)
    slates : Slates
    decision_id : ndarray of str, shape (n,)
    fallbacks, empty : int
        Pages that the released model did not make; pages without a tile.
    unreadable : int
        Tiles that the world's members cannot use: not of this world, or in no language of theirs.
    """

    member: Ints
    slates: Slates
    decision_id: np.ndarray[tuple[int], np.dtype[np.str_]]
    fallbacks: int = 0
    empty: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class ServedPages:
    """A `PagePolicy` that asks a server.

    Parameters
    ----------
    client : Client
    titles : Titles
        Of the world.
    not_before_us : int
        A page of before was made by a process that does not know yet that it is another day.
    progress : callable, optional
        Called with the share of pages that are there, 0 to 1.

    Attributes
    ----------
    shown : Shown or None
        The pages of the last call.

    Notes
    -----
    An episode stands for its series, as everywhere in the world, and offers to go on with it. A tile that its
    member cannot use stays empty; the page's size is that of the world, whatever the server sends.
    """

    client: Client
    titles: Titles
    not_before_us: int = 0
    progress: Callable[[float], None] | None = None
    shown: Shown | None = field(default=None, init=False)

    def __call__(self, visits: Visits) -> Slates:
        """Ask for one page for each visit.

        Raises
        ------
        InputError, StorageError
            The server refuses, or does not answer; see `Client`.
        """
        pages = self.client.each(lambda i: self._page(visits, i), len(visits))
        self.shown = as_shown(pages, visits, self.titles)
        return self.shown.slates

    def _page(self, visits: Visits, i: int) -> Page:
        size = {"rows": visits.rows, "cols": visits.cols, "device": DEVICES[visits.device[i]]}
        path = f"/v1/members/m{visits.member[i]:06d}/homepage?{urlencode(size)}"
        for _ in range(TRIES):
            try:
                page = msgspec.json.decode(self.client.get(path), type=Page)
            except msgspec.MsgspecError as problem:
                raise InputError(
                    f"--server {self.client.address}: a homepage is not as expected ({problem}). Use the "
                    "same version of Matinee as the server."
                ) from problem
            if parse_at(page.at) >= self.not_before_us:
                if self.progress is not None and i % 50 == 0:
                    self.progress(i / len(visits))
                return page
            self.client.wait(PAUSE_S)
        raise StorageError(
            f"--server {self.client.address}: pages are of {page.at}, expected the next day. Are all of its "
            "processes alive? Run the command again."
        )


def as_shown(pages: list[Page], visits: Visits, titles: Titles) -> Shown:
    """Replies as `Slates`, one for each visit."""
    shape = (len(visits), visits.rows, visits.cols)
    title, artwork = np.full(shape, -1, np.int64), np.full(shape, NO_ARTWORK, np.int64)
    propensity, resumes = np.ones(shape), np.zeros(shape, np.bool_)
    unreadable = 0
    for v, page in enumerate(pages):
        may = visits.eligible[visits.segment[v]]
        for row in page.rows:
            for tile in row.tiles:
                if not (1 <= row.row <= visits.rows and 1 <= tile.col <= visits.cols):
                    continue
                named = TITLE.fullmatch(tile.title_id)
                t = int(named[1]) if named else len(titles)
                if t >= len(titles) or not may[t]:
                    unreadable += 1
                    continue
                place = v, row.row - 1, tile.col - 1
                title[place], resumes[place] = t, bool(named and named[2])
                propensity[place] = tile.propensity if 0 < tile.propensity <= 1 else 1.0
                image = ARTWORK.fullmatch(tile.artwork_id or "")
                if image and 1 <= int(image[1]) <= titles.n_artworks[t]:
                    artwork[place] = int(image[1]) - 1
    return Shown(
        visits.member,
        Slates(title, propensity, artwork, resumes=resumes),
        np.array([page.decision_id for page in pages], dtype=np.str_),
        fallbacks=sum(page.fallback for page in pages),
        empty=sum(not any(row.tiles for row in page.rows) for page in pages),
        unreadable=unreadable,
    )
