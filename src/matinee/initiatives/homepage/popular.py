"""The page without a model: what is popular, under the same masks, in the same rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np

from matinee.errors import StorageError
from matinee.initiatives.homepage.answering import answer, explained, located, position_of
from matinee.initiatives.homepage.asking import narrowed
from matinee.initiatives.homepage.audience import SharedShelves
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.correcting import corrected
from matinee.initiatives.homepage.explaining import explained_correction, located_in_correction
from matinee.initiatives.homepage.made import MADE_COLS, MADE_ROWS, MadePage, as_made
from matinee.initiatives.homepage.members import LakeMembers, Past, Pasts, StateMembers
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.scoring import with_scores
from matinee.initiatives.homepage.trace import PageTrace
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.lake.reader import Moment
from matinee.observe.member_state import TitleTable, read_marks
from matinee.platform.deciding import Context, Decided, Explained, Request, Surroundings
from matinee.platform.whereabouts import Located
from matinee.types import DAY_US, NEVER_US, Scores

FALLBACK = "homepage/popular"
STRICTEST = Limits(territory="", maturity_max=0, kids=True)
"""Limits of a member of whom nothing can be read: only what anybody may see anywhere.

The territory is none that exists, so that a request cannot choose one (`Limits.narrowed`): where the member
is at home is not known, and a title with windows may be forbidden there.
"""
LIMITS_KEPT = 4_096
"""Members whose limits are remembered for when the state cannot be reached."""
LIMITS_HOLD_US = DAY_US
"""So long at most: what is stored about a member may have changed since."""
BLIND, BEFORE = "strictest", "read before"
"""What the context says about the limits (`limits`) of a page that was made without the state."""
AHEAD = 16
"""Audiences, those asked for last first, that are prepared before anybody needs them."""
PAGES_KEPT = 64
_EMPTY = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32))


@dataclass(slots=True)
class PopularHomepage:
    """Composes pages without a model; several threads may ask at once.

    It reads the log once when it is opened; nothing is trained. With a server's state at hand it makes one
    page per audience, keeps it until the catalogue changes, and takes from it what the member watched. When
    the state cannot be reached it answers under the limits that it read for the member within a day, else
    under the strictest there are, and says so in the context.

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
    _limits: OrderedDict[str, tuple[int, Limits]] = field(default_factory=OrderedDict, repr=False)
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
        fresh.prepare(around.at_us, self.composer.audiences.in_use())
        return fresh

    def prepare(self, at_us: int, audiences: Sequence[Limits] | None = None) -> None:
        """Make the pages of audiences (those asked for lately) for a moment, before a request of then."""
        kept, composer = self.composer.audiences, self.composer.moved(at_us)
        some = (kept.in_use() if audiences is None else audiences)[:AHEAD]
        kept.prepare(some, at_us)
        if isinstance(self.members, StateMembers):
            for limits in reversed(some):
                self._page(limits, composer)

    def forget(self, unit_ids: Container[str]) -> None:
        """Drop the limits that are remembered of some members."""
        with self._lock:
            for unit_id in [one for one in self._limits if one in unit_ids]:
                del self._limits[unit_id]

    def decide(self, request: Request) -> Decided:
        """The page of a member by popularity alone."""
        past, said = self._past(request)
        found = None
        if past.acted is not None:
            made = self._page_for(past, request)
            found = corrected(made, past, request, self.composer, self.titles)
        if found is None:
            found = answer(self.composer, self._state(past), request, self.titles).decided
        return replace(found, context=found.context | said) if said else found

    def explain(self, request: Request) -> Explained:
        """The same page, with what each rule removed from the catalogue and from each row.

        A request whose context says that it was answered without the state (`limits`, `state_problem`) is
        answered in the same way again.
        """
        past, said = self._past(request)
        if "state_problem" in request.context and not said:
            before = past.limits.located(past.last_territory)
            limits = before if request.context.get("limits") == BEFORE else STRICTEST
            past = Past(request.unit_id, *_EMPTY, limits=limits)
            said = {name: request.context.get(name) for name in ("state_problem", "limits")}
        if past.acted is not None:
            made = self._page_for(past, request)
            found = corrected(made, past, request, self.composer, self.titles)
            if found is not None:
                state = self._state(past)
                return explained_correction(found, made, state, request, self.composer, self.titles)
        trace = PageTrace()
        given = answer(self.composer, self._state(past), request, self.titles, trace=trace)
        told = explained(given, trace)
        return replace(told, decided=replace(told.decided, context=told.decided.context | said))

    def locate(self, request: Request, action: str) -> Located:
        """Where a title stands on the page, or the first rule that keeps it off."""
        title = position_of(self.titles, action)
        past, _ = self._past(request)
        if past.acted is not None:
            found = corrected(self._page_for(past, request), past, request, self.composer, self.titles)
            if found is not None:
                return located_in_correction(title, found, self._state(past), request, self.composer)
        trace = PageTrace(asked=title)
        return located(answer(self.composer, self._state(past), request, self.titles, trace=trace), trace)

    def actions_of(self, reference: str) -> list[str] | None:
        """Ids of the titles of an action set."""
        return self.composer.audiences.actions_of(reference)

    def _past(self, request: Request) -> tuple[Past, Context]:
        """What is known about the member; without the state what may surely be shown, and that it is so."""
        try:
            (past,) = self.members.of([request.unit_id], request.at_us)
        except StorageError as problem:
            with self._lock:
                read_us, known = self._limits.get(request.unit_id, (NEVER_US, STRICTEST))
            before = abs(request.at_us - read_us) < LIMITS_HOLD_US
            said: Context = {"state_problem": str(problem)[:200], "limits": BEFORE if before else BLIND}
            return Past(request.unit_id, *_EMPTY, limits=known if before else STRICTEST), said
        self._remember(past, request.at_us)
        return past, {}

    def _remember(self, past: Past, at_us: int) -> None:
        with self._lock:
            kept = self._limits
            kept[past.member_id] = at_us, past.limits.located(past.last_territory)
            kept.move_to_end(past.member_id)
            while len(kept) > LIMITS_KEPT or at_us - next(iter(kept.values()))[0] >= LIMITS_HOLD_US:
                kept.popitem(last=False)

    def _page_for(self, past: Past, request: Request) -> MadePage:
        here = narrowed(past.limits, request).located(past.last_territory)
        return self._page(here, self.composer.moved(request.at_us))

    def _page(self, here: Limits, composer: Composer) -> MadePage:
        """The page of all members with these limits who have not watched anything; nothing in it is drawn."""
        shared: SharedShelves = composer.audience(here)
        key = (f"{shared.actions} {here.territory}", composer.audiences.span(composer.at_us)[0])
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
