"""What the rankers see of each candidate: scores of the generators and point-in-time facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.learn.models.decayed_ridge import DecayedRidgeScorer
from matinee.learn.models.ease import EaseScorer
from matinee.learn.models.ials import IalsScorer
from matinee.learn.models.sequence_neighbours import Reach, SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import (
    Queries,
    mask_seen,
    own_later,
    rank_in_list,
    top,
)
from matinee.learn.recommenders.columns import fill, fixed_columns, query_facts, standardise, varying
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.types import DAY_US, Index, Mask, Scores, Times

WINDOWS_US = np.array([DAY_US, 7 * DAY_US, 30 * DAY_US, 120 * DAY_US], np.int64)
"""Windows of recent popularity."""
LAST_TITLES = 3
"""How many of the latest titles have their own link to a candidate as a feature."""
NEAR = Reach(anchors=1, ahead=2, ahead_decay=0.6)
FAR = Reach(anchors=5, ahead=15, ahead_decay=0.85, behind=0.5)
"""The neighbours' votes with a shorter and a longer view are features too."""
RETURN_RECENT = 5.0
"""Weight of recent popularity among candidates for a member who comes back after a pause, unless validation
says otherwise (see `choices`)."""
CHUNK_CELLS = 2_000_000
"""Cells of a dense score block; bounds memory whatever the size of the catalogue."""


@dataclass(frozen=True, slots=True)
class Generators:
    """The models whose scores make candidates and features.

    With `edlae` the candidates are those for the coming weeks (EASE, EDLAE, in a large catalogue iALS, and
    recent popularity), and their features stand once more standardised inside each list; without it those
    for the next title (neighbours, ridge, recent popularity). `return_recent` is the weight of recent
    popularity after a pause.
    """

    ridge: DecayedRidgeScorer
    ease: EaseScorer
    neighbours: SequenceNeighboursScorer
    edlae: EaseScorer | None = None
    ials: IalsScorer | None = None
    return_recent: float = RETURN_RECENT


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate titles of each query, best first by the plain sum, and their features.

    Attributes
    ----------
    title : ndarray of int32, shape (n_queries, n_candidates)
        Entries whose `base` is -inf are filler.
    base : ndarray of float32, same shape
        Sum of the generators.
    features : ndarray of float32, shape (n_queries, n_candidates, n_features)
    total : ndarray of float32, shape (n_queries, n_titles), or None
        Sum of the generators for the whole catalogue, when asked for.
    """

    title: Index
    base: Scores
    features: Scores
    total: Scores | None = None

    def room_for(self, n_queries: int) -> Candidates:
        """Arrays like these for so many queries, not filled in."""
        return Candidates(
            title=np.empty((n_queries, self.title.shape[1]), np.int32),
            base=np.empty((n_queries, self.base.shape[1]), np.float32),
            features=np.empty((n_queries, *self.features.shape[1:]), np.float32),
            total=None if self.total is None else np.empty((n_queries, self.total.shape[1]), np.float32),
        )

    def put(self, queries: Index | Times, part: Candidates) -> None:
        """Fill in some queries."""
        self.title[queries], self.base[queries] = part.title, part.base
        self.features[queries] = part.features
        if self.total is not None and part.total is not None:
            self.total[queries] = part.total


def votes_of(neighbours: SequenceNeighboursScorer, queries: Queries) -> Scores:
    """The neighbours' votes by reach, shape (3, n_queries, n_titles)."""
    return neighbours.votes(queries.histories, queries.member, (neighbours.config.reach, NEAR, FAR))


def base_scores(generators: Generators, facts: TitleFacts, queries: Queries) -> tuple[Scores, Scores]:
    """Sum of the generators over the whole catalogue, and the neighbours' votes by reach."""
    total, votes, _ = _base_scores(generators, facts, queries, None)
    return total, votes


