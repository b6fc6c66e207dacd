"""Window: what will this member watch over the coming weeks?

EASE, EDLAE and recent popularity are summed; the best candidates are ordered by LambdaMART. The ranker
learns from moments inside the training time: generators fitted on what came before such a moment are
asked then, and what the member watched in the time after it is what was right.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from matinee.learn.interactions import Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig, DecayedRidgeScorer
from matinee.learn.models.ease import EaseConfig, EaseScorer
from matinee.learn.models.ials import IalsScorer
from matinee.learn.models.lambdamart import LambdaMartConfig
from matinee.learn.models.sequence_neighbours import SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import Queries
from matinee.learn.recommenders.examples import Examples
from matinee.learn.recommenders.features import Generators, make_candidates
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.learn.recommenders.two_stage import TwoStage, TwoStageConfig
from matinee.types import derive_seed


class Window(TwoStage):
    """Orders titles by how likely the member watches them in the coming weeks.

    The scorer of taste rows. For the next title inside a session use `NextTitle`.

    Notes
    -----
    What carries a large catalogue: EASE and EDLAE know the 6,000 most watched titles. Above
    `config.ials_above` watched titles iALS (extra `als`), which knows all of them, is added to their sum;
    without it the other titles are candidates by recent popularity alone, and `notes_` says so.
    """

    default_config = TwoStageConfig(
        candidates=300,
        folds=3,
        ridge=DecayedRidgeConfig(decays=(0.93,), depths=(60,), reg=400.0),
        ease=EaseConfig(reg=200.0, max_titles=6_000, min_plays=3),
        edlae=EaseConfig(reg=100.0, dropout=0.3, max_titles=6_000, min_plays=3),
        ranker=LambdaMartConfig(trees=100, truncation=30),
    )
    _with_ials = False

    def _learn(self, train: Interactions) -> tuple[Generators, list[Examples]]:
        c = self.config
        self._choose_generators(train)
        examples: list[Examples] = []
        for i, (cut_us, until_us) in enumerate(self._moments(train)):
            self._tell("learn from earlier moments", i / (c.folds + 1) * 0.6)
            at_us = train.histories.at_us
            before = train.keep(at_us < cut_us)
            examples += self._examples(before, train.keep((at_us >= cut_us) & (at_us < until_us)), cut_us)
        self._tell("learn from everything", c.folds / (c.folds + 1) * 0.6)
        return self._generators(train), examples

    def _moments(self, train: Interactions) -> list[tuple[int, int]]:
        """Cuts at equal steps over the last part of the events, each with the end of what follows it."""
        shares = np.linspace(0.6, 0.8, self.config.folds)
        at_us = train.histories.at_us
        if len(at_us) < 2:
            return []
        cuts = np.quantile(at_us, shares).astype(np.int64)
        ends = np.quantile(at_us, np.minimum(1.0, shares + 0.2)).astype(np.int64) + 1
        return [(int(a), int(b)) for a, b in zip(cuts, ends, strict=True)]

    def _choose_generators(self, train: Interactions) -> None:
        """Whether iALS takes part, and what is said when it cannot."""
        watched = len(np.unique(train.histories.title))
        self._with_ials = watched > self.config.ials_above
        if self._with_ials and find_spec("implicit") is None:
            self._with_ials = False
            self.notes_.append(
                f"{watched:,} titles were watched. Beyond the {self.config.ease.max_titles:,} most watched "
                'they are recommended by recent popularity alone; with the extra "als" by taste (iALS).'
            )

    def _generators(self, train: Interactions) -> Generators:
        c = self.config
        index = SequenceNeighboursScorer(c.neighbours).fit(train)
        return Generators(
            ridge=DecayedRidgeScorer(c.ridge).fit(train),
            ease=EaseScorer(c.ease).fit(train),
            neighbours=index,
            edlae=EaseScorer(c.edlae or c.ease).fit(train),
            ials=IalsScorer(c.ials, seed=self.seed).fit(train) if self._with_ials else None,
        )

    def _examples(self, before: Interactions, after: Interactions, cut_us: int) -> list[Examples]:
        members = np.flatnonzero((before.histories.lengths > 1) & (after.histories.lengths > 0))
        if len(members) == 0:
            return []
        most = max(1, self.config.lists // self.config.folds)
        if len(members) > most:
            rng = np.random.default_rng(derive_seed(self.seed, f"members {cut_us}"))
            members = np.sort(rng.choice(members, most, replace=False))
        facts = TitleFacts.of(before, self.catalogue)
        queries = Queries(
            before.histories.take(members),
            np.full(len(members), cut_us, np.int64),
            np.full(len(members), -1, np.int32),
        )
        n = min(self.config.candidates, before.n_titles)
        candidates = make_candidates(self._generators(before), facts, queries, n)
        watched = np.zeros((len(members), before.n_titles), np.bool_)
        later = after.histories.take(members)
        watched[later.member_of_event(), later.title] = True
        relevant = np.take_along_axis(watched, candidates.title.astype(np.int64), axis=1)
        relevant &= np.isfinite(candidates.base)
        some = relevant.any(axis=1)
        return [Examples(candidates.features[some], relevant[some], queries.paused()[some])]
