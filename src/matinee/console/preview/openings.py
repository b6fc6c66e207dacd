"""Versions of the homepage opened as of a moment: a few are kept for some minutes, so that one can play."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from matinee import settings
from matinee.console.preview.imagined import ImaginedMembers
from matinee.console.preview.question import NEWEST, RELEASED
from matinee.console.preview.titles_then import Then
from matinee.errors import NotFoundError
from matinee.observe.catalogue.artwork import TABLE as ARTWORK_TABLE
from matinee.observe.catalogue.clearance_watch import ClearanceWatch
from matinee.observe.home import Home
from matinee.observe.lake.changes import SHARED_FACTS, FactsVersion
from matinee.platform.abilities import Refreshes
from matinee.platform.deciding import Decider, Surroundings
from matinee.platform.dresser import FALLBACK, Dresser
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import CARD, check_files, read_card
from matinee.platform.registry.models import ModelRow
from matinee.platform.registry.registry import Registry
from matinee.serve.artworks import NAME as ARTWORK

KEPT = 4
"""Opened versions that are kept."""
KEEP_S = 300.0
"""So long after they were used last."""
NOW_HOLDS_S = 120.0
"""So long popularity, read for a page of now, is as good as new; a server reads it every few minutes too."""
Key = tuple[str, str, int | None, FactsVersion]


@dataclass(frozen=True, slots=True)
class Release:
    """A version that can be previewed.

    Attributes
    ----------
    version : str
        Its name; "fallback" for the page without a model.
    at_us : int or None
        Moment up to which it has learned; None for the fallback.
    current, newest : bool
        It is in production; it was trained last.
    """

    version: str
    at_us: int | None
    current: bool = False
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A version that answers.

    Attributes
    ----------
    version, artwork : str
        Of the pages, and of what chooses images.
    at_us : int
        Moment that the catalogue, popularity and the images are of.
    members : ImaginedMembers
        Who `decider` and `dresser` ask about members.
    dresser : Dresser or None
        None: the home has no images.
    """

    version: str
    artwork: str
    at_us: int
    decider: Decider
    then: Then
    members: ImaginedMembers
    dresser: Dresser | None
    clearance: ClearanceWatch

    def dresser_at(self, at_us: int) -> Dresser | None:
        """What chooses images, at a moment, with the clearances as they stand."""
        if self.dresser is None:
            return None
        return replace(self.dresser, at_us=at_us, standing=self.clearance.current())


