"""Next title: what will this member watch next?

Decayed-history ridge and sequence neighbours are summed; the best candidates are ordered by LambdaMART
over the scores of all generators and point-in-time facts. The ranker learns from the latest training
events of each member, scored by generators that have not seen that member (cross-fitting over members),
so that its features are distributed as when serving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.learn.interactions import Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeScorer, Gram
from matinee.learn.models.ease import EaseScorer, cooccurrence
from matinee.learn.models.sequence_neighbours import SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import PAUSE_US, Queries, past_queries
from matinee.learn.recommenders.features import Generators, make_candidates
from matinee.learn.recommenders.two_stage import Examples, TwoStage, TwoStageConfig
from matinee.types import Index, derive_seed


class NextTitle(TwoStage):
    """Orders titles by how likely the member watches them next.

    The default of `matinee recommend`, and the scorer of session rows. For the coming weeks use `Window`.

    Notes
    -----
    Cost: `folds` + 1 solutions of the ridge (see `DecayedRidgeScorer`), then trees over
    `lists * candidates` rows. The neighbours are not refitted: leaving out the member's own votes is
    exact for them.
    """

    default_config = TwoStageConfig()

    def _learn(self, train: Interactions) -> tuple[Generators, list[Examples]]:
        c = self.config
        rng = np.random.default_rng(derive_seed(self.seed, "folds"))
        fold_of = rng.permutation(train.n_members) % c.folds
        index = SequenceNeighboursScorer(c.neighbours).fit(train)
        solver = _Solver(self.config, train)
        back = max(1, min(c.max_back, round(c.lists / max(1, train.n_members))))
        examples: list[Examples] = []
        for fold in range(c.folds):
            self._tell("learn from the other members", fold / (c.folds + 1) * 0.6)
            members = np.flatnonzero(fold_of == fold).astype(np.int32)
            ridge, ease = solver.without(train, members)
            generators = Generators(ridge, ease, index)
            for b in range(back):
                examples += self._examples(generators, train, members, b)
        self._tell("learn from all members", c.folds / (c.folds + 1) * 0.6)
        ridge, ease = solver.all()
        return Generators(ridge, ease, index), examples

    def _examples(
        self, generators: Generators, train: Interactions, members: Index, back: int
    ) -> list[Examples]:
        """Lists of one earlier moment; those whose next title is not among the candidates teach nothing.

        They are asked right after the event before it, as when nobody knows when the member comes back;
        with `config.returns`, after a pause, also at the moment of the next event.
        """
        queries, target, then_us = past_queries(train.histories, members, back)
        out = [self._lists(generators, queries, target)] if len(queries) else []
        paused = np.flatnonzero(then_us - queries.asked_us > PAUSE_US)
        if self.config.returns and len(paused):
            later = queries.take(paused)
            later = Queries(later.histories, then_us[paused], later.member)
            out.append(self._lists(generators, later, target[paused]))
        return out

    def _lists(self, generators: Generators, queries: Queries, target: Index) -> Examples:
        assert self.facts_ is not None
        n = min(self.config.candidates, len(self.facts_.popularity))
        candidates = make_candidates(generators, self.facts_, queries, n)
        hit = (candidates.title == target[:, None]) & np.isfinite(candidates.base)
        some = hit.any(axis=1)
        paused = queries.paused()[some]
        return Examples(candidates.features[some], hit[some], paused)


@dataclass(slots=True)
class _Solver:
    """Ridge and EASE of all members, and of all but some: their sums are made once and subtracted from."""

    config: TwoStageConfig
    head: Index
    taste: Index
    n_titles: int
    total: Gram
    counts: NDArray[np.float32]

    def __init__(self, config: TwoStageConfig, train: Interactions) -> None:
        ridge = DecayedRidgeScorer(config.ridge)
        self.config, self.n_titles = config, train.n_titles
        self.head = ridge.head(train)
        self.taste = self.head[: config.ease.max_titles]
        self.total = ridge.gram(train.histories, self.head, train.n_titles)
        self.counts = cooccurrence(train.histories, self.taste, train.n_titles)

    def without(self, train: Interactions, members: Index) -> tuple[DecayedRidgeScorer, EaseScorer]:
        """Models that have not seen these members."""
        own = train.histories.take(members)
        ridge = DecayedRidgeScorer(self.config.ridge)
        gram = ridge.gram(own, self.head, self.n_titles)
        np.subtract(self.total.xx, gram.xx, out=gram.xx)
        np.subtract(self.total.xy, gram.xy, out=gram.xy)
        ridge.solve(gram, self.head)
        counts = cooccurrence(own, self.taste, self.n_titles)
        np.subtract(self.counts, counts, out=counts)
        return ridge, EaseScorer(self.config.ease).solve(counts, self.taste, self.n_titles)

    def all(self) -> tuple[DecayedRidgeScorer, EaseScorer]:
        """Models of all members; uses the sums up."""
        ridge = DecayedRidgeScorer(self.config.ridge).solve(self.total, self.head)
        return ridge, EaseScorer(self.config.ease).solve(self.counts, self.taste, self.n_titles)
