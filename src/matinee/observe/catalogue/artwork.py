"""The images that may stand for titles, as arrays: what they show, and which of them are cleared."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.observe.catalogue.artwork_tags import VOCABULARY, tag_places
from matinee.observe.catalogue.clearance import COLUMNS, Clearances, restricted
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_facts
from matinee.types import Ids, Index, Mask, Times

TABLE = "artwork"
FOLDER = "artwork"
"""Of a home; it holds the files, each named by its content."""
ASPECTS: dict[str, float] = {"2:3": 2 / 3, "16:9": 16 / 9, "1:1": 1.0, "4:3": 4 / 3}
"""Shapes in use -> width divided by height."""

SHOWN = ("artwork_id", "title_id", "file", "format", "aspect", "language", "tags", "is_default")


@dataclass(frozen=True, slots=True)
class Artworks:
    """Every image that was known at a moment, ordered by title and id.

    Attributes
    ----------
    artwork_ids, title_ids : ndarray of object (str), shape (n,)
        Of each image.
    titles : ndarray of object (str), shape (n_titles,)
        Titles that have an image, in the order of their ids.
    indptr : ndarray of int64, shape (n_titles + 1,)
        Images of title t are `indptr[t]` to `indptr[t + 1]` (excluded).
    files, formats, aspects : ndarray of object (str), shape (n,)
        Files are names below HOME/artwork/.
    languages : ndarray of object (str or None), shape (n,)
        Of the text in the image; None: it has none.
    tags : ndarray of bool, shape (n, n_tags)
        Columns as in `artwork_tags.VOCABULARY`.
    embedding : ndarray of float32, shape (n, d), or None
        Rows of images without one are 0. None: no image has one.
    is_default : ndarray of bool, shape (n,)
        Marked as the image to show when nothing was chosen.
    clearances : Clearances
    """

    artwork_ids: Ids
    title_ids: Ids
    titles: Ids
    indptr: Times
    files: Ids
    formats: Ids
    aspects: Ids
    languages: Ids
    tags: Mask
    embedding: NDArray[np.float32] | None
    is_default: Mask
    clearances: Clearances

    def __len__(self) -> int:
        return len(self.artwork_ids)

    @staticmethod
    def load(home: Home, at_us: int | None = None) -> Artworks:
        """Images of a home as they were known at a moment (None: now, whatever the clock says).

        An image that was withdrawn later counts as it stood then; servers look at `ClearanceWatch` besides.

        Raises
        ------
        ConfigError
            `home` is limited to other tables.
        StorageError
            The lake cannot be read.
        """
        with connect(threads=1) as con:
            if not open_facts(con, home, TABLE, at_us=at_us)[TABLE]:
                return Artworks.from_rows([])
            names = list(dict.fromkeys([*SHOWN, *COLUMNS]))
            found = con.execute(f"SELECT {', '.join(names)} FROM {TABLE} ORDER BY title_id, artwork_id")
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            return Artworks._of(rows, _embedding(con))

    @staticmethod
    def from_rows(rows: Sequence[Mapping[str, Any]]) -> Artworks:
        """Of mappings with the columns of the table `artwork`, in any order; missing ones are NULL.

        Examples
        --------
        >>> art = Artworks.from_rows([
        ...     {"artwork_id": "b", "title_id": "t1", "approved_by": "ada", "approved_us": 2},
        ...     {"artwork_id": "a", "title_id": "t1", "approved_by": "ada", "approved_us": 5},
        ... ])
        >>> art.artwork_ids.tolist(), art.cleared(3, "NL").tolist()
        (['a', 'b'], [False, True])
        >>> art.artwork_ids[art.defaults(7, "NL")].tolist()
        ['b']
        """
        ordered = sorted(rows, key=lambda row: (row["title_id"], row["artwork_id"]))
        given = [row.get("embedding") for row in ordered]
        return Artworks._of(ordered, _dense([np.asarray(one or (), np.float32) for one in given]))

    @staticmethod
    def _of(rows: Sequence[Mapping[str, Any]], embedding: NDArray[np.float32] | None) -> Artworks:
        """Of rows that are ordered."""

        def column(name: str) -> Ids:
            out = np.full(len(rows), None, dtype=object)
            out[:] = [row.get(name) for row in rows]
            return out

        title_ids = _shared(column("title_id"))
        starts = [i for i in range(len(rows)) if i == 0 or title_ids[i] != title_ids[i - 1]]
        tags = np.zeros((len(rows), len(VOCABULARY)), np.bool_)
        for i, row in enumerate(rows):
            tags[i, tag_places(row.get("tags") or ())] = True
        return Artworks(
            artwork_ids=_shared(column("artwork_id")),
            title_ids=title_ids,
            titles=title_ids[starts],
            indptr=np.array([*starts, len(rows)], np.int64),
            files=column("file"),
            formats=column("format"),
            aspects=column("aspect"),
            languages=column("language"),
            tags=tags,
            embedding=embedding,
            is_default=np.array([bool(row.get("is_default")) for row in rows], np.bool_),
            clearances=Clearances.from_rows(rows),
        )

    def cleared(self, at_us: int, territory: str | None, *, withdrawn: Collection[str] = ()) -> Mask:
        """Images that may be shown at a moment in a territory.

        Parameters
        ----------
        territory : str or None
            None: it is not known; only images that are cleared everywhere.
        withdrawn : collection of str
            Ids that were withdrawn since these facts were read (`ClearanceWatch`).

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return restricted(self.clearances.cleared(at_us, territory), self.artwork_ids.tolist(), withdrawn)

    def defaults(self, at_us: int, territory: str | None, *, usable: Mask | None = None) -> Index:
        """The image to show for each title when nothing was chosen: the one marked, else the oldest.

        The oldest is the one that was approved first. An image that is not cleared is never the default.

        Parameters
        ----------
        usable : ndarray of bool, shape (n,), optional
            Only among these, as those of one aspect: `art.aspects == "16:9"`.

        Returns
        -------
        ndarray of int32, shape (n_titles,)
            Positions of images; -1 for a title without a cleared one.
        """
        able = self.cleared(at_us, territory)
        if usable is not None:
            able = able & usable
        out = np.full(len(self.titles), -1, np.int32)
        places = np.flatnonzero(able)
        if not len(places):
            return out
        title = np.searchsorted(self.indptr, places, side="right") - 1
        order = np.lexsort((places, self.clearances.approved_us[places], ~self.is_default[places], title))
        title, places = title[order], places[order]
        first = np.concatenate([[True], title[1:] != title[:-1]])
        out[title[first]] = places[first]
        return out

    def of_title(self, title_id: str) -> range:
        """Positions of a title's images; empty for a title without any."""
        place = int(np.searchsorted(self.titles, title_id)) if len(self.titles) else 0
        if place == len(self.titles) or self.titles[place] != title_id:
            return range(0)
        return range(int(self.indptr[place]), int(self.indptr[place + 1]))

    def positions(self, catalogue_ids: Ids) -> Index:
        """Position of each image's title among the ids of a catalogue, -1 for an unknown one; shape (n,)."""
        where = {title_id: i for i, title_id in enumerate(catalogue_ids.tolist())}
        return np.array([where.get(title_id, -1) for title_id in self.title_ids.tolist()], np.int32)


