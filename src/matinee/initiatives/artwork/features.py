"""What is known of members and of images, as numbers: taste in genres and device; tags and embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.artwork.lift import Floats, Images, Ints
from matinee.learn.interactions import Histories
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.artwork_tags import TAGS, VOCABULARY
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Ids

LAST = 60
"""Plays of a member that count: the latest."""
FEW = 4.0
"""Plays of no genre that everybody begins with, so that one play is no taste yet."""
MOST_GENRES = 24
LEVELS = np.array([1e-9, 0.05, 0.15, 0.3, 0.5])
"""Borders of nearness: share of a member's plays that share a genre with the title."""
DEVICES = ("tv", "mobile", "tablet", "web")


@dataclass(frozen=True, slots=True)
class Tastes:
    """Genres of plays, per title, and what a member's plays come to.

    Attributes
    ----------
    genres : tuple of str
        Columns; the most frequent genres of the catalogue.
    of_title : ndarray of float64, shape (n_titles + 1, n_genres)
        1 where a title has a genre; the last row, of an unknown title, is 0.
    """

    genres: tuple[str, ...]
    of_title: Floats

    @staticmethod
    def of(catalogue: Catalogue, genres: Sequence[str] | None = None) -> Tastes:
        """Those of a catalogue; `genres`, if given, are the columns."""
        tags = catalogue.genres
        if genres is None:
            count = np.bincount(tags.tag, minlength=len(tags.names))
            order = sorted(range(len(tags.names)), key=lambda g: (-int(count[g]), str(tags.names[g])))
            genres = [str(tags.names[g]) for g in order[:MOST_GENRES]]
        column = {name: i for i, name in enumerate(genres)}
        place = np.array([column.get(str(name), -1) for name in tags.names], np.int64)
        table = np.zeros((len(tags.indptr), len(genres)))
        title = np.repeat(np.arange(len(tags.indptr) - 1), np.diff(tags.indptr))
        known = place[tags.tag] >= 0 if len(place) else np.zeros(0, np.bool_)
        table[title[known], place[tags.tag[known]]] = 1.0
        return Tastes(tuple(genres), table)

    def shares(self, titles: NDArray[np.integer]) -> Floats:
        """Share of a member's latest plays in each genre, shrunk towards none; shape (n_genres,)."""
        last = self.of_title[titles[-LAST:]]
        found: Floats = last.sum(axis=0) / (len(last) + FEW)
        return found

    def shares_at(self, histories: Histories, member: Ints, at_us: Ints) -> Floats:
        """The same of many members, each as of a moment (what happened at it does not count).

        Parameters
        ----------
        member : ndarray of int64, shape (n,)
            Rows of `histories`; -1: no history.
        at_us : ndarray of int64, shape (n,)

        Returns
        -------
        ndarray of float64, shape (n, n_genres)
        """
        total = np.zeros((len(histories.title) + 1, len(self.genres)))
        np.cumsum(self.of_title[histories.title], axis=0, out=total[1:])
        first = np.where(member >= 0, histories.indptr[np.maximum(member, 0)], 0)
        last = _upto(histories, member, at_us)
        first = np.maximum(first, last - LAST)
        found: Floats = (total[last] - total[first]) / (last - first + FEW)[:, None]
        return found

    def nearness(self, shares: Floats, title: Ints) -> Ints:
        """How near titles are to members: a level from 0, by the largest share among the title's genres.

        Parameters
        ----------
        shares : ndarray of float64, shape (n, n_genres)
        title : ndarray of int64, shape (n,)
            Positions in the catalogue; -1: unknown.
        """
        most = (shares * self.of_title[title]).max(axis=1, initial=0.0)
        found: Ints = np.searchsorted(LEVELS, most, side="right").astype(np.int64)
        return found


def _upto(histories: Histories, member: Ints, at_us: Ints) -> Ints:
    """First event of each member that is not before a moment."""
    owner = np.repeat(np.arange(len(histories)), histories.lengths)
    low = int(min(at_us.min(initial=0), histories.at_us.min(initial=0)))
    high = int(max(at_us.max(initial=0), histories.at_us.max(initial=0)))
    span = high - low + 2
    if span * (len(histories) + 1) < 2**62:  # one sorted key for all members
        key = owner * span + (histories.at_us - low)
        found = np.searchsorted(key, np.maximum(member, 0) * span + (at_us - low), side="left")
    else:
        rows = [
            int(histories.indptr[m])
            + int(
                np.searchsorted(
                    histories.at_us[histories.indptr[m] : histories.indptr[m + 1]], t, side="left"
                )
            )
            for m, t in zip(np.maximum(member, 0).tolist(), at_us.tolist(), strict=True)
        ]
        found = np.array(rows, np.int64)
    out: Ints = np.where(member >= 0, found, 0).astype(np.int64)
    return out


