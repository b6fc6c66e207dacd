"""Facts about titles for people to read, as of now: what a page says beside the ids that it is made of.

A snapshot (`Titles`) is read in a thread and replaced when the catalogue changes, as the guard of the server
is (`serve/guard.py`), and now and then, since what is popular moves.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np

from matinee import settings
from matinee.console.watched import watched_lately
from matinee.errors import MatineeError
from matinee.learn.reading import load_catalogue
from matinee.observe.catalogue.artwork import ASPECTS, Artworks
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.observe.member_state import TitleTable
from matinee.serve.artworks import aspect_of
from matinee.serve.guard import Guard
from matinee.serve.services import Services
from matinee.types import ALWAYS_US, DAY_US, NEVER_US, Ids, Index, Mask, Scores

LOG = logging.getLogger("matinee.console")
PAGES = "homepage"
ARTWORK = "artwork"
SERIES = "series"
EPISODE = "episode"
USUAL_ASPECT = "2:3"
LEAVING_DAYS, NEW_DAYS = 14.0, 60.0
"""Where the initiative that makes pages does not say otherwise."""
AGAIN_S = 600.0
"""After so long what is popular is read again."""
FAILED_S = 5.0
"""After a reading that failed, the next is tried no sooner."""
MASKS_KEPT = 32
FACTS_KEPT = 20_000
"""Titles whose facts are kept as they are shown; about 1 kB each."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One title, for people. Every text may hold anything: whoever shows it escapes it.

    Attributes
    ----------
    title_id, name, kind, synopsis : str
        The name is the id where none is known; the synopsis may be empty.
    year : int or None
    runtime_s : int or None
    maturity : int or None
        Age in years, 0-18.
    genres, cast, directors : tuple of str
    series_id, series : str or None
        Of an episode or season.
    season, episode : int or None
    """

    title_id: str
    name: str
    kind: str
    synopsis: str = ""
    year: int | None = None
    runtime_s: int | None = None
    maturity: int | None = None
    genres: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    series_id: str | None = None
    series: str | None = None
    season: int | None = None
    episode: int | None = None


class Titles:
    """The catalogue of a moment with what is popular, for many readers. Use `load`.

    Parameters
    ----------
    catalogue : Catalogue
    plays : ndarray of float32, shape (n_titles,)
        How much each is watched lately; those of episodes count for their series too.
    played : ndarray of bool, shape (n_titles,)
        Somebody has watched it, ever.
    aspect : str
        Shape of most images, a key of `ASPECTS`.
    leaving_days, new_days : float

    Attributes
    ----------
    table : TitleTable
        Positions, series, runtimes and the order of episodes.

    Notes
    -----
    Memory: the columns of the catalogue, `MASKS_KEPT` masks of one byte per title, and the facts of
    `FACTS_KEPT` titles.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        plays: Scores,
        played: Mask,
        *,
        aspect: str = USUAL_ASPECT,
        leaving_days: float = LEAVING_DAYS,
        new_days: float = NEW_DAYS,
    ) -> None:
        self.catalogue, self.plays, self.played, self.aspect = catalogue, plays, played, aspect
        self.table = TitleTable.of(catalogue)
        self._leaving_us, self._new_us = round(leaving_days * DAY_US), round(new_days * DAY_US)
        self._windows: dict[int, list[tuple[str, int, int]]] = {}
        windows = catalogue.windows
        for one in np.argsort(windows.from_us, kind="stable").tolist():
            entry = (str(windows.territory[one]), int(windows.from_us[one]), int(windows.until_us[one]))
            self._windows.setdefault(int(windows.title[one]), []).append(entry)
        self._episodes = _episodes(catalogue)
        self._masks: OrderedDict[Limits, tuple[int, int, Mask]] = OrderedDict()
        self._facts_of: dict[int, Facts] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.catalogue)

    @staticmethod
    def load(
        home: Home,
        at_us: int,
        *,
        leaving_days: float,
        new_days: float,
        aspect: str = "",
        watched: Mapping[str, float] | None = None,
    ) -> Titles:
        """Of a home at a moment.

        Parameters
        ----------
        watched : mapping of str to float, optional
            What `watched_lately` gave a while ago; read, if it is left out.
        aspect : str
            Shape of the images on tiles; "": that of most images.

        Raises
        ------
        StorageError
            The lake or the log cannot be read.
        """
        catalogue = load_catalogue(home, at_us)
        plays, played = _popular(catalogue, watched_lately(home, at_us) if watched is None else watched)
        return Titles(
            catalogue,
            plays,
            played,
            aspect=aspect or _most_common(home),
            leaving_days=leaving_days,
            new_days=new_days,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image on a tile, in pixels. The server scales to it, and to twice it."""
        width = 240 if ASPECTS[self.aspect] < 1 else 320
        return width, round(width / ASPECTS[self.aspect])

    def position(self, title_id: str) -> int:
        """Place in the catalogue; -1 for a title that is not in it."""
        return self.table.position.get(title_id, -1)

    def ids(self, places: Index | list[int]) -> list[str]:
        """Ids of titles by their places."""
        names: Ids = self.catalogue.title_ids
        return [str(names[one]) for one in places]

    def facts(self, title_id: str) -> Facts | None:
        """What there is to say about a title; None for one that is not in the catalogue."""
        title = self.position(title_id)
        if title < 0:
            return None
        found = self._facts_of.get(title)
        if found is None:
            if len(self._facts_of) >= FACTS_KEPT:
                self._facts_of.clear()
            found = self._facts_of[title] = self._facts(title)
        return found

    def unit(self, title_id: str) -> str:
        """The series of an episode or season; the title itself otherwise."""
        title = self.position(title_id)
        return title_id if title < 0 else str(self.catalogue.title_ids[self.table.unit[title]])

    def episodes(self, series_id: str) -> list[str]:
        """Episodes of a series in their order."""
        return self.ids(self._episodes.get(self.position(series_id), []))

    def allowed(self, limits: Limits, at_us: int) -> Mask:
        """Titles that may be shown within limits now: both the title and the series that it belongs to.

        Kept by limits for as long as nothing begins or ends.
        """
        with self._lock:
            kept = self._masks.get(limits)
            if kept is not None and kept[0] <= at_us < kept[1]:
                self._masks.move_to_end(limits)
                return kept[2]
        mask = self.catalogue.allowed(limits, at_us, self.played)
        mask = mask & mask[self.table.unit]
        with self._lock:
            self._masks[limits] = at_us, self.catalogue.next_change_us(at_us), mask
            while len(self._masks) > MASKS_KEPT:
                self._masks.popitem(last=False)
        return mask

    def leaving_us(self, title_id: str, territory: str | None, at_us: int) -> int | None:
        """When a title leaves, if that is soon: its window ends, and no other follows without a gap."""
        end_us = ALWAYS_US
        for where, from_us, until_us in self._windows.get(self.position(title_id), ()):
            if where == territory and from_us <= max(at_us, end_us):
                end_us = max(end_us, until_us)
        return end_us if at_us < end_us <= at_us + self._leaving_us else None

    def is_new(self, title_id: str, territory: str | None, at_us: int) -> bool:
        """Whether it came lately: by its window where it has any, else by its release."""
        title = self.position(title_id)
        if title < 0:
            return False
        windows = self._windows.get(title)
        came_us = int(self.catalogue.release_us[title])
        if windows is not None:
            open_now = [a for where, a, b in windows if where == territory and a <= at_us < b]
            came_us = min(open_now, default=NEVER_US)
        return at_us - self._new_us < came_us <= at_us

    def alike(self, title_id: str, n: int) -> list[str]:
        """Titles that share most genres with one (Jaccard index), the most watched first among equals."""
        title = self.position(title_id)
        if title < 0:
            return []
        genres, title = self.catalogue.genres, self.table.unit[title]
        size = np.diff(genres.indptr)
        own = genres.tag[genres.indptr[title] : genres.indptr[title + 1]]
        if not len(own):
            return []
        owner = np.repeat(np.arange(len(self)), size)
        both = np.bincount(owner[np.isin(genres.tag, own)], minlength=len(self))
        share = both / (size + len(own) - both)
        share[title] = 0.0
        share[self.catalogue.series >= 0] = 0.0
        order = np.lexsort((-self.plays, -share))[:n]
        return self.ids(order[share[order] > 0].tolist())

    def popular(self, mask: Mask, n: int) -> list[str]:
        """The most watched of some titles."""
        found = np.flatnonzero(mask & self.catalogue.discoverable())
        return self.ids(found[np.argsort(-self.plays[found], kind="stable")[:n]].tolist())

    def _facts(self, title: int) -> Facts:
        c = self.catalogue
        release_us, runtime = int(c.release_us[title]), float(c.runtime_s[title])
        series, season = int(c.series[title]), int(c.season[title])
        episode, maturity = int(c.episode[title]), int(c.maturity[title])
        return Facts(
            title_id=str(c.title_ids[title]),
            name=str(c.names[title]),
            kind=str(c.kinds[title]),
            synopsis="" if c.synopses is None else str(c.synopses[title]),
            year=None if release_us == ALWAYS_US else _year(release_us),
            runtime_s=round(runtime) if runtime > 0 else None,
            maturity=maturity if maturity >= 0 else None,
            genres=tuple(c.genres.of(title)),
            cast=() if c.cast is None else _people(c.cast[title]),
            directors=() if c.directors is None else _people(c.directors[title]),
            series_id=str(c.title_ids[series]) if series >= 0 else None,
            series=str(c.names[series]) if series >= 0 else None,
            season=season if season >= 0 else None,
            episode=episode if episode >= 0 else None,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What one member may see of the titles at one moment: asked before anything about a title is said.

    Attributes
    ----------
    titles : Titles
    guard : Guard
        Of the server: it knows a change of the catalogue first.
    limits : Limits
    at_us : int
    """

    titles: Titles
    guard: Guard
    limits: Limits
    at_us: int

    @property
    def mask(self) -> Mask:
        """Of all titles, shape (n_titles,)."""
        return self.titles.allowed(self.limits, self.at_us)

    def permits(self, title_id: str) -> bool:
        """Whether the member may know of a title. One that the catalogue lacks is nobody's to see."""
        title = self.titles.position(title_id)
        return title >= 0 and bool(self.mask[title]) and not self._forbidden(title_id)

    def facts(self, title_id: str) -> Facts | None:
        """What there is to say about it to this member; None where they may not know of it."""
        return self.titles.facts(title_id) if self.permits(title_id) else None

    def only(self, title_ids: list[str], n: int | None = None) -> list[str]:
        """The first `n` of some titles that the member may know of."""
        found = [one for one in title_ids if self.permits(one)]
        return found if n is None else found[:n]

    def _forbidden(self, title_id: str) -> bool:
        return bool(self.guard.forbidden([Slot(title_id, 1.0)], self.limits, self.at_us))


class TitlesNow:
    """The titles of a server as of now: a snapshot that is replaced in the background.

    Parameters
    ----------
    services : Services
    again_s : float
        How long what is popular holds.
    """

    def __init__(self, services: Services, *, again_s: float = AGAIN_S) -> None:
        self.services, self.again_s = services, again_s
        self._titles: Titles | None = None
        self._guard: Guard | None = None
        self._read_s = self._failed_s = -math.inf
        self._reading: asyncio.Task[Titles] | None = None
        self._watched: tuple[float, dict[str, float]] = (-math.inf, {})

    async def now(self) -> Titles:
        """The latest snapshot. Only the first one, and one after a change of the catalogue, is waited for.

        Raises
        ------
        StorageError
            There is none yet, and the lake or the log cannot be read.
        """
        titles, now_s = self._titles, time.monotonic()
        changed = self._guard is not self.services.guard
        if titles is not None and not changed and now_s - self._read_s < self.again_s:
            return titles
        if titles is not None and now_s - self._failed_s < FAILED_S:
            return titles
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_heard)
        if titles is not None and not changed:
            return titles
        try:
            return await asyncio.shield(self._reading)
        except MatineeError:
            if titles is None:
                raise
            return titles

    async def seen(self, limits: Limits, at_us: int) -> Seen:
        """The titles as a member with these limits may see them."""
        return Seen(await self.now(), self.services.guard, limits, at_us)

    async def _read(self) -> Titles:
        guard = self.services.guard
        try:
            titles = await asyncio.to_thread(self._load)
        except MatineeError as problem:
            LOG.error("titles cannot be read: %s", problem)
            self._failed_s = time.monotonic()
            raise
        finally:
            self._reading = None
        self._titles, self._guard, self._read_s = titles, guard, time.monotonic()
        return titles

    def _load(self) -> Titles:
        """A snapshot. A change of the catalogue, for which pages wait, does not read all plays again."""
        services = self.services
        read_s, watched = self._watched
        if time.monotonic() - read_s >= self.again_s:
            watched = watched_lately(services.home, services.clock.now_us)
            self._watched = time.monotonic(), watched
        pages = services.initiatives.get(PAGES)
        leaving_days, new_days = LEAVING_DAYS, NEW_DAYS
        if pages is not None and pages.config is not None:
            values = settings.load(services.home.settings, pages.name, pages.config, values=pages.values)
            leaving_days = float(getattr(values, "leaving_days", leaving_days))
            new_days = float(getattr(values, "new_days", new_days))
        return Titles.load(
            services.home,
            services.clock.now_us,
            leaving_days=leaving_days,
            new_days=new_days,
            aspect=aspect_of(services.home, services.initiatives.get(ARTWORK)),
            watched=watched,
        )


