"""The log of images: which one stood for a title, how probably, and whether the title was played well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.artwork.config import NAME, ArtworkConfig
from matinee.initiatives.artwork.features import Tastes, context_of, devices_of
from matinee.initiatives.artwork.learning import Portion
from matinee.initiatives.artwork.lift import Floats, Ints
from matinee.initiatives.artwork.log_sql import GRACE_H, WINDOW_H, impressions_sql
from matinee.initiatives.artwork.sets import Sets, read_sets
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.types import DAY_US, HOUR_US, Mask, Times, format_at

READS = (
    "outcomes", "decisions", "plays", "impressions", "signals", "titles", "members", "artwork", "pins",
    "availability", "outages",
)  # fmt: skip
"""Tables of the lake that are read here."""
_WHOLE = frozenset({"left_out", "sets"})
"""Attributes of a log that are not told for each impression."""


@dataclass(frozen=True, slots=True)
class ImageLog:
    """Impressions of tiles whose image was drawn at random, in the order of time.

    Attributes
    ----------
    member_id, artwork_id, title_id : ndarray of str, shape (n,)
    device, territory : ndarray of str, shape (n,)
        "" where not known.
    at_us : ndarray of int64, shape (n,)
        Of the page.
    row, col : ndarray of int64, shape (n,)
        From 1; 0 where not known.
    plays : ndarray of float64, shape (n,)
        1: a quality play of the title came of the tile.
    propensity : ndarray of float64, shape (n,)
        Above 0, below 1.
    n_images : ndarray of int64, shape (n,)
        At least 2.
    shares : ndarray of float64, shape (n, n_genres)
        Taste of the member as of the page.
    near : ndarray of int64, shape (n,)
        How near the title is to it.
    left_out : ndarray of int64, shape (3,)
        Impressions whose image was certain, whose propensity or number of images is not known, and of images
        that the catalogue does not have.
    sets : ndarray of str, shape (n_sets,)
    set_of : ndarray of int64, shape (n,)
        Which images could have stood there, as in `Sets`.
    """

    member_id: NDArray[np.str_]
    artwork_id: NDArray[np.str_]
    title_id: NDArray[np.str_]
    device: NDArray[np.str_]
    territory: NDArray[np.str_]
    at_us: Times
    row: Ints
    col: Ints
    plays: Floats
    propensity: Floats
    n_images: Ints
    shares: Floats
    near: Ints
    left_out: Ints
    sets: NDArray[np.str_]
    set_of: Ints

    def __len__(self) -> int:
        return len(self.at_us)

    @property
    def member(self) -> Ints:
        """Number of the member of each impression: what varies together."""
        return np.unique(self.member_id, return_inverse=True)[1].astype(np.int64)

    def rows(self, chosen: NDArray[np.bool_] | Ints) -> ImageLog:
        """Some of the impressions."""
        kept = {name: getattr(self, name)[chosen] for name in self.__slots__ if name not in _WHOLE}
        return ImageLog(**kept, left_out=self.left_out, sets=self.sets)

    def could(self, art: Artworks) -> Mask:
        """Images that could have stood on each tile, of its title's; shape (n, most images of a title)."""
        return Sets(self.sets, self.set_of).masks(art)

    def again(self, sticky_days: float) -> NDArray[np.bool_]:
        """Quality plays of a title that the member played within so many days before.

        The image was perhaps not drawn anew in between: members keep it.
        """
        out = np.zeros(len(self), np.bool_)
        last: dict[tuple[str, str], int] = {}
        plays = np.flatnonzero(self.plays > 0)
        who, what = self.member_id[plays].tolist(), self.title_id[plays].tolist()
        for i, one, at_us in zip(
            plays.tolist(), zip(who, what, strict=True), self.at_us[plays].tolist(), strict=True
        ):
            before = last.get(one)
            if before is not None and at_us - before < sticky_days * DAY_US:
                out[i] = True
            else:
                last[one] = at_us
        return out

    def portion(
        self, art: Artworks, usual: Floats, again: NDArray[np.bool_] | None = None
    ) -> tuple[Portion, NDArray[np.bool_]]:
        """As a learner reads it, and which impressions it holds: those of images that `art` has.

        Parameters
        ----------
        again : ndarray of bool, shape (n,), optional
            What `again` says of these impressions.
        """
        place = {str(one): i for i, one in enumerate(art.artwork_ids)}
        image = np.array([place.get(one, -1) for one in self.artwork_id.tolist()], np.int64)
        kept = image >= 0
        context = context_of(self.shares, devices_of(self.device.tolist())) - usual
        return Portion(
            image[kept], context[kept], self.row[kept], self.col[kept], self.near[kept], self.plays[kept],
            self.propensity[kept], self.n_images[kept], self.at_us[kept] / DAY_US,
            None if again is None else again[kept], self.could(art)[kept],
        ), kept  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write one file for each column."""
        save_arrays(folder, {}, **{name: getattr(self, name) for name in self.__slots__})

    @staticmethod
    def load(folder: Path) -> ImageLog:
        """Read what `save` wrote."""
        return ImageLog(**load_arrays(folder, dict[str, str])[1])


def read_image_log(
    home: Home, at_us: int, config: ArtworkConfig, tastes: Tastes | None = None, *, after_us: int = -1
) -> ImageLog:
    """Impressions whose outcome was final at a moment, from `outcomes`; else from the pages themselves.

    Parameters
    ----------
    tastes : Tastes, optional
        Columns of `shares`; default: those of the catalogue.
    after_us : int
        Only pages after this moment.

    Notes
    -----
    Pages under the names `[artwork] pages` and `page_log` are read. Those whose outcomes nobody joined (an
    imported log) are joined here by the decision that impressions and plays name. A play goes to the image
    that was on show when it came: where the page was given out again with another one, to that.
    """
    settled_us = at_us - round((WINDOW_H + GRACE_H) * HOUR_US)
    catalogue = load_catalogue(home, at_us)
    tastes = tastes or Tastes.of(catalogue)
    with spilling() as con:
        con.execute("SET threads = 1")
        moment = Moment(at_us, at_us)
        open_events(con, home, "outcomes", "decisions", "plays", "impressions", moment=moment)
        open_facts(con, home, "titles", at_us=at_us)
        found = con.execute(impressions_sql(config, after_us, settled_us)).fetchnumpy()
    rows = {name: np.ma.filled(column, _MISSING.get(name, 0)) for name, column in found.items()}
    log = interactions_from_home(home, until_us=at_us, catalogue=catalogue)
    row_of = {str(one): i for i, one in enumerate(log.member_ids)}
    place = {str(one): i for i, one in enumerate(catalogue.title_ids)}
    member_id, when = rows["member_id"].astype(np.str_), rows["at_us"].astype(np.int64)
    member = np.array([row_of.get(one, -1) for one in member_id.tolist()], np.int64)
    title = np.array([place.get(str(one), -1) for one in rows["title_id"]], np.int64)
    shares = tastes.shares_at(log.histories, member, when)
    propensity, n = rows["propensity"].astype(np.float64), rows["n_images"].astype(np.int64)
    known = (propensity > 0) & (propensity <= 1) & (n > 0)
    drawn = known & (propensity < 1) & (n > 1)
    every = ImageLog(
        member_id=member_id,
        artwork_id=rows["artwork_id"].astype(np.str_),
        title_id=rows["title_id"].astype(np.str_),
        device=rows["device"].astype(np.str_),
        territory=rows["territory"].astype(np.str_),
        at_us=when,
        row=rows["row"].astype(np.int64),
        col=rows["col"].astype(np.int64),
        plays=rows["plays"].astype(np.float64),
        propensity=propensity,
        n_images=n,
        shares=shares,
        near=tastes.nearness(shares, title),
        left_out=np.array([(known & ~drawn).sum(), (~known).sum(), 0], np.int64),
        sets=np.zeros(0, np.str_),
        set_of=np.full(len(when), -1, np.int64),
    )
    found_log = every.rows(drawn)
    names, title = np.unique(found_log.title_id, return_inverse=True)
    sets = read_sets(
        home, at_us, config.aspect, titles=title.astype(np.int64), ids=names.tolist(),
        shown=found_log.artwork_id, page_us=found_log.at_us, territory=found_log.territory,
        n_images=found_log.n_images,
    )  # fmt: skip
    return replace(found_log, sets=sets.ids, set_of=sets.of)


def check_enough(log: ImageLog, config: ArtworkConfig, at_us: int) -> None:
    """Refuse a log that is too short to learn from.

    Raises
    ------
    InputError
        It says how many impressions there are, and what to do.
    """
    if len(log) < config.min_impressions:
        certain, unknown = int(log.left_out[0]), int(log.left_out[1])
        raise InputError(
            f"{NAME}: {len(log):,} impressions until {format_at(at_us)} have an image that was drawn at "
            f"random and a final outcome ({certain:,} more were certain, {unknown:,} have no propensity), "
            f"expected {config.min_impressions:,} or more. Serve pages first: without a model {NAME} draws "
            "the images and logs how probable each was, and that fills the log; or import pages with images "
            "and propensities."
        )


_MISSING: dict[str, str | float] = {
    "device": "",
    "territory": "",
    "title_id": "",
    "propensity": 0.0,
    "n_images": 0,
}
