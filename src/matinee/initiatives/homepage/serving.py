"""The homepage as the platform asks for it: one member in, a page of tiles with propensities out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matinee.errors import InputError
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.initiatives.homepage.page import MemberState, Page, TitleState
from matinee.initiatives.homepage.record import POLICY, page_slots
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.members import MATURITY_MAX, Member
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.types import Index

FALLBACK = "homepage/popular"


@dataclass(slots=True)
class HomepageDecider:
    """Composes pages with a trained model."""

    live: LiveHomepage
    policy: str = POLICY

    @staticmethod
    def open(folder: Path, around: Surroundings) -> HomepageDecider:
        """Load a model for the home as it is at a moment."""
        return HomepageDecider(LiveHomepage.of(folder, around.home, around.at_us, config=around.config))

    def decide(self, request: Request) -> Decided:
        """The page of a member; `context` may hold rows, cols and narrower limits, see `narrowed`."""
        (state,) = self.live.states([request.unit_id])
        return composed(self.live.composer, state, request)


@dataclass(slots=True)
class PopularHomepage:
    """Composes pages without a model: what is popular, under the same masks, in the same rows.

    It reads the log once when it is opened; nothing is trained.
    """

    composer: Composer
    members: dict[str, Member]
    watched: dict[str, Index]
    titles: TitleState
    policy: str = FALLBACK

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
        watched = {str(m): plays.histories.of(i) for i, m in enumerate(plays.member_ids)}
        composer = Composer(titles, at_us=at_us, config=around.config)
        return PopularHomepage(composer, load_members(home, at_us), watched, titles)

    def decide(self, request: Request) -> Decided:
        """The page of a member by popularity alone."""
        history = self.watched.get(request.unit_id, np.zeros(0, np.int32))
        known = self.members.get(request.unit_id)
        total = float(self.titles.popularity.sum()) or 1.0
        share = (self.titles.popularity / total).astype(np.float32)
        state = MemberState(
            member_id=request.unit_id,
            limits=known.limits if known else Limits(),
            history=history,
            history_at_us=np.zeros(len(history), np.int64),
            history_weight=np.ones(len(history), np.float32),
            next_scores=share,
            window_scores=share,
        )
        return composed(self.composer, state, request)


def composed(composer: Composer, state: MemberState, request: Request) -> Decided:
    """One page as slots, after the limits in the request."""
    state = replace(state, limits=narrowed(state.limits, request))
    rows, cols = (_number(request, name) for name in ("rows", "cols"))
    if request.actions is not None:
        state = replace(state, disliked=_others(composer.titles, state, request.actions))
    page: Page = composer.page(state, rows=rows, cols=cols)
    return Decided(tuple(page_slots(page)), (_mask_reference(composer, state),), page.reason)


def narrowed(limits: Limits, request: Request) -> Limits:
    """The member's limits and those of the request (territory, maturity, kids): the stricter of each."""
    context = request.context
    maturity = context.get("maturity")
    asked = Limits(
        territory=None if context.get("territory") is None else str(context["territory"]),
        maturity_max=MATURITY_MAX if maturity is None else int(maturity),
        kids=bool(context.get("kids", False)),
    )
    return limits.narrowed(asked)


def _others(titles: TitleState, state: MemberState, actions: tuple[str, ...]) -> Index:
    """Titles that a request excludes by naming others, with those that the member dislikes: same mask."""
    allowed = np.isin(titles.catalogue.title_ids.astype(str), np.array(actions, dtype=np.str_))
    return np.union1d(state.disliked, np.flatnonzero(~allowed)).astype(np.int32)


def _mask_reference(composer: Composer, state: MemberState) -> str:
    """Name of the set of titles that could have been shown: equal sets have equal names."""
    shown = composer.audience(state.limits).audience.shown.copy()
    shown[state.disliked] = False
    return f"mask:{hashlib.blake2b(np.packbits(shown).tobytes(), digest_size=8).hexdigest()}"


def _number(request: Request, name: str) -> int | None:
    """A positive whole number from the context.

    Raises
    ------
    InputError
        It is something else.
    """
    value = request.context.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"homepage: {name} is {value!r}, expected a whole number, 1 or more.")
    return value
