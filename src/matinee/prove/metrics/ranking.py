"""Ask a model all questions of an evaluation, in batches, and keep the ranks of what was watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matinee.learn.interactions import Histories
from matinee.learn.splits.queries import Queries
from matinee.prove.metrics.ranks import TargetRanks, mask_seen, rank_of_target, top_k
from matinee.types import Index, Mask, Scores


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said.

    Attributes
    ----------
    ranks : TargetRanks
        Rank of each target of each query; ties count against the model.
    lists : ndarray of int32, shape (n_queries, k)
        The k best unseen titles; -1 where there are fewer.
    """

    ranks: TargetRanks
    lists: Index


def ask(
    score: Callable[[Histories], Scores],
    queries: Queries,
    *,
    k: int = 10,
    listed: Mask | None = None,
    batch_scores: int = 4_000_000,
) -> Answers:
    """Rank the full catalogue without the seen titles for every query.

    Parameters
    ----------
    score : callable
        Histories -> scores of shape (n_queries, n_titles), such as `Scorer.score`.
    queries : Queries
    k : int, default 10
        Length of the kept lists.
    listed : ndarray of bool, shape (n_titles,), optional
        Titles that may stand in the lists (for instance those known before the cut). Ranks are always
        counted over the whole catalogue.
    batch_scores : int, default 4,000,000
        Scores held at a time; bounds the memory to about 10 bytes each, plus what the model takes.

    Examples
    --------
    >>> from matinee.learn.splits.leave_last_out import leave_last_out
    >>> from matinee.learn.interactions import Interactions
    >>> data = Interactions.from_arrays(np.array(["m", "m"]), np.array(["a", "b"]), np.array([1, 2]))
    >>> answers = ask(lambda h: np.zeros((len(h), 2), np.float32), leave_last_out(data).test)
    >>> answers.ranks.rank.tolist()
    [1]
    """
    ranks, lists = [np.zeros(0, np.int64)], [np.zeros((0, k), np.int32)]
    if len(queries):
        n_titles = score(queries.histories(0, 1)).shape[1]
        for part, seen in queries.batches(max(1, batch_scores // max(1, n_titles))):
            scores = score(seen)
            first, last = queries.target_indptr[part.start], queries.target_indptr[part.stop]
            indptr = queries.target_indptr[part.start : part.stop + 1] - first
            ranks.append(rank_of_target(scores, seen, indptr, queries.target[first:last]))
            lists.append(top_k(mask_seen(scores, seen), k, allowed=listed))
    return Answers(TargetRanks(queries.target_indptr, np.concatenate(ranks)), np.concatenate(lists))
