"""The page without a model: what is popular, under the same masks, in the same rows."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np

from matinee.errors import StorageError
from matinee.initiatives.homepage.answering import answer
from matinee.initiatives.homepage.asking import narrowed
from matinee.initiatives.homepage.audience import SharedShelves
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.correcting import corrected
from matinee.initiatives.homepage.made import MADE_COLS, MADE_ROWS, MadePage, as_made
from matinee.initiatives.homepage.members import LakeMembers, Past, Pasts, StateMembers
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.scoring import with_scores
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.lake.reader import Moment
from matinee.observe.member_state import TitleTable, read_marks
from matinee.platform.deciding import Context, Decided, Request, Surroundings
from matinee.types import Scores

FALLBACK = "homepage/popular"
STRICTEST = Limits(territory="", maturity_max=0, kids=True)
"""Limits of a member of whom nothing can be read: only what anybody may see anywhere."""
LIMITS_KEPT = 4_096
"""Members whose limits are remembered for when the state cannot be reached."""
PAGES_KEPT = 64
_EMPTY = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32))


@dataclass(slots=True)
class PopularHomepage:
    """Composes pages without a model; several threads may ask at once.

    It reads the log once when it is opened; nothing is trained. With a server's state at hand it makes one
    page per audience, keeps it until the catalogue changes, and takes from it what the member watched. When
    the state cannot be reached it answers under the limits that it read for the member before, else under the
    strictest there are, and says so in the context.

    Attributes
    ----------
    composer : Composer
    members : Pasts
    titles : TitleTable
    share : ndarray of float32, shape (n_titles,)
        Share of each title in all plays.
    """

    composer: Composer
    members: Pasts
    titles: TitleTable
    share: Scores
    policy: str = FALLBACK
    _pages: OrderedDict[tuple[str, int], MadePage] = field(default_factory=OrderedDict, repr=False)
    _limits: OrderedDict[str, Limits] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @staticmethod
    def open(around: Surroundings) -> PopularHomepage:
        """Count plays for the home as it is at a moment."""
        home, at_us = around.home, around.at_us
        catalogue = load_catalogue(home, at_us)
        plays = interactions_from_home(home, until_us=at_us, catalogue=catalogue)
        popularity = PopularityScorer().fit(plays)
        territories = [name for name in popularity.territories_ if name]
        n = len(catalogue)
        titles = TitleState(
            catalogue=catalogue,
            popularity=popularity.decayed(at_us),
            trending=popularity.trending(at_us),
            territory_popularity={name: popularity.decayed(at_us, name) for name in territories},
            vectors=np.zeros((n, 1), np.float32),
            neighbours=np.full((n, 1), -1, np.int32),
            neighbour_scores=np.zeros((n, 1), np.float32),
        )
        members: Pasts
        if around.members is None:
            marks = read_marks(home, catalogue, Moment(at_us, at_us))
            members, table = LakeMembers(plays, load_members(home, at_us), marks), TitleTable.of(catalogue)
        else:
            state = StateMembers.on(catalogue, around.members)
            members, table = state, state.titles
        return PopularHomepage.of(titles, members, table, at_us, around.config)

    @staticmethod
    def of(
        titles: TitleState, members: Pasts, table: TitleTable, at_us: int, config: PageConfig | None
    ) -> PopularHomepage:
        """From what was counted already."""
        total = float(titles.popularity.sum()) or 1.0
        share = (titles.popularity / total).astype(np.float32)
        return PopularHomepage(Composer(titles, at_us=at_us, config=config), members, table, share)

    def refreshed(self, around: Surroundings) -> PopularHomepage:
        """The same at another moment, with the audiences that were asked for lately prepared."""
        fresh = PopularHomepage.open(around)
        fresh._limits = self._limits
        for limits in self.composer.audiences.in_use()[:16]:
            fresh.composer.audience(limits)
        return fresh

    def decide(self, request: Request) -> Decided:
        """The page of a member by popularity alone."""
        try:
            (past,) = self.members.of([request.unit_id], request.at_us)
        except StorageError as problem:
            return self._without_state(request, str(problem))
        self._remember(request.unit_id, past)
        if past.acted is not None:
            found = corrected(self._page(past, request), past, request, self.composer, self.titles)
            if found is not None:
                return found
        return answer(self.composer, self._state(past), request, self.titles).decided

    def actions_of(self, reference: str) -> list[str] | None:
        """Ids of the titles of an action set."""
        return self.composer.audiences.actions_of(reference)

    def _without_state(self, request: Request, problem: str) -> Decided:
        """What may surely be shown to somebody of whom nothing can be read now."""
        with self._lock:
            known = self._limits.get(request.unit_id)
        past = Past(request.unit_id, *_EMPTY, limits=STRICTEST if known is None else known)
        decided = answer(self.composer, self._state(past), request, self.titles).decided
        said: Context = {
            "state_problem": problem[:200],
            "limits": "strictest" if known is None else "read before",
        }
        return replace(decided, context=decided.context | said)

    def _remember(self, member_id: str, past: Past) -> None:
        limits = past.limits.located(past.last_territory)
        with self._lock:
            self._limits[member_id] = limits
            self._limits.move_to_end(member_id)
            while len(self._limits) > LIMITS_KEPT:
                self._limits.popitem(last=False)

    def _page(self, past: Past, request: Request) -> MadePage:
        """The page of all members with these limits who have not watched anything; nothing in it is drawn."""
        composer = self.composer.moved(request.at_us)
        here = narrowed(past.limits, request).located(past.last_territory)
        shared: SharedShelves = composer.audience(here)
        key = (f"{shared.actions} {here.territory}", composer.audiences.span(request.at_us)[0])
        with self._lock:
            found = self._pages.get(key)
        if found is None:
            nobody = self._state(Past("", *_EMPTY, limits=here))
            page = composer.page(nobody, rows=MADE_ROWS, cols=MADE_COLS, certain=True)
            found = as_made(
                page, service=0, model="", acted=None, territory=here.territory, composer=composer
            )
            with self._lock:
                self._pages[key] = found
                while len(self._pages) > PAGES_KEPT:
                    self._pages.popitem(last=False)
        return found

    def _state(self, past: Past) -> MemberState:
        return with_scores(past, self.share, self.share)
