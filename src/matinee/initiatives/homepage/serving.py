"""The homepage as the platform asks for it: one member in, a page of tiles with propensities out."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from matinee.errors import StorageError
from matinee.initiatives.homepage.answering import Answer, answer, explained, located, position_of
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.correcting import corrected
from matinee.initiatives.homepage.live import BATCH, load_trained
from matinee.initiatives.homepage.made import MADE_COLS, MADE_ROWS, pack, service_key, unpack
from matinee.initiatives.homepage.members import LakeMembers, Past, Pasts, StateMembers
from matinee.initiatives.homepage.page import MemberState
from matinee.initiatives.homepage.record import POLICY
from matinee.initiatives.homepage.scoring import RecentScores, Scoring, title_state, whole_minute, with_scores
from matinee.initiatives.homepage.trace import PageTrace
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.lake.reader import Moment
from matinee.observe.member_state import TitleTable, read_marks
from matinee.observe.play_rates import read_play_rates
from matinee.platform.deciding import Decided, Explained, Request, Surroundings
from matinee.platform.whereabouts import Located

AHEAD = 16
"""Audiences, those asked for last first, that are prepared before anybody needs them."""


@dataclass(slots=True)
class HomepageDecider:
    """Composes pages with a trained model; several threads may ask at once.

    Attributes
    ----------
    trained : TrainedHomepage
        Without the plays it was trained on: popularity is that of the log as it is now.
    scoring : Scoring
    members : Pasts
        A server's state, read at each request; else the lake as of the opening, in memory.
    titles : TitleTable
    composer : Composer
    model : str
        Name of the model's folder: pages made ahead are of use to the same model only.
    """

    trained: TrainedHomepage
    scoring: Scoring
    members: Pasts
    titles: TitleTable
    composer: Composer
    model: str
    policy: str = POLICY
    _recent: RecentScores = field(init=False, repr=False)
    _service: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._recent = RecentScores(self.scoring.n_titles)
        self._service = service_key(self.composer.titles.catalogue, self.composer.config)

    @staticmethod
    def open(folder: Path, around: Surroundings) -> HomepageDecider:
        """Load a model for the home as it is at a moment."""
        trained = load_trained(folder, around.home)
        bare = PopularityScorer(trained.popularity.config)
        return _open(replace(trained, popularity=bare), folder.name, around)

    def refreshed(self, around: Surroundings) -> HomepageDecider:
        """The same model with the catalogue and the log of another moment.

        Audiences that were asked for lately are prepared, so that the first requests need not wait for them.
        """
        fresh = _open(self.trained, self.model, around)
        fresh.prepare(around.at_us, self.composer.audiences.in_use())
        return fresh

    def prepare(self, at_us: int, audiences: Sequence[Limits] | None = None) -> None:
        """Prepare audiences (those asked for lately) for a moment, before a request of then needs them."""
        kept = self.composer.audiences
        kept.prepare((kept.in_use() if audiences is None else audiences)[:AHEAD], at_us)

    def forget(self, unit_ids: Container[str]) -> None:
        """Drop the scores of some members."""
        self._recent.forget(unit_ids)

    def decide(self, request: Request) -> Decided:
        """The page of a member; `context` may hold rows, cols and narrower limits, see `asking`."""
        return self._answer(request).decided

    def explain(self, request: Request) -> Explained:
        """The same page, with what each rule removed from the catalogue and from each row."""
        trace = PageTrace()
        return explained(self._answer(request, trace), trace)

    def locate(self, request: Request, action: str) -> Located:
        """Where a title stands on the page, or the first rule that keeps it off."""
        trace = PageTrace(asked=position_of(self.titles, action))
        return located(self._answer(request, trace), trace)

    def actions_of(self, reference: str) -> list[str] | None:
        """Ids of the titles of an action set."""
        return self.composer.audiences.actions_of(reference)

    def similar(self, action: str, n: int) -> list[str]:
        """Titles that are watched by the same members as one; those of its series for an episode."""
        title = self.titles.position.get(action)
        if title is None or n < 1:
            return []
        near = self.composer.titles.neighbours[self.composer.unit[title]]
        ids = self.composer.titles.catalogue.title_ids
        return [str(ids[one]) for one in near[near >= 0][:n].tolist()]

    def preferences(self, request: Request) -> list[float]:
        """P(play) of each title that is asked about, both scores blended as on the page; 0 if unknown."""
        (past,) = self.members.of([request.unit_id], request.at_us)
        state = self._scored(past, request.at_us)
        share = self.composer.config.session_share
        unit, position = self.composer.unit, self.titles.position
        at = [position.get(one, -1) for one in request.actions or ()]
        blended = share * state.next_scores + (1.0 - share) * state.window_scores
        return [float(max(blended[unit[t]], 0.0)) if t >= 0 else 0.0 for t in at]

    def precompute(self, unit_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Pages for the moment of this decider, packed; members are scored in batches."""
        composer = self.composer
        at_us = composer.at_us
        for start in range(0, len(unit_ids), BATCH):
            pasts = self.members.of(unit_ids[start : start + BATCH], at_us)
            states = self.scoring.states(pasts, whole_minute(at_us))
            for past, state in zip(pasts, states, strict=True):
                page = composer.page(state, rows=MADE_ROWS, cols=MADE_COLS)
                yield (
                    past.member_id,
                    pack(
                        page,
                        service=self._service,
                        model=self.model,
                        acted=past.acted,
                        territory=state.here.territory,
                        composer=composer,
                    ),
                )

    def decide_from(self, made: bytes, request: Request) -> Decided | None:
        """A page that was made ahead, after what has happened since; None if it is of no use any more."""
        try:
            page = unpack(made)
        except StorageError:
            return None
        if page.service != self._service or page.model != self.model:
            return None
        acted = -1 if page.acted is None else page.acted
        past = self.members.since(request.unit_id, acted, request.at_us)
        return corrected(page, past, request, self.composer, self.titles)

    def _answer(self, request: Request, trace: PageTrace | None = None) -> Answer:
        (past,) = self.members.of([request.unit_id], request.at_us)
        given = answer(self.composer, self._scored(past, request.at_us), request, self.titles, trace=trace)
        if past.acted is None:
            return given
        context = given.decided.context | {"acted": past.acted}
        return replace(given, decided=replace(given.decided, context=context))

    def _scored(self, past: Past, at_us: int) -> MemberState:
        """The member's state with scores: those of a moment ago, if nothing happened since."""
        asked_us = whole_minute(at_us)
        key = (past.member_id, past.acted or 0, asked_us)
        scores = None if past.acted is None else self._recent.find(key)
        if scores is None:
            following, window = self.scoring.scores([past], asked_us)
            scores = following[0], window[0]
            if past.acted is not None:
                self._recent.keep(key, scores)
        return with_scores(past, *scores)


def _open(trained: TrainedHomepage, model: str, around: Surroundings) -> HomepageDecider:
    """A model with what is the same for all members; of members only what the state does not have."""
    home, at_us = around.home, around.at_us
    catalogue = load_catalogue(home, at_us)
    plays = interactions_from_home(home, until_us=at_us, catalogue=catalogue)
    popularity = PopularityScorer(trained.popularity.config).fit(plays)
    rates = read_play_rates(home, catalogue, Moment(at_us, at_us))
    scoring = Scoring.on(catalogue, trained.title_ids, trained.next_title, trained.window)
    titles = replace(title_state(trained, scoring, catalogue, popularity, at_us), rates=rates)
    members: Pasts
    if around.members is None:
        marks = read_marks(home, catalogue, Moment(at_us, at_us))
        members, table = LakeMembers(plays, load_members(home, at_us), marks), TitleTable.of(catalogue)
    else:
        state = StateMembers.on(catalogue, around.members)
        members, table = state, state.titles
    config: PageConfig | None = around.config
    composer = Composer(titles, at_us=at_us, config=config)
    return HomepageDecider(trained, scoring, members, table, composer, model)
