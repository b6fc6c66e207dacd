from __future__ import annotations

import numpy as np
import pytest

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig, DecayedRidgeScorer
from matinee.learn.models.ease import EaseConfig, EaseScorer
from matinee.learn.models.lambdamart import LambdaMartConfig
from matinee.learn.models.sequence_neighbours import SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import Queries
from matinee.learn.recommenders.choices import (
    EXTRA_WEIGHT_GRID,
    FEWEST_QUERIES,
    RETURN_RECENT_GRID,
    extra_weight,
    one_standard_error,
    return_recent,
)
from matinee.learn.recommenders.features import Generators
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.learn.recommenders.two_stage import EXTRA_WEIGHT, TwoStageConfig
from matinee.testing.logs import START_US, generated_log, log_of
from matinee.types import DAY_US, Scores

SMALL = TwoStageConfig(
    candidates=10,
    folds=2,
    lists=300,
    ridge=DecayedRidgeConfig(decays=(0.6,), depths=(8,), reg=5.0),
    ease=EaseConfig(reg=5.0),
    ranker=LambdaMartConfig(trees=5, leaves=4, min_rows=10),
)


class Knows(Scorer):
    """Circle of titles: what follows the last one gets `strength`; remembers what it learned from."""

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self.train: Interactions | None = None

    def fit(self, train: Interactions) -> Knows:
        self.train = train
        return self

    def score(self, histories: Histories) -> Scores:
        assert self.train is not None
        out = np.zeros((len(histories), self.train.n_titles), np.float32)
        some = histories.lengths > 0
        last = histories.title[histories.indptr[1:][some] - 1]
        out[some, (last + 1) % self.train.n_titles] = self.strength
        return out

    def save(self, folder):  # type: ignore[no-untyped-def]
        raise AssertionError

    @classmethod
    def load(cls, folder):  # type: ignore[no-untyped-def]
        raise AssertionError


def test_a_difference_within_chance_keeps_the_default() -> None:
    rng = np.random.default_rng(0)
    gains = rng.normal(size=(200, 3))  # equally good, and the luckiest is not the default
    assert one_standard_error((1.0, 2.0, 3.0), gains - gains.mean(axis=0) + [0.01, 0.0, 0.0], 2.0) == 2.0


def test_a_clear_difference_moves_to_the_nearest_value_that_is_as_good_as_the_best() -> None:
    gains = np.tile([0.0, 0.0, 1.0, 1.0], (100, 1))
    assert one_standard_error((1.0, 2.0, 3.0, 4.0), gains, 1.0) == 3.0


def test_too_few_queries_keep_the_default() -> None:
    gains = np.tile([0.0, 1.0], (FEWEST_QUERIES - 1, 1))
    assert one_standard_error((1.0, 2.0), gains, 1.0) == 1.0


def test_a_useless_extra_model_gets_no_weight_and_a_knowing_one_much() -> None:
    rng = np.random.default_rng(1)
    relevant = np.zeros((300, 20), np.bool_)
    relevant[np.arange(300), rng.integers(0, 20, 300)] = True
    half = rng.normal(size=relevant.shape).astype(np.float32) + 2.0 * relevant
    noise = 5.0 * rng.normal(size=relevant.shape).astype(np.float32)
    assert extra_weight(half, noise, relevant, 0.7) == 0.0
    assert extra_weight(half, np.float32(3.0) * relevant, relevant, 0.7) >= 1.0
    assert extra_weight(half, np.zeros_like(half), relevant, 0.7) == 0.7  # nothing to choose between


def test_nothing_recent_counts_when_members_return_to_what_is_new() -> None:
    """Everybody comes back to the title of the week; history says nothing about it."""
    rows, times = [], []
    rng = np.random.default_rng(2)
    for m in range(150):
        week = m % 10
        rows.append([*rng.integers(20, 60, 4).tolist(), week])
        start = START_US + week * 30 * DAY_US
        times.append([*(start + i for i in range(4)), start + 5 * DAY_US + m * 1_000])
    for week in range(10):  # what makes it popular: many who watch it just before
        for i in range(30):
            rows.append([week])
            times.append([START_US + week * 30 * DAY_US + 3 * DAY_US + i])
    train = log_of(rows, 60, at_us=times)
    others = train.take(np.arange(150, train.n_members))
    generators = Generators(
        DecayedRidgeScorer(SMALL.ridge).fit(train),
        EaseScorer(SMALL.ease).fit(others),
        SequenceNeighboursScorer().fit(train),
        return_recent=0.001,
    )
    h = train.histories.take(np.arange(150))
    asked, target = h.at_us[h.indptr[1:] - 1], h.title[h.indptr[1:] - 1]
    queries = Queries(h.drop_last(1), asked, np.arange(150, dtype=np.int32))
    chosen = return_recent(generators, TitleFacts.of(train), queries, target, 1)
    assert chosen in RETURN_RECENT_GRID
    assert chosen >= 1.0
    few = queries.take(np.arange(9))
    assert return_recent(generators, TitleFacts.of(train), few, target[:9], 1) == 0.001


def circle(n_members: int) -> Interactions:
    """Members go round 12 titles, but two of three steps go anywhere."""
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(n_members):
        row = [int(rng.integers(12))]
        for _ in range(7):
            row.append((row[-1] + 1) % 12 if rng.random() < 0.5 else int(rng.integers(12)))
        rows.append(row)
    return log_of(rows, 12)


def test_the_extra_model_does_not_learn_the_events_on_which_its_weight_is_chosen() -> None:
    train = circle(160)
    extra = Knows(8.0)
    model = NextTitle(SMALL).also(extra).fit(train)
    assert extra.train is not None
    missing = train.histories.lengths - extra.train.histories.lengths
    assert set(missing.tolist()) == {0, 1}
    assert missing.sum() == 80
    assert model.extra_weight_ in (*EXTRA_WEIGHT_GRID, EXTRA_WEIGHT)
    assert model.card()["extra_weight"] == model.extra_weight_


def test_the_weight_of_an_extra_model_is_part_of_the_scores() -> None:
    train = circle(160)
    alone = NextTitle(SMALL).fit(train)
    assert "extra_weight" not in alone.card()
    histories = log_of([[3, 4, 5], [7, 2]], 12).histories
    plain = alone.score(histories)
    with_extra = alone.also(Knows(8.0).fit(train)).score(histories)
    assert (with_extra[[0, 1], [6, 3]] > plain[[0, 1], [6, 3]]).all()


def test_the_return_weight_is_chosen_and_kept(tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = TwoStageConfig(
        candidates=10,
        folds=2,
        lists=400,
        returns=True,
        ridge=SMALL.ridge,
        ease=SMALL.ease,
        ranker=SMALL.ranker,
    )
    model = NextTitle(config).fit(generated_log(n_members=120, seed=3))
    assert model.generators_ is not None
    assert model.card()["return_recent"] == model.generators_.return_recent
    model.save(tmp_path)
    again = NextTitle.load(tmp_path)
    assert again.card() == model.card()


@pytest.mark.parametrize("returns", [False, True])
def test_the_card_tells_what_was_chosen(returns: bool) -> None:
    config = TwoStageConfig(
        candidates=10, folds=2, returns=returns, ridge=SMALL.ridge, ease=SMALL.ease, ranker=SMALL.ranker
    )
    card = NextTitle(config).fit(generated_log(seed=4)).card()
    assert ("return_recent" in card) == returns
    assert card["titles_watched"] == len(np.unique(generated_log(seed=4).histories.title))
    assert card["notes"] == []