def _base_scores(
    generators: Generators, facts: TitleFacts, queries: Queries, votes: Scores | None
) -> tuple[Scores, Scores, list[Scores]]:
    """Also the scores of EDLAE and iALS, which are features too; `votes` where they are known already."""
    histories = queries.histories
    tastes: list[Scores] = []
    if votes is None:
        votes = votes_of(generators.neighbours, queries)
    if generators.edlae is None:
        recent = facts.recent_share(queries.asked_us)
        recent[queries.paused()] *= np.float32(generators.return_recent)
        total = votes[0] + generators.ridge.score(histories) + recent
        first_visit = histories.lengths == 0  # the ridge has only seen what follows something
        total[first_visit] = recent[first_visit] + facts.popularity / max(1.0, float(facts.popularity.sum()))
    else:
        total = generators.ease.score(histories)
        tastes.append(generators.edlae.score(histories))
        if generators.ials is not None:
            tastes.append(generators.ials.score(histories))
        for taste in tastes:
            total += taste
        total += facts.recent_share(queries.asked_us) * total.sum(axis=1, keepdims=True).clip(min=1.0)
    total += facts.prior[None, :]
    if len(facts.unwatched):
        total[:, facts.unwatched] += facts.likeness(histories)
    return total, votes, tastes


def make_candidates(
    generators: Generators,
    facts: TitleFacts,
    queries: Queries,
    n_candidates: int,
    permitted: Mask | None = None,
    *,
    keep_total: bool = False,
    votes: Scores | None = None,
) -> Candidates:
    """Candidates of each query with features; in blocks of bounded memory unless `keep_total`.

    `votes` are those of `votes_of`, where they are known already.
    """
    n_titles = len(facts.prior)
    if len(queries) == 1:
        return _block(generators, facts, queries, n_candidates, permitted, keep_total, votes)
    step = max(1, CHUNK_CELLS // n_titles)
    order = np.argsort(queries.asked_us, kind="stable")  # recent popularity moves on with time
    out: Candidates | None = None
    for start in range(0, len(order), step):
        rows = order[start : start + step]
        known = None if votes is None else votes[:, rows]
        part = _block(generators, facts, queries.take(rows), n_candidates, permitted, keep_total, known)
        if out is None:
            out = part.room_for(len(order))
        out.put(rows, part)
    if out is None:
        empty = np.zeros((0, 0), np.float32)
        return Candidates(np.zeros((0, 0), np.int32), empty, np.zeros((0, 0, 0), np.float32))
    return out


def _block(
    generators: Generators,
    facts: TitleFacts,
    queries: Queries,
    n_candidates: int,
    permitted: Mask | None,
    keep_total: bool,
    votes_known: Scores | None,
) -> Candidates:
    histories = queries.histories
    total, by_reach, tastes = _base_scores(generators, facts, queries, votes_known)
    kept = total.copy() if keep_total else None
    mask_seen(total, histories, permitted)
    title, base = top(total, n_candidates)
    at = np.arange(len(queries))[:, None]
    ridge = ridge_parts(generators.ridge, histories.indptr, histories.title, title)
    ease = ease_parts(generators.ease, queries, title)
    later = np.empty(title.shape, np.int32)
    same_time = np.empty(title.shape, np.int32)
    train = generators.neighbours.histories_
    assert train is not None
    own_later(
        histories.indptr,
        queries.member,
        title,
        train.indptr,
        train.title,
        train.at_us,
        queries.asked_us,
        later,
        same_time,
    )
    links = facts.links(queries, title, train, LAST_TITLES)
    counts = facts.recent_plays(title, facts.known_until(queries.asked_us), WINDOWS_US)
    counts -= same_time[:, :, None]
    more: list[Scores] = []
    for whole in tastes:
        taste = whole[at, title]
        more += [taste, rank_in_list(taste)]
    more += facts.metadata_columns(histories, title)
    first = fixed_columns(ridge.shape[2], ease.shape[2], links.shape[2], counts.shape[2])
    last = first + len(more)
    again = np.zeros(0, np.int64) if generators.edlae is None else varying(ridge.shape[2], first, last)
    columns = np.empty((*title.shape, last + len(again)), np.float32)
    parts, about = (ridge, ease, links), query_facts(queries)
    fill(by_reach, title, base, parts, counts, later, facts.popularity, about, LAST_TITLES, columns)
    for k, column in enumerate(more):
        columns[:, :, first + k] = column
    standardise(columns, again, base, last)
    return Candidates(title, base, columns, kept)


def ridge_parts(
    ridge: DecayedRidgeScorer, indptr: NDArray[np.int64], title: Index, candidates: Index
) -> NDArray[np.float32]:
    """Ridge score of each candidate by scale, the bias, and the links from the last titles.

    Shape (n_queries, n_candidates, n_scales + 1 + LAST_TITLES).
    """
    assert ridge.features_ is not None
    assert ridge.targets_ is not None
    assert ridge.weights_ is not None
    scales = len(ridge.config.decays)
    out = np.zeros((*candidates.shape, scales + 1 + LAST_TITLES), np.float32)
    _ridge_parts(
        indptr,
        title,
        ridge.head(),
        np.array(ridge.config.decays),
        np.array(ridge.config.depths),
        ridge.weights_,
        ridge.targets_[candidates],
        LAST_TITLES,
        out,
    )
    return out


@njit(cache=True, fastmath=True)
def _ridge_parts(indptr, title, head, decays, depths, weights, columns, last_titles, out):  # type: ignore[no-untyped-def]
    scales = len(decays)
    bias = weights.shape[0] - 1
    place = np.empty(columns.shape[1], np.uint32)  # of the candidates that the ridge scores
    column = np.empty(columns.shape[1], np.uint32)
    total = np.empty(columns.shape[1], np.float32)
    for q in range(len(indptr) - 1):
        n = 0
        for c in range(columns.shape[1]):
            if columns[q, c] >= 0:
                place[n], column[n] = c, columns[q, c]
                out[q, c, scales] = weights[bias, columns[q, c]]
                n += 1
        length = indptr[q + 1] - indptr[q]
        for s in range(scales):
            value = 1.0
            total[:] = 0.0
            for k in range(min(length, depths[s])):
                h = head[title[indptr[q + 1] - 1 - k]]
                if h >= 0:
                    row = weights[h * scales + s]
                    for c in range(n):
                        total[c] += value * row[column[c]]
                    if k < last_titles:
                        for c in range(n):
                            out[q, place[c], scales + 1 + k] += value * row[column[c]]
                value *= decays[s]
            for c in range(n):
                out[q, place[c], s] = total[c]


EASE_DECAYS = (0.9, 0.98, 1.0)
"""EASE is asked with histories that fade fast, slowly and not at all."""


def ease_parts(ease: EaseScorer, queries: Queries, candidates: Index) -> NDArray[np.float32]:
    """EASE score of each candidate, one per decay of `EASE_DECAYS`."""
    assert ease.titles_ is not None
    assert ease.weights_ is not None
    assert ease.n_titles_ is not None
    out = np.zeros((*candidates.shape, len(EASE_DECAYS)), np.float32)
    h = queries.histories
    _ease_parts(h.indptr, h.title, ease._head(), np.array(EASE_DECAYS), ease.weights_, candidates, out)
    return out


@njit(cache=True, fastmath=True)
def _ease_parts(indptr, title, head, decays, weights, candidates, out):  # type: ignore[no-untyped-def]
    place = np.empty(candidates.shape[1], np.uint32)  # of the candidates that EASE scores
    column = np.empty(candidates.shape[1], np.uint32)
    weight = np.empty(candidates.shape[1], np.float32)
    total = np.empty((len(decays), candidates.shape[1]), np.float32)
    fade = np.ones(len(decays), np.float32)
    for q in range(len(indptr) - 1):
        n = 0
        for c in range(candidates.shape[1]):
            if head[candidates[q, c]] >= 0:
                place[n], column[n] = c, head[candidates[q, c]]
                n += 1
        fade[:] = 1.0
        total[:] = 0.0
        for p in range(indptr[q + 1] - 1, indptr[q] - 1, -1):
            h = head[title[p]]
            if h >= 0:
                row = weights[h]
                for c in range(n):
                    weight[c] = row[column[c]]
                for d in range(len(decays)):
                    for c in range(n):
                        total[d, c] += fade[d] * weight[c]
            for d in range(len(decays)):
                fade[d] *= decays[d]
        for c in range(n):
            for d in range(len(decays)):
                out[q, place[c], d] = total[d, c]
