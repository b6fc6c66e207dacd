"""The catalogue in memory: one column per fact, and the masks that say who may see what, where and when."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from matinee.types import ALWAYS_US, NEVER_US, Ids, Index, Mask, Times

KIDS_MATURITY_MAX = 12
"""Highest age that a kids profile sees when the member has no limit of their own, in years."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Several labels per title (genres, languages, countries), as a ragged array.

    Attributes
    ----------
    names : list of str
    indptr : ndarray of int64, shape (n_titles + 1,)
    tag : ndarray of int32, shape (n_pairs,)
        Index into `names`.
    """

    names: list[str]
    indptr: Times
    tag: Index

    @staticmethod
    def from_lists(lists: Iterable[Sequence[str]]) -> Tags:
        """Build from one list of labels per title; names are sorted."""
        rows = [list(row) for row in lists]
        names = sorted({label for row in rows for label in row})
        position = {label: i for i, label in enumerate(names)}
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return Tags(names, indptr, np.array([position[x] for row in rows for x in row], dtype=np.int32))

    def of(self, title: int) -> list[str]:
        """Labels of one title."""
        return [self.names[i] for i in self.tag[self.indptr[title] : self.indptr[title + 1]]]

    def dense(self) -> NDArray[np.float32]:
        """0/1 matrix of shape (n_titles, n_names)."""
        out = np.zeros((len(self.indptr) - 1, len(self.names)), np.float32)
        out[np.repeat(np.arange(len(out)), np.diff(self.indptr)), self.tag] = 1.0
        return out

    def with_any(self, wanted: Iterable[str]) -> Mask:
        """Titles that carry at least one of the wanted labels."""
        ids = [self.names.index(w) for w in wanted if w in self.names]
        out = np.zeros(len(self.indptr) - 1, np.bool_)
        hit = np.isin(self.tag, ids)
        out[np.repeat(np.arange(len(out)), np.diff(self.indptr))[hit]] = True
        return out


@dataclass(frozen=True, slots=True)
class Windows:
    """When and where titles may be shown. A title without any row is available everywhere, always."""

    title: Index
    territory: Ids
    from_us: Times
    until_us: Times

    @staticmethod
    def none() -> Windows:
        """No restrictions."""
        empty = np.zeros(0, np.int64)
        return Windows(np.zeros(0, np.int32), np.zeros(0, object), empty, empty)


@dataclass(frozen=True, slots=True)
class Pin:
    """An editor's order: this title at (row, col), or this kind of row at `row`; both start at 1."""

    row: int
    col: int | None = None
    title_id: str | None = None
    row_kind: str | None = None
    territory: str | None = None
    from_us: int = ALWAYS_US
    until_us: int = NEVER_US


