"""Search: what is found, ordered also by what the member likes; and what is near where nothing is."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass

import numpy as np

from matinee.console.titles import Titles
from matinee.console.watch.asking import preferences
from matinee.console.watch.index import GENRES, NAME, PEOPLE, Found, SearchIndex
from matinee.console.watch.searched import Searched
from matinee.console.watch.viewing import Viewer
from matinee.console.watch.words import LONGEST, query_words
from matinee.errors import MatineeError
from matinee.serve.guard import Guard
from matinee.serve.services import Services

LOG = logging.getLogger("matinee.console")
SHOWN = 36
NEAR = 12
POOL = 200
LIKING = 0.3
"""How much more a title counts that the member would like best of all that were found."""
CLOSE = 0.4
"""Score of a title that is told as close."""
AGAIN_S = 60.0
"""After so long what members searched for is read again; later, where that takes long."""
SHARE = 30.0
"""At least this many times as long as it took."""
WAIT_S = 1.0
"""So long a search waits for it, then it goes by what was read before; not at all, if it took longer last."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a search gives. Lists of title ids, each title once.

    Attributes
    ----------
    query : str
        As it was typed, without spaces around it; empty if no word is in it.
    named : list of str
        Titles whose name, people or genres have all the words.
    described : list of str
        Those that have them in their synopsis.
    missing : bool
        Nothing is called so: the lists below say what is near.
    watched : list of str
        What members who looked for the same went on to watch.
    close : list of str
        Names that are nearly so, or have some of the words.
    picks : list of str
        What the member would like, whatever they looked for.
    """

    query: str
    named: list[str]
    described: list[str]
    missing: bool = False
    watched: list[str] | None = None
    close: list[str] | None = None
    picks: list[str] | None = None


class Search:
    """Answers searches over the titles of a server.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._index: SearchIndex | None = None
        self._of: Titles | None = None
        self._guard: Guard | None = None
        self._searched = Searched({})
        self._due_s, self._took_s = -math.inf, 0.0
        self._reading: asyncio.Task[None] | None = None
        self._making = asyncio.Lock()

    async def find(self, viewer: Viewer, query: str) -> Results:
        """What a member finds. Only titles that they may know of; what is beyond their limits is missing.

        Raises
        ------
        StorageError
            Nothing is known about any title yet.
        """
        asked = query.strip()[:LONGEST]
        if not query_words(asked):
            return Results("", [], [])
        seen = viewer.seen
        index = await self._index_of(seen.titles)
        found = await asyncio.to_thread(index.find, asked, seen.mask, POOL)
        ordered = await self._ordered(viewer, [one for one in found if seen.permits(_id(seen.titles, one))])
        whole = [one for one in ordered if one.all_words and not one.misspelt]
        named = [one for one in whole if one.where in (NAME, PEOPLE, GENRES)]
        described = [one for one in whole if one not in named]
        results = Results(
            asked, self._ids(seen.titles, named, SHOWN), self._ids(seen.titles, described, NEAR)
        )
        if named:
            return results
        rest = [one for one in ordered if one not in whole and (one.all_words or one.score >= CLOSE)]
        return await self._near(viewer, results, self._ids(seen.titles, rest, NEAR))

    async def _near(self, viewer: Viewer, results: Results, close: list[str]) -> Results:
        """What to watch in place of a title that is not there."""
        seen, titles = viewer.seen, viewer.seen.titles
        searched = await self._searches()
        played = [titles.unit(one) for one in searched.after(results.query, viewer.member_id)]
        watched = seen.only(list(dict.fromkeys(played)), NEAR)
        taken = {*watched, *results.described}
        close = [one for one in close if one not in taken]
        own = {titles.unit(play.title_id) for play in viewer.record.plays}
        popular = [one for one in seen.only(titles.popular(seen.mask, POOL)) if one not in taken | own]
        liked = await preferences(self.services, titles, viewer.member_id, popular, viewer.at_us)
        picks = [popular[i] for i in np.argsort(-liked, kind="stable").tolist() if popular[i] not in close]
        return Results(
            results.query,
            [],
            results.described,
            missing=True,
            watched=watched,
            close=close,
            picks=picks[:NEAR],
        )

    async def _ordered(self, viewer: Viewer, found: list[Found]) -> list[Found]:
        """Better matches first, and among near equals what the member would like."""
        titles = viewer.seen.titles
        ids = [_id(titles, one) for one in found]
        liked = await preferences(self.services, titles, viewer.member_id, ids, viewer.at_us)
        score = [one.score * (1.0 + LIKING * float(like)) for one, like in zip(found, liked, strict=True)]
        return [found[i] for i in sorted(range(len(found)), key=lambda i: -score[i])]

    async def warm(self, titles: Titles) -> None:
        """Make ready for the first search."""
        await self._index_of(titles)
        await self._searches()

    async def _index_of(self, titles: Titles) -> SearchIndex:
        """The index of a snapshot; that of the one before, where both have the same titles."""
        async with self._making:
            if self._index is None or self._of is not titles:
                guard = self.services.guard
                if self._index is None or self._guard is not guard or not _same(self._of, titles):
                    self._index = await asyncio.to_thread(SearchIndex, titles.catalogue)
                self._of, self._guard = titles, guard
            return self._index

    async def _searches(self) -> Searched:
        if self._reading is None and time.monotonic() >= self._due_s:
            self._reading = asyncio.create_task(self._read_searches())
        if self._reading is not None and self._took_s <= WAIT_S:
            await asyncio.wait({self._reading}, timeout=WAIT_S)
        return self._searched

    async def _read_searches(self) -> None:
        services, began_s = self.services, time.monotonic()
        try:
            self._searched = await asyncio.to_thread(Searched.load, services.home, services.clock.now_us)
        except Exception as problem:  # searches go by what was read before
            foreseen = isinstance(problem, MatineeError)
            LOG.error("what members searched for cannot be read: %s", problem, exc_info=not foreseen)
        finally:
            self._took_s = time.monotonic() - began_s
            self._due_s = began_s + self._took_s + max(AGAIN_S, SHARE * self._took_s)
            self._reading = None

    @staticmethod
    def _ids(titles: Titles, found: list[Found], n: int) -> list[str]:
        return [_id(titles, one) for one in found[:n]]


def _id(titles: Titles, found: Found) -> str:
    return str(titles.catalogue.title_ids[found.title])


def _same(one: Titles | None, other: Titles) -> bool:
    """Whether two snapshots have the same titles at the same places, under the same names."""
    if one is None or len(one) != len(other):
        return False
    a, b = one.catalogue, other.catalogue
    return bool((a.title_ids == b.title_ids).all() and (a.names == b.names).all())