class Openings:
    """Opens versions and keeps the last few; threads may share it.

    Parameters
    ----------
    home : Home
    initiative : Initiative
        Whose releases they are.
    registry : Registry
    kept : int
        Most that are held in memory.
    keep_s : float
        Those that nobody used for so long are dropped.
    """

    def __init__(
        self,
        home: Home,
        initiative: Initiative,
        registry: Registry,
        *,
        kept: int = KEPT,
        keep_s: float = KEEP_S,
    ) -> None:
        self.home, self.initiative, self.registry = home, initiative, registry
        self.kept, self.keep_s = kept, keep_s
        self._opened: OrderedDict[Key, tuple[float, float, Opened]] = OrderedDict()
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._sweeper: threading.Timer | None = None

    def __len__(self) -> int:
        return len(self._opened)

    def releases(self, name: str = "") -> list[Release]:
        """What can be previewed, the newest version first, the fallback last.

        Parameters
        ----------
        name : str
            Of an initiative; default: the one of the pages.

        Raises
        ------
        StorageError
            The registry cannot be read.
        """
        name = name or self.initiative.name
        rows = self._on_disk(name)
        try:
            current = self.registry.releases.current(name)
        except NotFoundError:  # nothing of it was ever trained here
            current = None
        version = None if current is None else current.version
        found = [
            Release(row.version, row.at_us, current=row.version == version, newest=i == 0)
            for i, row in enumerate(rows)
        ]
        return [*found, Release(FALLBACK, None, current=version is None)]

    def version_of(self, release: str, name: str = "") -> str:
        """The version that a release of the pages, or of the initiative named, stands for.

        Raises
        ------
        NotFoundError
            There is no such version, or it is not on disk.
        """
        known = self.releases(name)
        if release == RELEASED:
            return next(one.version for one in known if one.current or one.version == FALLBACK)
        if release == NEWEST:
            return known[0].version
        if all(one.version != release for one in known):
            raise NotFoundError(
                f'{name or "release"} is "{release}", expected {RELEASED}, {NEWEST}, {FALLBACK} or a version '
                f"that is on disk: {', '.join(one.version for one in known[:-1]) or 'there is none'}."
            )
        return release

    def open(self, version: str, at_us: int | None, now_us: int, *, artwork: str = "") -> Opened:
        """A version as of a moment (None: now), from memory where it is there.

        Parameters
        ----------
        artwork : str
            Version that chooses the images; default: what is in production.

        Raises
        ------
        Exception
            Whatever the files, the settings or the initiative's code raise.
        """
        facts = FactsVersion.of(self.home, now_us if at_us is None else at_us, *SHARED_FACTS, ARTWORK_TABLE)
        key = (version, artwork, at_us, facts)
        if (found := self._find(key)) is not None:
            return found
        with self._opening:  # one at a time: it takes memory and a processor, and members go before
            if (found := self._find(key)) is not None:
                return found
            opened = self._open(version, artwork, now_us if at_us is None else at_us)
            self._keep(key, opened)
            return opened

    def forget(self) -> None:
        """Drop all that is kept."""
        with self._lock:
            self._opened.clear()
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None

    def _open(self, version: str, artwork: str, at_us: int) -> Opened:
        initiative, home = self.initiative, self.home
        config = settings.load(home.settings, initiative.name, initiative.config, values=initiative.values)
        then = Then.of(home, at_us)
        runtimes = dict(zip(then.titles.position, then.titles.runtime_s, strict=True))
        members = ImaginedMembers(home, runtimes)
        around = Surroundings(home.limited_to(initiative.tables), at_us, config, members)
        clearance = ClearanceWatch(home)
        return Opened(
            version,
            artwork,
            at_us,
            self._decider(version, around),
            then,
            members,
            Dresser.open(home, ARTWORK, at_us, members=members, version=artwork),
            clearance,
        )

    def _decider(self, version: str, around: Surroundings) -> Decider:
        if version == FALLBACK:
            made: Any = self.initiative.fallback.open(around)
            return _decider(made)
        before = self._same_model(version)
        if isinstance(before, Refreshes):
            return before.refreshed(around)
        folder = self.home.releases / self.initiative.name / version
        check_files(folder, read_card(folder).files)
        return _decider(self.initiative.open(folder, around))

    def _same_model(self, version: str) -> object:
        """A decider of the version at another moment: with it the model need not be loaded again."""
        with self._lock:
            return next((one.decider for _, _, one in self._opened.values() if one.version == version), None)

    def _on_disk(self, name: str) -> list[ModelRow]:
        rows = self.registry.models.versions(name)
        return [row for row in rows if (self.home.releases / name / row.version / CARD).is_file()]

    def _find(self, key: Key) -> Opened | None:
        now_s = time.monotonic()
        with self._lock:
            self._drop_old(now_s)
            kept = self._opened.get(key)
            if kept is None or (key[2] is None and now_s - kept[0] > NOW_HOLDS_S):
                return None
            self._opened[key] = (kept[0], now_s, kept[2])
            self._opened.move_to_end(key)
            return kept[2]

    def _keep(self, key: Key, opened: Opened) -> None:
        now_s = time.monotonic()
        with self._lock:
            self._opened[key] = (now_s, now_s, opened)
            self._opened.move_to_end(key)
            while len(self._opened) > self.kept:
                self._opened.popitem(last=False)
            self._sweep_later()

    def _drop_old(self, now_s: float) -> None:
        for key, (_, used_s, _) in list(self._opened.items()):
            if now_s - used_s > self.keep_s:
                del self._opened[key]

    def _sweep_later(self) -> None:
        """Look again when the first of them may go, also if nobody asks for a preview any more."""
        if self._sweeper is None:
            self._sweeper = threading.Timer(self.keep_s + 1.0, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        with self._lock:
            self._sweeper = None
            self._drop_old(time.monotonic())
            if self._opened:
                self._sweep_later()


def _decider(opened: Any) -> Decider:
    found: Decider = opened
    return found