def devices_of(names: Sequence[str | None] | Ids) -> Floats:
    """1 in the column of a device of `DEVICES`; an unknown one has none; shape (n, n_devices)."""
    place = {name: i for i, name in enumerate(DEVICES)}
    out = np.zeros((len(names), len(DEVICES)))
    for i, name in enumerate(names):
        if name is not None and name in place:
            out[i, place[name]] = 1.0
    return out


def context_of(shares: Floats, devices: Floats) -> Floats:
    """Numbers of a member: taste, then device; shape (n, n_genres + n_devices)."""
    return np.concatenate([shares, devices], axis=-1)


@dataclass(frozen=True, slots=True)
class Look:
    """How images are seen: which tags and parts of the embedding count, as few numbers.

    Attributes
    ----------
    tags : tuple of str
        Rows of `basis`, followed by the `width` numbers of the embedding.
    width : int
    basis : ndarray of float64, shape (n_tags + width, rank)
        Orthonormal columns.
    """

    tags: tuple[str, ...]
    width: int
    basis: Floats

    @staticmethod
    def learn(art: Artworks, rank: int) -> Look:
        """The tags in which images of one title differ; more than `rank` are put together (principal
        components).

        References
        ----------
        Pearson (1901), On lines and planes of closest fit to systems of points in space.
        """
        raw = _centred(_raw(art, VOCABULARY, _width(art)), art.indptr)
        used = np.flatnonzero((raw[:, : len(VOCABULARY)] != 0).any(axis=0))
        tags = tuple(VOCABULARY[i] for i in used)
        raw = np.concatenate([raw[:, used], raw[:, len(VOCABULARY) :]], axis=1)
        if raw.shape[1] <= rank:
            return Look(tags, _width(art), np.eye(raw.shape[1]))
        values, vectors = np.linalg.eigh(raw.T @ raw)
        order = np.argsort(-values, kind="stable")[:rank]
        basis = vectors[:, order]
        sign = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
        return Look(tags, _width(art), basis * sign)

    def images(self, art: Artworks) -> Images:
        """Images with their numbers, less the mean of the title's."""
        title = np.repeat(np.arange(len(art.titles)), np.diff(art.indptr))
        width = self.width if _width(art) == self.width else 0
        raw = _raw(art, self.tags, width)
        if width < self.width:  # embeddings of another length say nothing
            raw = np.concatenate([raw, np.zeros((len(art), self.width - width))], axis=1)
        return Images(title.astype(np.int64), _centred(raw, art.indptr) @ self.basis)

    def of_tags(self, coef: Floats) -> Floats:
        """Worth of each tag, from that of the few numbers; shape (c, n_tags)."""
        found: Floats = (coef @ self.basis.T)[:, : len(self.tags)]
        return found


def style_of(art: Artworks) -> NDArray[np.int32]:
    """Number of each image's style: how many people and which colours; -1 where neither is known."""
    kinds = [f"{kind}:{value}" for kind in ("people", "colour") for value in TAGS[kind]]
    columns = [VOCABULARY.index(tag) for tag in kinds]
    seen = art.tags[:, columns].astype(np.int64)
    number = (seen @ (1 << np.arange(len(columns)))).astype(np.int32)
    return np.where(seen.any(axis=1), number, -1).astype(np.int32)


def _width(art: Artworks) -> int:
    return 0 if art.embedding is None else int(art.embedding.shape[1])


def _raw(art: Artworks, tags: Sequence[str], width: int) -> Floats:
    columns = [VOCABULARY.index(tag) if tag in VOCABULARY else -1 for tag in tags]
    shown = np.zeros((len(art), len(tags)))
    for i, column in enumerate(columns):
        if column >= 0:
            shown[:, i] = art.tags[:, column]
    if not width or art.embedding is None:
        return shown
    there = art.embedding.astype(np.float64)
    size = np.linalg.norm(there, axis=1, keepdims=True)
    return np.concatenate([shown, there / np.maximum(size, 1e-12)], axis=1)


def _centred(raw: Floats, indptr: Ints) -> Floats:
    count = np.diff(indptr)
    title = np.repeat(np.arange(len(count)), count)
    total = np.zeros((len(count), raw.shape[1]))
    np.add.at(total, title, raw)
    found: Floats = raw - (total / np.maximum(count, 1)[:, None])[title]
    return found
