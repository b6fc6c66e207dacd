"""The homepage's models: next title for session rows, window for taste rows, likeness for explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.members import LakeMembers
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.scoring import Scoring, title_state
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.interactions import Interactions
from matinee.learn.models.ease import EaseScorer
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.models.title_vectors import plays_and_genres
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.window import Window
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Ids

Progress = Callable[[str, float], None]
NEIGHBOURS = 50
"""Similar titles kept per title."""


@dataclass(frozen=True, slots=True)
class HomepageModel:
    """What was trained, together with the catalogue and the log that it is asked about.

    Who watched what is given when it is opened (`of`), so that pages follow the log without retraining.

    Attributes
    ----------
    trained : TrainedHomepage
    catalogue : Catalogue
        Titles of the page, whether the models know them or not.
    popularity : PopularityScorer
        Of the log as it is now.
    members : LakeMembers
        Who watched what until the page; titles as in `catalogue`.
    scoring : Scoring
    """

    trained: TrainedHomepage
    catalogue: Catalogue
    popularity: PopularityScorer
    members: LakeMembers
    scoring: Scoring

    @property
    def member_ids(self) -> Ids:
        """Members with a history."""
        return self.members.interactions.member_ids

    @staticmethod
    def fit(
        interactions: Interactions,
        catalogue: Catalogue,
        *,
        at_us: int,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> HomepageModel:
        """Learn from everything until `at_us`; later events are left out.

        Parameters
        ----------
        interactions : Interactions
            Titles in the order of `catalogue`.
        catalogue : Catalogue
        at_us : int
        seed : int
        progress : callable, optional
            Gets the name of a step and the share that is done, 0 to 1.
        """
        known = interactions.keep(interactions.histories.at_us <= at_us)
        tell = progress or (lambda _step, _share: None)
        next_title = fit_next_title(
            known, catalogue, seed=seed, progress=lambda s, x: tell(f"next title: {s}", 0.6 * x)
        )
        window = fit_window(
            known, catalogue, seed=seed, progress=lambda s, x: tell(f"coming weeks: {s}", 0.6 + 0.35 * x)
        )
        tell("likeness of titles", 0.96)
        trained = put_together(known, catalogue, next_title, window, seed=seed)
        return HomepageModel.of(trained, catalogue, LakeMembers(known))

    @staticmethod
    def of(trained: TrainedHomepage, catalogue: Catalogue, members: LakeMembers) -> HomepageModel:
        """What was trained, to be asked about a catalogue and log as they are now."""
        return HomepageModel(
            trained,
            catalogue,
            PopularityScorer(trained.popularity.config).fit(members.interactions),
            members,
            Scoring.on(catalogue, trained.title_ids, trained.next_title, trained.window),
        )

    def title_state(self, at_us: int) -> TitleState:
        """What is the same for all members at a moment."""
        return title_state(self.trained, self.scoring, self.catalogue, self.popularity, at_us)

    def member_states(
        self, members: Sequence[str], at_us: int, *, asked_us: int | None = None
    ) -> list[MemberState]:
        """State of each member at a moment; one without history has an empty one and popularity's scores.

        `asked_us`: as of when the models are asked, `at_us` unless given.
        """
        return self.scoring.states(self.members.of(members, at_us), at_us if asked_us is None else asked_us)


def fit_next_title(
    interactions: Interactions, catalogue: Catalogue, *, seed: int, progress: Progress | None = None
) -> NextTitle:
    """The session rows' model, which also knows members who come back after a pause."""
    config = replace(NextTitle.default_config, returns=True)
    return NextTitle(config, seed=seed, catalogue=catalogue, progress=progress).fit(interactions)


def fit_window(
    interactions: Interactions, catalogue: Catalogue, *, seed: int, progress: Progress | None = None
) -> Window:
    """The taste rows' model."""
    return Window(seed=seed, catalogue=catalogue, progress=progress).fit(interactions)


def put_together(
    interactions: Interactions, catalogue: Catalogue, next_title: NextTitle, window: Window, *, seed: int
) -> TrainedHomepage:
    """The two models with what explains and varies a page: popularity, vectors and likeness of titles."""
    assert window.generators_ is not None
    neighbours, scores = similar_titles(window.generators_.ease, len(catalogue))
    return TrainedHomepage(
        title_ids=catalogue.title_ids,
        next_title=next_title,
        window=window,
        popularity=PopularityScorer().fit(interactions),
        vectors=plays_and_genres(interactions, catalogue, seed=seed),
        neighbours=neighbours,
        neighbour_scores=scores,
    )


def similar_titles(ease: EaseScorer, n_titles: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Most similar titles of each title by EASE's weights, best first; only those with a positive weight."""
    assert ease.titles_ is not None
    assert ease.weights_ is not None
    neighbours = np.full((n_titles, NEIGHBOURS), -1, np.int32)
    scores = np.zeros((n_titles, NEIGHBOURS), np.float32)
    k = min(NEIGHBOURS, len(ease.titles_))
    if k == 0:
        return neighbours, scores
    for start in range(0, len(ease.titles_), 1024):
        weights = ease.weights_[start : start + 1024]
        best = np.argpartition(-weights, k - 1, axis=1)[:, :k]
        value = np.take_along_axis(weights, best, axis=1)
        order = np.argsort(-value, axis=1, kind="stable")
        best, value = np.take_along_axis(best, order, axis=1), np.take_along_axis(value, order, axis=1)
        own = ease.titles_[start : start + 1024]
        neighbours[own, :k] = np.where(value > 0, ease.titles_[best], -1)
        scores[own, :k] = np.maximum(value, 0.0)
    return neighbours, scores
