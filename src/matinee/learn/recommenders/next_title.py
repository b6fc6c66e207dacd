"""Next title: what will this member watch next? Generators, cross-fitted, then a ranker.

Decayed-history ridge and sequence neighbours are summed; the best candidates are ordered by LambdaMART
over the scores of all generators and point-in-time facts. The ranker learns from the latest training
events of each member, scored by generators that have not seen that member.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig, DecayedRidgeScorer, Gram
from matinee.learn.models.base import Scorer
from matinee.learn.models.ease import EaseConfig, EaseScorer, cooccurrence
from matinee.learn.models.lambdamart import LambdaMartConfig, LambdaMartRanker
from matinee.learn.models.sequence_neighbours import SequenceNeighboursConfig, SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import Queries, past_queries, queries_now
from matinee.learn.recommenders.next_features import Candidates, Generators, make_candidates
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Scores, Times, derive_seed

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class NextTitleConfig:
    """Settings of the next-title recommender.

    Attributes
    ----------
    candidates : int
        Titles per query that the ranker orders.
    folds : int, at least 2
        Parts of the members in cross-fitting.
    lists : int
        Ranker examples to aim for; decides how many of each member's latest events are used.
    max_back : int
        At most this many of a member's latest events become examples.
    """

    candidates: int = 100
    folds: int = 3
    lists: int = 12_000
    max_back: int = 12
    ridge: DecayedRidgeConfig = field(default_factory=DecayedRidgeConfig)
    ease: EaseConfig = field(default_factory=lambda: EaseConfig(reg=200.0, max_titles=6_000))
    neighbours: SequenceNeighboursConfig = field(default_factory=SequenceNeighboursConfig)
    near: SequenceNeighboursConfig = field(
        default_factory=lambda: SequenceNeighboursConfig(anchors=1, ahead=2, decay=0.9)
    )
    far: SequenceNeighboursConfig = field(
        default_factory=lambda: SequenceNeighboursConfig(
            anchors=8, ahead=15, depth=60, decay=0.97, ahead_decay=0.85, behind=0.5
        )
    )
    ranker: LambdaMartConfig = field(default_factory=LambdaMartConfig)


@dataclass(slots=True)
class Examples:
    """Ranker examples: candidates that contain the title that was watched."""

    features: Scores
    target_at: np.ndarray
    base: Scores


class NextTitle(Scorer):
    """Orders titles by how likely the member watches them next."""

    def __init__(
        self,
        config: NextTitleConfig | None = None,
        *,
        seed: int = 0,
        catalogue: Catalogue | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.config = config or NextTitleConfig()
        self.seed = seed
        self.catalogue = catalogue
        self.progress = progress
        self.generators_: Generators | None = None
        self.facts_: TitleFacts | None = None
        self.ranker_: LambdaMartRanker | None = None

    def fit(self, train: Interactions) -> Self:
        c = self.config
        self.facts_ = TitleFacts.of(train, self.catalogue)
        ridge, ease = DecayedRidgeScorer(c.ridge), EaseScorer(c.ease)
        features = ridge.head(train)
        taste = features[: c.ease.max_titles]
        n = train.n_titles
        index = SequenceNeighboursScorer(c.neighbours).fit(train)
        near = _same_index(index, c.near)
        far = _same_index(index, c.far)
        total = ridge.gram(train.histories, features, n)
        counts = cooccurrence(train.histories, taste, n)
        fold_of = self._folds(train)
        back = max(1, min(c.max_back, round(c.lists / max(1, train.n_members))))
        parts = []
        for fold in range(c.folds):
            members = np.flatnonzero(fold_of == fold).astype(np.int32)
            own = train.histories.take(members)
            part = ridge.gram(own, features, n)
            part.xx, part.xy = total.xx - part.xx, total.xy - part.xy
            r = DecayedRidgeScorer(c.ridge).solve(part, features)
            e = EaseScorer(c.ease).solve(counts - cooccurrence(own, taste, n), taste, n)
            generators = Generators(r, e, index, near, far)
            parts.append(self._examples(generators, train.histories, members, back))
        self.train_examples_ = parts
        self.ranker_ = LambdaMartRanker(c.ranker, seed=self.seed).fit(*_stack(parts))
        ridge.solve(total, features)
        ease.solve(counts, taste, n)
        self.generators_ = Generators(ridge, ease, index, near, far)
        return self

    def _folds(self, train):
        rng = np.random.default_rng(derive_seed(self.seed, "folds"))
        return rng.permutation(train.n_members) % self.config.folds

    def _examples(self, generators, histories, members, back):
        out = []
        for b in range(back):
            queries, target = past_queries(histories, members, b)
            if len(queries) == 0:
                continue
            cand = make_candidates(generators, self.facts_, queries, self.config.candidates)
            hit = (cand.title == target[:, None]) & np.isfinite(cand.base)
            some = hit.any(axis=1)
            out.append((cand.features[some], hit[some]))
        return out

    def ranked(self, queries, k=None):
        cand = make_candidates(self.generators_, self.facts_, queries, self.config.candidates)
        s = self.ranker_.score(cand.features.reshape(-1, cand.features.shape[2])).reshape(cand.title.shape)
        s[~np.isfinite(cand.base)] = -np.inf
        return cand, s

    def score(self, histories):
        raise ValueError

    def save(self, folder):
        pass

    @classmethod
    def load(cls, folder):
        pass


def _stack(parts):
    flat = [p for part in parts for p in part]
    x = np.concatenate([f.reshape(-1, f.shape[2]) for f, _ in flat])
    y = np.concatenate([h.ravel() for _, h in flat]).astype(np.int8)
    size = np.concatenate([np.full(len(h), h.shape[1], np.int32) for _, h in flat])
    return x, y, size


def _same_index(index, config):
    out = SequenceNeighboursScorer(config)
    out.histories_, out.n_titles_ = index.histories_, index.n_titles_
    out.state_indptr_, out.states_ = index.state_indptr_, index.states_
    return out