def _embedding(con: duckdb.DuckDBPyConnection) -> NDArray[np.float32] | None:
    """Embeddings of the view `artwork` in the order of title and id; read as one column of numbers."""
    lengths = con.execute(
        f"SELECT coalesce(len(embedding), 0)::BIGINT AS n FROM {TABLE} ORDER BY title_id, artwork_id"
    ).fetchnumpy()["n"]
    if not lengths.any():
        return None
    flat = con.execute(
        f"SELECT unnest(embedding)::FLOAT AS x FROM (SELECT embedding FROM {TABLE} "
        "ORDER BY title_id, artwork_id)"
    ).fetchnumpy()["x"]
    return _dense(np.split(np.asarray(flat, np.float32), np.cumsum(lengths)[:-1]))


def _shared(ids: Ids) -> Ids:
    """The same texts, as the one object that a process has of each: a page looks them up in many tables."""
    return np.array([sys.intern(one) for one in ids], dtype=object)


def _dense(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """One matrix; rows of another length than the most frequent one count as missing."""
    lengths = [len(row) for row in rows if len(row)]
    if not lengths:
        return None
    width = max(set(lengths), key=lambda n: (lengths.count(n), n))
    out = np.zeros((len(rows), width), np.float32)
    for i, row in enumerate(rows):
        if len(row) == width:
            out[i] = row
    return out
