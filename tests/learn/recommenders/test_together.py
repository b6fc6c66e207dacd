"""Asked about one member at a time, both recommenders say what they say about many at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig
from matinee.learn.models.lambdamart import LambdaMartConfig
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.together import score_together, share_neighbours
from matinee.learn.recommenders.window import Window
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import DAY_US


@pytest.fixture(scope="module")
def models() -> tuple[NextTitle, Window, Histories]:
    """Two small models of one log, in which some titles were never watched."""
    rng = np.random.default_rng(0)
    n, members = 80, 120
    rows = [
        {
            "title_id": f"t{i:02}",
            "genres": [("Crime", "Drama", "Comedy")[i % 3]],
            "release_us": i * 400 * DAY_US,
        }
        for i in range(n)
    ]
    catalogue = Catalogue.from_rows(rows)
    lengths = rng.integers(4, 20, members)
    title = rng.integers(0, n - 10, lengths.sum()).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at_us = np.concatenate([np.sort(rng.integers(0, 300, k)) for k in lengths]) * DAY_US
    histories = Histories(indptr, title, at_us.astype(np.int64))
    ids = np.array([f"m{i}" for i in range(members)], dtype=object)
    log = Interactions(ids, catalogue.title_ids, histories, np.ones(len(title), np.float32))
    trees = LambdaMartConfig(trees=10, min_rows=5)
    ridge = DecayedRidgeConfig(decays=(0.8,), depths=(10,))
    small = replace(NextTitle.default_config, candidates=30, folds=2, ranker=trees, returns=True, ridge=ridge)
    following = NextTitle(small, catalogue=catalogue).fit(log)
    wide = replace(Window.default_config, candidates=40, folds=2, ranker=trees, ridge=ridge)
    return following, Window(wide, catalogue=catalogue).fit(log), histories


def test_one_member_gets_the_scores_that_they_get_among_many(models) -> None:
    following, window, histories = models
    members = np.arange(20)
    asked_us = np.full(20, 301 * DAY_US)
    many = score_together(following, window, histories.take(members), asked_us)
    assert share_neighbours(following, window)
    assert following.generators_.neighbours is window.generators_.neighbours
    for m in members:
        one = score_together(following, window, histories.take(members[m : m + 1]), asked_us[:1])
        for alone, among in zip(one, many, strict=True):
            np.testing.assert_allclose(alone[0], among[m], rtol=1e-3, atol=1e-7)
            assert np.argsort(-alone[0], kind="stable")[:20].tolist() == (
                np.argsort(-among[m], kind="stable")[:20].tolist()
            )


def test_a_member_without_a_history_is_asked_about_too(models) -> None:
    following, window, histories = models
    nobody = Histories(np.zeros(2, np.int64), histories.title[:0], histories.at_us[:0])
    for scores in score_together(following, window, nobody, np.array([301 * DAY_US])):
        assert scores.shape == (1, 80)
        assert np.isclose(scores.sum(), 1.0, atol=1e-5)


def test_indexes_of_different_logs_are_not_shared(models) -> None:
    following, window, histories = models
    other = NextTitle(following.config)
    other.generators_, other.facts_ = following.generators_, following.facts_
    neighbours = type(following.generators_.neighbours)(following.generators_.neighbours.config)
    neighbours.index(histories.take(np.arange(50)), 80)
    other.generators_ = replace(following.generators_, neighbours=neighbours)
    assert not share_neighbours(other, window)


def test_recent_plays_of_a_day_are_counted_once_and_given_out_as_copies(models) -> None:
    facts = models[0].facts_
    days = np.array([200, 250, 200]) * DAY_US
    many = facts.recent_share(np.repeat(days, 10))
    for i, day in enumerate(days):
        one = facts.recent_share(np.array([day]))
        assert np.array_equal(one[0], many[10 * i])
        one *= 5.0  # whoever asks may change what they got
        assert np.array_equal(facts.recent_share(np.array([day]))[0], many[10 * i])
