"""Which images could have stood on a tile when its page was made: what a logged propensity is relative to.

Of a title's images some wait for approval, have another shape, or are cleared elsewhere or at other times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.artwork.choosing import MOST
from matinee.initiatives.artwork.lift import Ints
from matinee.initiatives.artwork.probabilities import image_table
from matinee.observe.catalogue.artwork import TABLE, Artworks
from matinee.observe.catalogue.clearance import COLUMNS, Clearances
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.types import ALWAYS_US, Mask, Times

BETWEEN = "\x1f"
"""Between the ids of a set; no id holds it."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of images, each told once.

    Attributes
    ----------
    ids : ndarray of str, shape (n_sets,)
        Ids of the images of each set, joined by `BETWEEN`.
    of : ndarray of int64, shape (n,)
        Set of each impression; -1: it is not known.
    """

    ids: NDArray[np.str_]
    of: Ints

    def masks(self, art: Artworks) -> Mask:
        """The set of each impression, over the columns of `probabilities.image_table`; shape (n, width).

        All False where it is not known, or where `art` lacks one of its images.
        """
        place = {str(one): i for i, one in enumerate(art.artwork_ids.tolist())}
        first = np.repeat(art.indptr[:-1], np.diff(art.indptr))
        out = np.zeros((len(self.ids) + 1, image_table(art.indptr).shape[1]), np.bool_)
        for k, joined in enumerate(self.ids.tolist()):
            at = [place.get(one, -1) for one in joined.split(BETWEEN)]
            if min(at) >= 0:
                out[k, np.array(at) - first[at]] = True
        found: Mask = out[self.of]
        return found


def read_sets(
    home: Home, at_us: int, aspect: str, *, titles: Ints, ids: list[str], shown: NDArray[np.str_],
    page_us: Times, territory: NDArray[np.str_], n_images: Ints,
) -> Sets:  # fmt: skip
    """Sets of impressions, from the clearance that images had when their page was made.

    What was logged counts: a set that has another size than the logged number of images, or lacks the image
    on show, is not taken. Where the facts of that time give none (images that were registered after their
    pages, as of an imported log), it is all images of the title, of the shape of tiles or of any.

    Parameters
    ----------
    aspect : str
        Shape of the images on tiles; "" for any.
    titles : ndarray of int64, shape (n,)
        Position of each impression's title in `ids`.
    shown : ndarray of str, shape (n,)
        The image.
    page_us : ndarray of int64, shape (n,)
    territory : ndarray of str, shape (n,)
        "": not known.
    n_images : ndarray of int64, shape (n,)
    """
    known = _versions(home, at_us)
    where = {name: k for k, name in enumerate(np.unique(territory).tolist())}
    code = np.array([where[one] for one in territory.tolist()], np.int64)
    number: dict[str, int] = {}
    of = np.full(len(titles), -1, np.int64)
    order = np.argsort(titles, kind="stable")
    edges = np.flatnonzero(np.diff(titles[order], prepend=-1, append=-1))
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        rows = order[low:high]
        title = _Title.of(known.get(ids[int(titles[rows[0]])], []), aspect)
        key = np.stack([np.searchsorted(title.moments, page_us[rows], "right"), code[rows], n_images[rows]])
        _, first, which = np.unique(key, axis=1, return_index=True, return_inverse=True)
        for k, i in enumerate(rows[first].tolist()):
            found = title.set_of(int(page_us[i]), str(territory[i]) or None, int(n_images[i]))
            if found:
                inside = rows[which.ravel() == k]
                fits = np.isin(shown[inside], found)
                of[inside[fits]] = number.setdefault(BETWEEN.join(found), len(number))
    return Sets(np.array(list(number), np.str_), of)


@dataclass(frozen=True, slots=True)
class _Title:
    """Versions of the images of one title, ordered by image and time."""

    rows: list[Row]
    usable: Mask
    clearances: Clearances
    moments: Times

    @staticmethod
    def of(rows: list[Row], aspect: str) -> _Title:
        times = [row[name] for row in rows for name in ("from_us", "approved_us", "start_us", "end_us")]
        return _Title(
            rows,
            np.array([not aspect or row["aspect"] == aspect for row in rows], np.bool_),
            Clearances.from_rows(rows),
            np.unique(np.array([one for one in times if one is not None], np.int64)),
        )

    def set_of(self, at_us: int, territory: str | None, n: int) -> list[str]:
        """Ids of the images, in order; empty if none has the size that was logged."""
        held: dict[str, int] = {}
        for i, row in enumerate(self.rows):
            if row["artwork_id"] not in held or row["from_us"] <= at_us:
                held[row["artwork_id"]] = i
        at = np.array(list(held.values()), np.int64)
        cleared = self.clearances.cleared(at_us, territory)
        for mask in (cleared & self.usable, self.usable, np.ones(len(self.rows), np.bool_)):
            found = [str(self.rows[i]["artwork_id"]) for i in at[mask[at]].tolist()][:MOST]
            if len(found) == n:
                return found
        return []


def _versions(home: Home, at_us: int) -> dict[str, list[Row]]:
    """Title -> every version of its images until a moment; the first one of an image holds always."""
    home.check_readable([TABLE])
    files = read_manifest(home.lake).of(TABLE)
    if not files:
        return {}
    names = list(dict.fromkeys(["artwork_id", "title_id", "aspect", "from_us", *COLUMNS]))
    with connect(threads=1) as con:
        rows = con.execute(
            f"SELECT {', '.join(names)} FROM {parquet(home.lake, files)} "
            "QUALIFY row_number() OVER (PARTITION BY artwork_id, from_us ORDER BY batch DESC) = 1 "
            "ORDER BY artwork_id, from_us"
        ).fetchall()
    out: dict[str, list[Row]] = {}
    last = None
    for values in rows:
        row = dict(zip(names, values, strict=True))
        if row["artwork_id"] == last and row["from_us"] > at_us:
            continue
        if row["artwork_id"] != last:
            row["from_us"] = ALWAYS_US
        last = row["artwork_id"]
        out.setdefault(str(row["title_id"]), []).append(row)
    return out