@dataclass(frozen=True, slots=True)
class Limits:
    """What a member may be shown: the stored limits, possibly narrowed by the request.

    Attributes
    ----------
    territory : str or None
        None: only titles without any availability row are surely allowed. A member without a stored
        territory is taken to be where they played last (`located`).
    maturity_max : int, 0-18
        Titles above it are never shown. A title of unknown maturity counts as 0 unless `kids`.
    kids : bool
        A kids profile never sees a title of unknown maturity.
    languages : tuple of str
        When not empty, only titles in one of them, or of unknown language.
    """

    territory: str | None = None
    maturity_max: int = 18
    kids: bool = False
    languages: tuple[str, ...] = ()

    def located(self, territory: str | None) -> Limits:
        """The same limits, in a territory where none is stored: that of the member's latest play.

        Examples
        --------
        >>> Limits().located("NL").territory, Limits("AT").located("NL").territory
        ('NL', 'AT')
        """
        return replace(self, territory=territory) if self.territory is None and territory else self

    def narrowed(self, other: Limits) -> Limits:
        """Both limits at once: the stricter of each. Used for request parameters."""
        if self.territory is not None and other.territory is not None and self.territory != other.territory:
            territory: str | None = ""  # nowhere: a request may not move a member to another territory
        else:
            territory = self.territory if self.territory is not None else other.territory
        if self.languages and other.languages:
            languages = tuple(x for x in self.languages if x in other.languages) or ("",)
        else:
            languages = self.languages or other.languages
        return Limits(
            territory,
            min(self.maturity_max, other.maturity_max),
            self.kids or other.kids,
            languages,
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything known about the titles, by position.

    Attributes
    ----------
    title_ids, names, kinds : ndarray of object (str), shape (n_titles,)
        A title known only from events has its id as name and kind "film".
    series : ndarray of int32
        Index of the series that an episode or season belongs to; -1 for none.
    season, episode : ndarray of int32
        -1 where unknown or not an episode.
    release_us : ndarray of int64
        ALWAYS_US where unknown.
    runtime_s : ndarray of float32
        NaN where unknown.
    maturity : ndarray of int16
        Age 0-18; -1 where unknown.
    genres, languages, countries : Tags
    windows : Windows
    pins : list of Pin
    synopses, cast, directors : list of str
        Empty string where unknown; cast and directors are separated by "|".
    """

    title_ids: Ids
    names: Ids
    kinds: Ids
    series: Index
    season: Index
    episode: Index
    release_us: Times
    runtime_s: NDArray[np.float32]
    maturity: NDArray[np.int16]
    genres: Tags
    languages: Tags
    countries: Tags
    windows: Windows = field(default_factory=Windows.none)
    pins: list[Pin] = field(default_factory=list)
    synopses: Ids | None = None
    cast: Ids | None = None
    directors: Ids | None = None

    def __len__(self) -> int:
        return len(self.title_ids)

    @staticmethod
    def from_rows(
        rows: Sequence[Mapping[str, object]],
        *,
        windows: Sequence[tuple[str, str, int, int]] = (),
        pins: Sequence[Pin] = (),
    ) -> Catalogue:
        """Build from one mapping per title (keys as in the `titles` file; lists for tags); order is kept.

        `windows` are (title_id, territory, from_us, until_us). Rows for unknown titles are left out.
        """
        ids = [sys.intern(str(row["title_id"])) for row in rows]  # pages look them up in many tables
        position = {title_id: i for i, title_id in enumerate(ids)}

        def text(key: str, default: str = "") -> Ids:
            return np.array([str(row.get(key) or default) for row in rows], dtype=object)

        def number(key: str, missing: float) -> NDArray[np.float64]:
            values = [row.get(key) for row in rows]
            return np.array([missing if v is None else float(str(v)) for v in values], np.float64)

        def tags(key: str) -> Tags:
            return Tags.from_lists([list(row.get(key) or ()) for row in rows])  # type: ignore[call-overload]

        def joined(key: str) -> Ids:
            out = np.full(len(rows), "", dtype=object)
            for i, row in enumerate(rows):
                value = row.get(key)
                out[i] = "|".join(value) if isinstance(value, list | tuple) else str(value or "")
            return out

        names = np.array([str(row.get("name") or ids[i]) for i, row in enumerate(rows)], dtype=object)
        kept = [w for w in windows if w[0] in position]
        return Catalogue(
            title_ids=np.array(ids, dtype=object),
            names=names,
            kinds=text("kind", "film"),
            series=np.array([position.get(str(row.get("series_id")), -1) for row in rows], np.int32),
            season=number("season", -1).astype(np.int32),
            episode=number("episode", -1).astype(np.int32),
            release_us=np.array(
                [ALWAYS_US if row.get("release_us") is None else int(str(row["release_us"])) for row in rows],
                np.int64,
            ),
            runtime_s=number("runtime_s", np.nan).astype(np.float32),
            maturity=number("maturity", -1).astype(np.int16),
            genres=tags("genres"),
            languages=tags("languages"),
            countries=tags("countries"),
            windows=Windows(
                np.array([position[w[0]] for w in kept], np.int32),
                np.array([w[1] for w in kept], dtype=object),
                np.array([w[2] for w in kept], np.int64),
                np.array([w[3] for w in kept], np.int64),
            ),
            pins=list(pins),
            synopses=joined("synopsis"),
            cast=joined("cast"),
            directors=joined("directors"),
        )

    def changes_us(self, *, new_us: int = 0, leaving_us: int = 0) -> Times:
        """Moments at which what may be shown, what is pinned, what is new or what leaves changes; ascending.

        Parameters
        ----------
        new_us : int, 0 or more
            How long a title counts as new after it came: its end is a change too.
        leaving_us : int, 0 or more
            How long before its end a title counts as leaving: the beginning of that is a change too.

        Examples
        --------
        >>> rows = [{"title_id": "t1", "release_us": 50}]
        >>> windows = [("t1", "AT", 100, 900)]
        >>> Catalogue.from_rows(rows, windows=windows).changes_us(new_us=10, leaving_us=20).tolist()
        [50, 60, 100, 110, 880, 900]
        """
        came = np.concatenate([self.windows.from_us, self.release_us])
        came, gone = came[came > ALWAYS_US], self.windows.until_us[self.windows.until_us < NEVER_US]
        pins = np.array([t for pin in self.pins for t in (pin.from_us, pin.until_us)], np.int64)
        pins = pins[(pins > ALWAYS_US) & (pins < NEVER_US)]
        return np.unique(np.concatenate([came, came + new_us, gone, gone - leaving_us, pins]))

    def next_change_us(self, at_us: int, *, new_us: int = 0, leaving_us: int = 0) -> int:
        """The first of `changes_us` after a moment; NEVER_US without one."""
        changes = self.changes_us(new_us=new_us, leaving_us=leaving_us)
        place = int(np.searchsorted(changes, at_us, side="right"))
        return int(changes[place]) if place < len(changes) else NEVER_US

    def unit(self) -> Index:
        """Title that a play counts for: the series of an episode or season, otherwise the title itself."""
        own = np.arange(len(self), dtype=np.int32)
        return np.where(self.series >= 0, self.series, own).astype(np.int32)

    def discoverable(self) -> Mask:
        """Titles that a discovery row may show: films, series, games, live events; no episode, no season."""
        return self.series < 0

    def available(self, territory: str | None, at_us: int) -> Mask:
        """Titles inside an availability window of the territory at the time; until is exclusive."""
        restricted = np.zeros(len(self), np.bool_)
        restricted[self.windows.title] = True
        now = (self.windows.from_us <= at_us) & (at_us < self.windows.until_us)
        here = np.zeros(len(now), np.bool_)
        if territory is not None:
            here = (self.windows.territory == territory).astype(np.bool_)
        open_now = np.zeros(len(self), np.bool_)
        open_now[self.windows.title[now & here]] = True
        return ~restricted | open_now

    def released(self, at_us: int, played: Mask | None = None) -> Mask:
        """Titles that are out: their release date has come, is not known, or they were played before.

        `played` (shape (n_titles,)) is true for titles that somebody has watched: previews, and dates that
        hold for another country.
        """
        out = np.asarray(self.release_us <= at_us, np.bool_)
        return out if played is None else out | played

    def allowed(self, limits: Limits, at_us: int, played: Mask | None = None) -> Mask:
        """Titles that the member may be shown now: release, availability, maturity, kids and language."""
        known = self.maturity >= 0
        out = self.released(at_us, played) & self.available(limits.territory, at_us)
        out &= ~known | (self.maturity <= limits.maturity_max)
        if limits.kids:
            out &= known & (self.maturity <= KIDS_MATURITY_MAX)
        if limits.languages:
            unknown = np.diff(self.languages.indptr) == 0
            out &= self.languages.with_any(limits.languages) | unknown
        return out
