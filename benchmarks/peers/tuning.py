"""What the peers share: settings chosen from a small grid on validation inside the training part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.splits.global_time import global_time
from matinee.learn.splits.leave_last_out import leave_last_out
from matinee.learn.splits.queries import Queries
from matinee.prove.metrics.ndcg import ndcg
from matinee.prove.metrics.ranking import ask

Score = Callable[[Histories], np.ndarray]
MAX_VALIDATION_MEMBERS = 3_000


def validation(train: Interactions, objective: str) -> tuple[Interactions, Queries]:
    """The same question one step earlier: `next` leaves out the last events, `window` cuts at 80 % again."""
    if objective == "window":
        split = global_time(train, 0.8)
        inner, queries = split.train, split.queries("window")
    else:
        left = leave_last_out(train)
        inner, queries = left.train, left.test
    if len(queries) > MAX_VALIDATION_MEMBERS:
        rng = np.random.default_rng(0)
        queries = queries.take(np.sort(rng.choice(len(queries), MAX_VALIDATION_MEMBERS, replace=False)))
    return inner, queries


def quality(score: Score, queries: Queries) -> float:
    """NDCG@10."""
    return float(ndcg(ask(score, queries).ranks, 10).mean())


class Tuned(ABC):
    """A peer: settings chosen by `tune`, then `fit` on everything and `score` for histories."""

    grid: ClassVar[list[dict[str, Any]]] = [{}]

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}

    @abstractmethod
    def fit(self, train: Interactions) -> None:
        """Learn with `self.config`."""

    @abstractmethod
    def score(self, histories: Histories) -> np.ndarray:
        """Scores, float32, shape (n_members, n_titles)."""

    def tune(self, train: Interactions, objective: str) -> dict[str, Any]:
        """Choose from `grid` by NDCG@10 on validation; returns the choice."""
        inner, queries = validation(train, objective)
        results = []
        for config in self.grid if len(self.grid) > 1 else []:
            self.config = config
            self.fit(inner)
            results.append(quality(self.score, queries))
        self.config = self.grid[int(np.argmax(results))] if results else self.grid[0]
        return self.config


def counts(histories: Histories, n_titles: int) -> sparse.csr_matrix:
    """Members by titles, 1 where watched (repeats count once)."""
    matrix = sparse.csr_matrix(
        (np.ones(len(histories.title), np.float32), histories.title, histories.indptr),
        shape=(len(histories), n_titles),
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def popularity_for_strangers(score: Score, train: Interactions) -> Score:
    """The same scores, but popularity where the history is empty: no peer knows what to say there."""
    popularity = np.bincount(train.histories.title, minlength=train.n_titles).astype(np.float32)

    def with_fallback(histories: Histories) -> np.ndarray:
        out = np.asarray(score(histories), np.float32)
        out[histories.lengths == 0] = popularity
        return out

    return with_fallback
