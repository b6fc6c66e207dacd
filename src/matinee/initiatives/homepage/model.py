"""The homepage's models: next title for session rows, window for taste rows, likeness for explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.ease import EaseScorer
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.models.title_vectors import plays_and_genres
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.window import Window
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.types import Ids, Index

Progress = Callable[[str, float], None]
NEIGHBOURS = 50
"""Similar titles kept per title."""


@dataclass(frozen=True, slots=True)
class HomepageModel:
    """What was trained, together with the catalogue and the log that it is asked about.

    Who watched what is given when it is opened (`of`), so that pages follow the log without retraining.

    Attributes
    ----------
    title_ids : ndarray of object (str)
        Titles the models know, by position.
    next_title, window : NextTitle, Window
    popularity : PopularityScorer
    vectors : ndarray of float32, shape (n_titles, d)
    neighbours, neighbour_scores : ndarrays of int32 and float32, shape (n_titles, NEIGHBOURS)
    catalogue : Catalogue
        Titles of the page; those the models do not know follow after the ones they know.
    interactions : Interactions
        Who watched what until the page; titles as in `catalogue`.
    """

    title_ids: Ids
    next_title: NextTitle
    window: Window
    popularity: PopularityScorer
    vectors: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    neighbour_scores: NDArray[np.float32]
    catalogue: Catalogue
    interactions: Interactions

    @property
    def member_ids(self) -> Ids:
        """Members with a history."""
        return self.interactions.member_ids

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
        return HomepageModel.of(trained, catalogue, known)

    @staticmethod
    def of(trained: TrainedHomepage, catalogue: Catalogue, interactions: Interactions) -> HomepageModel:
        """What was trained, to be asked about a catalogue and log as they are now."""
        return HomepageModel(
            title_ids=trained.title_ids,
            next_title=trained.next_title,
            window=trained.window,
            popularity=PopularityScorer(trained.popularity.config).fit(interactions),
            vectors=trained.vectors,
            neighbours=trained.neighbours,
            neighbour_scores=trained.neighbour_scores,
            catalogue=catalogue,
            interactions=interactions,
        )

    def title_state(self, at_us: int) -> TitleState:
        """What is the same for all members at a moment."""
        place = self._place()
        territories = [t for t in self.popularity.territories_ if t]
        back = np.full(len(self.title_ids) + 1, -1, np.int32)
        back[:-1] = place
        n, k = len(self.catalogue), self.neighbours.shape[1]
        neighbours, scores = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)
        here = place >= 0
        neighbours[place[here]] = back[self.neighbours[here]]
        scores[place[here]] = self.neighbour_scores[here]
        vectors = np.zeros((n, self.vectors.shape[1]), np.float32)
        vectors[place[here]] = self.vectors[here]
        return TitleState(
            catalogue=self.catalogue,
            popularity=self.popularity.decayed(at_us),
            trending=self.popularity.trending(at_us),
            territory_popularity={t: self.popularity.decayed(at_us, t) for t in territories},
            vectors=vectors,
            neighbours=neighbours,
            neighbour_scores=scores,
        )

    def member_states(self, members: Sequence[str], at_us: int) -> list[MemberState]:
        """State of each member at a moment; one without history has an empty one and popularity's scores.

        Limits are not known to the model: the caller fills them in.
        """
        position = {str(m): i for i, m in enumerate(self.interactions.member_ids)}
        rows = np.array([position.get(str(m), -1) for m in members], np.int64)
        known = rows[rows >= 0]
        some = self.interactions.take(known)
        some = some.keep(some.histories.at_us <= at_us)
        histories = _with_empty(some.histories, rows >= 0)
        asked = np.full(len(members), at_us, np.int64)
        inside, place = self._as_trained(histories), self._place()
        next_scores = self._to_catalogue(self.next_title.score_at(inside, asked), place)
        window_scores = self._to_catalogue(self.window.score_at(inside, asked), place)
        homes = {} if some.territory is None else dict(zip(some.member_ids, some.territory, strict=True))
        states = []
        for i, member in enumerate(members):
            events = slice(histories.indptr[i], histories.indptr[i + 1])
            states.append(
                MemberState(
                    member_id=str(member),
                    limits=Limits(),
                    history=histories.title[events],
                    history_at_us=histories.at_us[events],
                    history_weight=some.weight[events],
                    next_scores=next_scores[i],
                    window_scores=window_scores[i],
                    last_territory=homes.get(str(member)),
                )
            )
        return states

    def _place(self) -> Index:
        """Position in the catalogue of each title that the models know; -1 where it is not there."""
        position = {str(t): i for i, t in enumerate(self.catalogue.title_ids)}
        return np.array([position.get(str(t), -1) for t in self.title_ids], np.int32)

    def _as_trained(self, histories: Histories) -> Histories:
        """The same histories in the positions of the models, without titles they do not know."""
        to_model = np.full(len(self.catalogue), -1, np.int32)
        place = self._place()
        to_model[place[place >= 0]] = np.flatnonzero(place >= 0).astype(np.int32)
        title = to_model[histories.title]
        kept = Histories(histories.indptr, title, histories.at_us)
        return kept.keep(title >= 0)

    def _to_catalogue(self, scores: NDArray[np.float32], place: Index) -> NDArray[np.float32]:
        out = np.zeros((len(scores), len(self.catalogue)), np.float32)
        here = place >= 0
        out[:, place[here]] = scores[:, here]
        return out


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


def _with_empty(histories: Histories, known: NDArray[np.bool_]) -> Histories:
    """Histories of the known members with empty ones in the places of the others."""
    lengths = np.zeros(len(known), np.int64)
    lengths[known] = histories.lengths
    return Histories(np.concatenate([[0], np.cumsum(lengths)]), histories.title, histories.at_us)
