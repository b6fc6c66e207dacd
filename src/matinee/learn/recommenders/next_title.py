"""Next title: what will this member watch next?

Decayed-history ridge and sequence neighbours are summed; the best candidates are ordered by LambdaMART
over the scores of all generators and point-in-time facts. The ranker learns from the latest training
events of each member, scored by generators that have not seen that member (cross-fitting over members),
so that its features are distributed as when serving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matinee.learn.interactions import Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeScorer, Gram
from matinee.learn.models.ease import EaseScorer, add_cooccurrence, cooccurrence
from matinee.learn.models.sequence_neighbours import SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import PAUSE_US, Queries, past_queries
from matinee.learn.recommenders.choices import return_recent
from matinee.learn.recommenders.examples import Aside, Examples
from matinee.learn.recommenders.features import RETURN_RECENT, Candidates, Generators, make_candidates
from matinee.learn.recommenders.two_stage import TwoStage, TwoStageConfig
from matinee.types import Index, Mask, derive_seed

FEWEST_EVENTS = 3
"""Members with fewer events give no examples: two are known, the next one is right."""


class NextTitle(TwoStage):
    """Orders titles by how likely the member watches them next.

    The default of `matinee recommend`, and the scorer of session rows. For the coming weeks use `Window`.

    Notes
    -----
    Cost: `folds` + 1 solutions of the ridge (see `DecayedRidgeScorer`), then trees over
    `lists * candidates` rows. The neighbours are not refitted: leaving out the member's own votes is
    exact for them.

    What carries a large catalogue: the ridge's features are the 4,000 most watched titles and it scores the
    10,000 most watched; any other title is a candidate by the neighbours' votes and recent popularity.
    """

    default_config = TwoStageConfig()

    def _learn(self, train: Interactions) -> tuple[Generators, list[Examples]]:
        c = self.config
        rng = np.random.default_rng(derive_seed(self.seed, "folds"))
        members = np.flatnonzero(train.histories.lengths >= FEWEST_EVENTS).astype(np.int32)
        if len(members) > c.lists:
            members = np.sort(rng.choice(members, c.lists, replace=False))
        fold_of = rng.permutation(len(members)) % c.folds
        back = max(1, min(c.max_back, round(c.lists / max(1, len(members)))))
        index = SequenceNeighboursScorer(c.neighbours).fit(train)
        solver = _Solver(c, train)
        examples: list[Examples] = []
        weight = RETURN_RECENT
        for fold in range(c.folds):
            self._tell("learn from the other members", fold / (c.folds + 1) * 0.6)
            own = members[fold_of == fold]
            ridge, ease = solver.without(train, own)
            generators = Generators(ridge, ease, index, return_recent=weight)
            if fold == 0 and c.returns:
                weight = self._return_recent(generators, train, own)
                generators = replace(generators, return_recent=weight)
            for b in range(back):
                examples += self._examples(generators, train, own, b)
            del ridge, ease, generators  # before the next ones are made: they are large
        self._tell("learn from all members", c.folds / (c.folds + 1) * 0.6)
        ridge, ease = solver.all()
        return Generators(ridge, ease, index, return_recent=weight), examples

    def _return_recent(self, generators: Generators, train: Interactions, members: Index) -> float:
        """How much recent popularity counts after a pause, chosen on members the generators do not know."""
        assert self.facts_ is not None
        queries, target, then_us = past_queries(train.histories, members, 0)
        paused = np.flatnonzero(then_us - queries.asked_us > PAUSE_US)
        later = queries.take(paused)
        later = Queries(later.histories, then_us[paused], later.member)
        return return_recent(generators, self.facts_, later, target[paused], self.config.candidates)

    def _examples(
        self, generators: Generators, train: Interactions, members: Index, back: int
    ) -> list[Examples]:
        """Lists of one earlier moment; those whose next title is not among the candidates teach nothing.

        They are asked right after the event before it, as when nobody knows when the member comes back;
        with `config.returns`, after a pause, also at the moment of the next event.
        """
        queries, target, then_us = past_queries(train.histories, members, back)
        if back == 0 and len(self._held):
            held = np.isin(queries.member, self._held)
            self._put_aside(generators, queries.take(np.flatnonzero(held)), target[held])
            queries, target, then_us = queries.take(np.flatnonzero(~held)), target[~held], then_us[~held]
        out = [self._lists(generators, queries, target)] if len(queries) else []
        paused = np.flatnonzero(then_us - queries.asked_us > PAUSE_US)
        if self.config.returns and len(paused):
            later = queries.take(paused)
            later = Queries(later.histories, then_us[paused], later.member)
            out.append(self._lists(generators, later, target[paused]))
        return out

    def _lists(self, generators: Generators, queries: Queries, target: Index) -> Examples:
        candidates, hit, some = self._hits(generators, queries, target)
        return Examples(candidates.features[some], hit[some], queries.paused()[some])

    def _put_aside(self, generators: Generators, queries: Queries, target: Index) -> None:
        """Keep lists of which the extra model has not seen the target, to choose its weight."""
        candidates, hit, some = self._hits(generators, queries, target)
        rows = np.flatnonzero(some)
        self._aside.append(
            Aside(queries.histories.take(rows), candidates.title[rows], candidates.features[rows], hit[rows])
        )

    def _hits(self, generators: Generators, queries: Queries, target: Index) -> tuple[Candidates, Mask, Mask]:
        """Candidates, where among them the target is, and which lists hold it."""
        assert self.facts_ is not None
        n = min(self.config.candidates, len(self.facts_.popularity))
        candidates = make_candidates(generators, self.facts_, queries, n)
        hit = (candidates.title == target[:, None]) & np.isfinite(candidates.base)
        return candidates, hit, hit.any(axis=1)


@dataclass(slots=True)
class _Solver:
    """Ridge and EASE of all members, and of all but some: the sums are made once and subtracted from."""

    config: TwoStageConfig
    ridge: DecayedRidgeScorer
    taste: Index
    n_titles: int
    gram: Gram
    counts: NDArray[np.float32]

    def __init__(self, config: TwoStageConfig, train: Interactions) -> None:
        self.config, self.n_titles = config, train.n_titles
        self.ridge = DecayedRidgeScorer(config.ridge).prepare(train)
        assert self.ridge.features_ is not None
        self.taste = self.ridge.features_[: config.ease.max_titles]
        self.gram = self.ridge.gram(train.histories)
        self.counts = cooccurrence(train.histories, self.taste, train.n_titles)

    def without(self, train: Interactions, members: Index) -> tuple[DecayedRidgeScorer, EaseScorer]:
        """Models that have not seen these members."""
        own = train.histories.take(members)
        counts = self.counts.copy()
        add_cooccurrence(counts, own, self.taste, self.n_titles, -1.0)
        ease = EaseScorer(self.config.ease).solve(counts, self.taste, self.n_titles)
        return self.ridge.without(self.gram, own), ease

    def all(self) -> tuple[DecayedRidgeScorer, EaseScorer]:
        """Models of all members; uses the sums up."""
        ease = EaseScorer(self.config.ease).solve(self.counts, self.taste, self.n_titles)
        return self.ridge.solve(self.gram), ease
