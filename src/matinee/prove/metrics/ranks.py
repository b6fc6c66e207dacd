"""The rank that a model gave to each title that was watched: what all ranking metrics are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.learn.interactions import Histories
from matinee.types import Index, Mask, Scores, Times


@dataclass(frozen=True, slots=True)
class TargetRanks:
    """Ranks of the targets of each query, as a ragged array.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n_queries + 1,)
        Query q owns `rank[indptr[q]:indptr[q + 1]]`.
    rank : ndarray of int64, shape (n_targets,)
        1 is the best.
    """

    indptr: Times
    rank: Times

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def n_targets(self) -> Times:
        """Targets per query."""
        return np.diff(self.indptr)

    @property
    def query(self) -> Times:
        """Query of each target."""
        return np.repeat(np.arange(len(self)), self.n_targets)


def rank_of_target(scores: Scores, seen: Histories, target_indptr: Times, target: Index) -> Times:
    """Rank of each target in the full catalogue without the seen titles; ties count against the model.

    A rank is 1 + the number of other unseen titles whose score is not lower. A model that gives all
    titles the same score therefore puts every target last, and cannot be rewarded for not deciding.
    A NaN counts as not lower than anything. A target whose score is NaN or minus infinity, or that was
    seen, gets the worst rank, `n_titles`.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_queries, n_titles)
    seen : Histories
        One row per query: titles that are removed from the ranking.
    target_indptr : ndarray of int64, shape (n_queries + 1,)
    target : ndarray of int32, shape (n_targets,)

    Returns
    -------
    ndarray of int64, shape (n_targets,)

    Notes
    -----
    Memory: a copy of `scores`, and while counting one more byte per score.
    """
    n_titles = scores.shape[1]
    open_scores = mask_seen(scores, seen)
    counts = np.diff(target_indptr)
    wanted = open_scores[np.repeat(np.arange(len(scores)), counts), target]
    if (counts == 1).all():
        below = (open_scores < wanted[:, None]).sum(axis=1)
    else:
        open_scores.sort(axis=1)
        parts = np.split(wanted, target_indptr[1:-1])
        below = np.concatenate([np.searchsorted(row, w) for row, w in zip(open_scores, parts, strict=True)])
    rank: Times = np.where(wanted > -np.inf, n_titles - below, n_titles).astype(np.int64)
    return rank


def mask_seen(scores: Scores, seen: Histories) -> Scores:
    """Copy of the scores with minus infinity at the seen titles."""
    out = scores.copy()
    out[seen.member_of_event(), seen.title] = -np.inf
    return out


def top_k(scores: Scores, k: int, *, allowed: Mask | None = None) -> Index:
    """Titles of the k highest scores, best first; of equal scores the lower index first.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_queries, n_titles)
        Titles at minus infinity or NaN are never listed.
    k : int
    allowed : ndarray of bool, shape (n_titles,), optional
        List only these.

    Returns
    -------
    ndarray of int32, shape (n_queries, k)
        -1 where a query has fewer than k titles.
    """
    out = np.full((len(scores), k), -1, np.int32)
    for query, row in enumerate(scores):
        usable = row > -np.inf if allowed is None else (row > -np.inf) & allowed
        titles = np.flatnonzero(usable)
        if len(titles) > k:
            lowest = np.partition(row[titles], len(titles) - k)[len(titles) - k]
            titles = titles[row[titles] >= lowest]
        titles = titles[np.argsort(-row[titles], kind="stable")][:k]
        out[query, : len(titles)] = titles
    return out