def _heard(reading: asyncio.Task[Titles]) -> None:
    """What went wrong is in the log already; nobody else need wait for it."""
    if not reading.cancelled():
        reading.exception()


def _episodes(catalogue: Catalogue) -> dict[int, list[int]]:
    """Series -> its episodes by (season, episode); those without a number come last."""
    found = np.flatnonzero((catalogue.series >= 0) & (catalogue.kinds == EPISODE))
    number = catalogue.episode[found]
    order = np.lexsort((number, catalogue.season[found], number < 0, catalogue.series[found]))
    out: dict[int, list[int]] = {}
    for title in found[order].tolist():
        out.setdefault(int(catalogue.series[title]), []).append(title)
    return out


def _popular(catalogue: Catalogue, watched: Mapping[str, float]) -> tuple[Scores, Mask]:
    """How much each title is watched lately, and whether it was watched ever."""
    plays = np.zeros(len(catalogue), np.float32)
    played = np.zeros(len(catalogue), np.bool_)
    position = {str(title_id): i for i, title_id in enumerate(catalogue.title_ids)}
    unit = catalogue.unit()
    for title_id, weight in watched.items():
        title = position.get(title_id, -1)
        if title >= 0:
            played[[title, unit[title]]] = True
            plays[list({title, int(unit[title])})] += np.float32(weight)
    return plays, played


def _most_common(home: Home) -> str:
    """Shape that most images of a home have."""
    counted = Counter(str(one) for one in Artworks.load(home).aspects.tolist() if str(one) in ASPECTS)
    return counted.most_common(1)[0][0] if counted else USUAL_ASPECT


def _people(joined: str) -> tuple[str, ...]:
    return tuple(name for name in str(joined).split("|") if name.strip())


def _year(at_us: int) -> int:
    return int(np.datetime64(at_us, "us").astype("datetime64[Y]").astype(int)) + 1970
