"""Window: what will this member watch over the coming weeks?

EASE, EDLAE and recent popularity are summed; the best candidates are ordered by LambdaMART. The ranker
learns from moments inside the training time: generators fitted on what came before such a moment are
asked then, and what the member watched in the time after it is what was right.

The size of a score depends on how much the member and the service had watched by then. So the ranker sees
each column twice: as it is, and by how far it lies above the others of its list.
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
from matinee.types import Mask, derive_seed

SPAN = (0.3, 0.9)
"""Shares of the events before the first and the last moment that gives examples."""
FOLLOWS = 0.2
"""Share of the events from which is read what members watched after a moment."""
FEWEST_MOMENTS = 4


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
        folds=10,
        ridge=DecayedRidgeConfig(decays=(0.93,), depths=(60,), reg=400.0),
        ease=EaseConfig(reg=200.0, max_titles=6_000, min_plays=3),
        edlae=EaseConfig(reg=100.0, dropout=0.3, max_titles=6_000, min_plays=3),
        ranker=LambdaMartConfig(trees=100, truncation=30, feature_share=0.4),
    )
    _with_ials = False

    def _learn(self, train: Interactions) -> tuple[Generators, list[Examples]]:
        c = self.config
        self._choose_generators(train)
        examples: list[Examples] = []
        moments = self._moments(train)
        most = max(1, c.lists // max(1, len(moments)))
        for i, (cut_us, until_us) in enumerate(moments):
            self._tell("learn from earlier moments", i / (len(moments) + 1) * 0.6)
            at_us = train.histories.at_us
            before = train.keep(at_us < cut_us)
            after = train.keep((at_us >= cut_us) & (at_us < until_us))
            examples += self._examples(before, after, cut_us, most)
        self._tell("learn from everything", len(moments) / (len(moments) + 1) * 0.6)
        return self._generators(train), examples

    def _moments(self, train: Interactions) -> list[tuple[int, int]]:
        """Cuts at equal steps through the events, each with the end of what follows it.

        As few as give the lists that are wanted, since each needs generators of its own.
        """
        for n in range(min(FEWEST_MOMENTS, self.config.folds), self.config.folds + 1):
            moments = _evenly(train, n)
            if sum(_asked(train, *moment).sum() for moment in moments) >= self.config.lists:
                break
        return moments

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

    def _examples(self, before: Interactions, after: Interactions, cut_us: int, most: int) -> list[Examples]:
        members = np.flatnonzero((before.histories.lengths > 1) & (after.histories.lengths > 0))
        if len(members) == 0:
            return []
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


def _evenly(train: Interactions, n: int) -> list[tuple[int, int]]:
    """So many moments, as (cut_us, until_us)."""
    at_us = train.histories.at_us
    if len(at_us) < 2:
        return []
    shares = np.linspace(*SPAN, n)
    cuts = np.quantile(at_us, shares).astype(np.int64)
    ends = np.quantile(at_us, np.minimum(1.0, shares + FOLLOWS)).astype(np.int64) + 1
    return [(int(a), int(b)) for a, b in zip(cuts, ends, strict=True)]


def _asked(train: Interactions, cut_us: int, until_us: int) -> Mask:
    """Members who have a history before a moment, and watch something in the time after it."""
    h = train.histories
    before = np.bincount(h.member_of_event()[h.at_us < cut_us], minlength=len(h))
    until = np.bincount(h.member_of_event()[h.at_us < until_us], minlength=len(h))
    return (before > 1) & (until > before)
