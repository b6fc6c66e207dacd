"""The trained models asked about a catalogue as it is now: pasts of members in, states with scores out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.members import Past
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.interactions import Histories
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.together import score_together
from matinee.learn.recommenders.window import Window
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import SECOND_US, Ids, Index, Scores

MINUTE_US = 60 * SECOND_US
SCORES_BYTES = 32 * 2**20
"""Memory for the scores of members who were asked about last, in a process."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """Two recommenders and the way between their titles and those of a catalogue.

    Attributes
    ----------
    next_title, window : NextTitle, Window
    n_titles : int
        Of the catalogue.
    place : ndarray of int64, shape (n_known,)
        Position in the catalogue of each title that the models know and the catalogue has.
    known : ndarray of int64, shape (n_known,)
        Position of the same titles in the models.
    as_trained : ndarray of int32, shape (n_titles,)
        Position in the models of each title of the catalogue; -1 where they do not know it.
    same : bool
        The models and the catalogue have the same titles in the same order.
    """

    next_title: NextTitle
    window: Window
    n_titles: int
    place: NDArray[np.int64]
    known: NDArray[np.int64]
    as_trained: Index
    same: bool

    @staticmethod
    def on(catalogue: Catalogue, title_ids: Ids, next_title: NextTitle, window: Window) -> Scoring:
        """Models that know `title_ids`, asked about a catalogue."""
        position = {str(t): i for i, t in enumerate(catalogue.title_ids)}
        place = np.array([position.get(str(t), -1) for t in title_ids], np.int64)
        known = np.flatnonzero(place >= 0)
        as_trained = np.full(len(catalogue), -1, np.int32)
        as_trained[place[known]] = known
        same = len(place) == len(catalogue) and bool((place == np.arange(len(place))).all())
        return Scoring(next_title, window, len(catalogue), place[known], known, as_trained, same)

    def states(self, pasts: Sequence[Past], asked_us: int) -> list[MemberState]:
        """State of each member, scored as of a moment; one without history gets what popularity says."""
        following, window = self.scores(pasts, asked_us)
        return [with_scores(past, following[i], window[i]) for i, past in enumerate(pasts)]

    def scores(self, pasts: Sequence[Past], asked_us: int) -> tuple[Scores, Scores]:
        """Scores of the next title and of the coming weeks, each of shape (n_members, n_titles)."""
        histories = self._inside(pasts)
        asked = np.full(len(pasts), asked_us, np.int64)
        following, window = score_together(self.next_title, self.window, histories, asked)
        return self._to_catalogue(following), self._to_catalogue(window)

    def _inside(self, pasts: Sequence[Past]) -> Histories:
        """Histories in the positions of the models, without titles that they do not know."""
        lengths = [len(past.history) for past in pasts]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        title = self.as_trained[np.concatenate([np.zeros(0, np.int32), *[p.history for p in pasts]])]
        times = np.concatenate([np.zeros(0, np.int64), *[p.history_at_us for p in pasts]])
        histories = Histories(indptr, title, times)
        return histories if self.same else histories.keep(title >= 0)

    def _to_catalogue(self, scores: Scores) -> Scores:
        if self.same:
            return scores
        out = np.zeros((len(scores), self.n_titles), np.float32)
        out[:, self.place] = scores[:, self.known]
        return out


class RecentScores:
    """Scores of the members who were asked about last, within a bound of bytes; safe for threads.

    A member's scores hold for a minute (`whole_minute`) and until they do something; those of an earlier
    minute go as soon as somebody else is scored.
    """

    def __init__(self, n_titles: int, most_bytes: int = SCORES_BYTES) -> None:
        self.room = max(1, most_bytes // max(1, 8 * n_titles))
        self._kept: OrderedDict[tuple[str, int, int], tuple[Scores, Scores]] = OrderedDict()
        self._lock = Lock()

    def find(self, key: tuple[str, int, int]) -> tuple[Scores, Scores] | None:
        """Scores under (member, number of their state, moment)."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: tuple[str, int, int], scores: tuple[Scores, Scores]) -> None:
        """Remember scores; those of another minute, and then the oldest, make room."""
        with self._lock:
            self._kept[key] = scores
            while len(self._kept) > self.room or next(iter(self._kept))[2] < key[2]:
                self._kept.popitem(last=False)

    def forget(self, member_ids: Container[str]) -> None:
        """Drop the scores of some members."""
        with self._lock:
            for key in [key for key in self._kept if key[0] in member_ids]:
                del self._kept[key]


def with_scores(past: Past, following: Scores, window: Scores) -> MemberState:
    """A member's past and scores as the composer takes them."""
    return MemberState(
        member_id=past.member_id,
        limits=past.limits,
        history=past.history,
        history_at_us=past.history_at_us,
        history_weight=past.history_weight,
        next_scores=following,
        window_scores=window,
        in_progress=past.marks.in_progress,
        in_progress_share=past.marks.in_progress_share,
        my_list=past.marks.my_list,
        disliked=past.marks.disliked,
        last_territory=past.last_territory,
    )


def whole_minute(at_us: int) -> int:
    """Moment as of which the models are asked for a page at `at_us`: scores are the same for a minute.

    Examples
    --------
    >>> whole_minute(125_000_000)
    120000000
    """
    return at_us // MINUTE_US * MINUTE_US


def title_state(
    trained: TrainedHomepage,
    scoring: Scoring,
    catalogue: Catalogue,
    popularity: PopularityScorer,
    at_us: int,
) -> TitleState:
    """What is the same for all members at a moment: popularity as of then, and what was learned."""
    back = np.full(len(trained.title_ids) + 1, -1, np.int32)
    back[scoring.known] = scoring.place
    n, k = len(catalogue), trained.neighbours.shape[1]
    neighbours, scores = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)
    neighbours[scoring.place] = back[trained.neighbours[scoring.known]]
    scores[scoring.place] = trained.neighbour_scores[scoring.known]
    vectors = np.zeros((n, trained.vectors.shape[1]), np.float32)
    vectors[scoring.place] = trained.vectors[scoring.known]
    territories = [t for t in popularity.territories_ if t]
    return TitleState(
        catalogue=catalogue,
        popularity=popularity.decayed(at_us),
        trending=popularity.trending(at_us),
        territory_popularity={t: popularity.decayed(at_us, t) for t in territories},
        vectors=vectors,
        neighbours=neighbours,
        neighbour_scores=scores,
    )
