"""Shared steps of the two-stage recommenders: queries out of histories, candidates out of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.learn.interactions import Histories
from matinee.types import HOUR_US, NEVER_US, Index, Mask, Scores, Times

PAUSE_US = HOUR_US
"""A longer time without events is a pause: the session is over."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Moments at which a recommender is asked: what the member had watched, and when it was.

    Attributes
    ----------
    histories : Histories
        Shape (n_queries,).
    asked_us : ndarray of int64, shape (n_queries,)
        Features know nothing later than this.
    member : ndarray of int32, shape (n_queries,)
        Training member whose own events must not help, -1 for none.
    """

    histories: Histories
    asked_us: Times
    member: Index

    def __len__(self) -> int:
        return len(self.histories)

    def paused(self) -> Mask:
        """Queries of members who come back after a pause, or come for the first time."""
        h = self.histories
        out = np.ones(len(h), np.bool_)
        some = h.lengths > 0
        out[some] = self.asked_us[some] - h.at_us[h.indptr[1:][some] - 1] > PAUSE_US
        return out

    def take(self, queries: Index | Times) -> Queries:
        """Some of the queries."""
        return Queries(self.histories.take(queries), self.asked_us[queries], self.member[queries])


def queries_now(histories: Histories, asked_us: Times | None = None) -> Queries:
    """One query per member with their whole history; asked at their last event unless said otherwise.

    Members without events are asked when the log that the model knows has ended.
    """
    if asked_us is None:
        asked_us = np.full(len(histories), NEVER_US // 2, np.int64)
        some = histories.lengths > 0
        asked_us[some] = histories.at_us[histories.indptr[1:][some] - 1]
    return Queries(histories, asked_us, np.full(len(histories), -1, np.int32))


def past_queries(histories: Histories, members: Index, back: int) -> tuple[Queries, Index, Times]:
    """Queries of some members just before their event number `back` from the end.

    They are asked right after the event before it. Members with fewer than two events before it are left
    out.

    Returns
    -------
    queries : Queries
    target : ndarray of int32
        Title of the event.
    then_us : ndarray of int64
        Time of the event.
    """
    lengths = histories.lengths[members]
    members = members[lengths - back >= 3]
    before = histories.take(members).drop_last(back + 1)
    event = histories.indptr[1:][members] - 1 - back
    asked = before.at_us[before.indptr[1:] - 1]
    target = histories.title[event].astype(np.int32)
    return Queries(before, asked, members.astype(np.int32)), target, histories.at_us[event]


def mask_seen(scores: Scores, histories: Histories, permitted: Mask | None = None) -> Scores:
    """Set titles already watched, or not permitted, to -inf, in place."""
    scores[histories.member_of_event(), histories.title] = -np.inf
    if permitted is not None:
        scores[:, ~permitted] = -np.inf
    return scores


def top(scores: Scores, k: int) -> tuple[Index, Scores]:
    """Best k titles of each row, best first; ties by position. Positions of -inf scores come last."""
    n = scores.shape[1]
    k = min(k, n)
    titles, values = np.empty((len(scores), k), np.int32), np.empty((len(scores), k), np.float32)
    if titles.size:
        _best_first(scores, np.partition(scores, n - k, axis=1)[:, n - k], titles, values)
    return titles, values


@njit(cache=True)
def _best_first(scores, least, titles, values):  # type: ignore[no-untyped-def]
    """What is above the least score of each row, then the first of what is equal to it; in order."""
    n, k = scores.shape[1], titles.shape[1]
    found, value = np.empty(k, np.int32), np.empty(k, np.float32)
    for q in range(len(scores)):
        size = 0
        for t in range(n):
            if scores[q, t] > least[q]:
                found[size] = t
                value[size] = -scores[q, t]
                size += 1
        t = 0
        while size < k:
            if scores[q, t] == least[q]:
                found[size] = t
                value[size] = -scores[q, t]
                size += 1
            t += 1
        order = np.argsort(value, kind="mergesort")
        for place in range(k):
            titles[q, place] = found[order[place]]
            values[q, place] = -value[order[place]]


def rank_in_list(values: Scores) -> Scores:
    """Rank of each value inside its row, 0 for the highest, ties by position, float32."""
    out = np.empty(values.shape, np.float32)
    _rank(values, out)
    return out


@njit(cache=True)
def _rank(values, out):  # type: ignore[no-untyped-def]
    for q in range(len(values)):
        order = np.argsort(-values[q], kind="mergesort")
        for place in range(len(order)):
            out[q, order[place]] = place


@njit(cache=True)
def own_later(q_indptr, member, candidates, indptr, title, at_us, asked_us, later, same_time):  # type: ignore[no-untyped-def]
    """How often the querying member watched each candidate after the query, so that it can be left out.

    A query's history is the beginning of its member's. `later`, `same_time`: int32 (n_queries,
    n_candidates), later plays, and those of them that carry a time not after the query's (equal times
    are common).
    """
    later[:] = 0
    same_time[:] = 0
    for q in range(len(q_indptr) - 1):
        m = member[q]
        if m < 0:
            continue
        first = indptr[m] + q_indptr[q + 1] - q_indptr[q]
        for p in range(first, indptr[m + 1]):
            for c in range(candidates.shape[1]):
                if candidates[q, c] == title[p]:
                    later[q, c] += 1
                    same_time[q, c] += at_us[p] <= asked_us[q]


@njit(cache=True)
def recent_counts(indptr, at_us, candidates, asked_us, windows_us, out):  # type: ignore[no-untyped-def]
    """Plays of each candidate inside windows that end when the query is asked; last: all before.

    `indptr`, `at_us`: play times per title, sorted. `out`: float32 (n_queries, n_candidates,
    n_windows + 1).
    """
    for q in range(candidates.shape[0]):
        for c in range(candidates.shape[1]):
            t = candidates[q, c]
            times = at_us[indptr[t] : indptr[t + 1]]
            end = np.searchsorted(times, asked_us[q], side="right")
            for w in range(len(windows_us)):
                begin = np.searchsorted(times, asked_us[q] - windows_us[w], side="right")
                out[q, c, w] = end - begin
            out[q, c, len(windows_us)] = end


def times_by_title(histories: Histories, n_titles: int) -> tuple[NDArray[np.int64], Times]:
    """Play times per title in order, as (indptr, at_us)."""
    order = np.lexsort((histories.at_us, histories.title))
    count = np.bincount(histories.title, minlength=n_titles)
    return np.concatenate([[0], np.cumsum(count)]).astype(np.int64), histories.at_us[order]
