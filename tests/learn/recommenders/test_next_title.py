from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.learn.interactions import Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig
from matinee.learn.models.ease import EaseConfig
from matinee.learn.models.lambdamart import LambdaMartConfig
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.learn.recommenders.two_stage import TwoStageConfig
from matinee.testing.logs import generated_log, log_of
from matinee.testing.scorers import ScorerContract
from matinee.types import DAY_US

SMALL = TwoStageConfig(
    candidates=10,
    folds=2,
    lists=200,
    ridge=DecayedRidgeConfig(decays=(0.6, 0.9), depths=(3, 8), reg=5.0),
    ease=EaseConfig(reg=5.0),
    ranker=LambdaMartConfig(trees=5, leaves=4, min_rows=10),
)


class TestNextTitle(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> NextTitle:
        return NextTitle(SMALL, seed=seed)

    def test_the_log_is_long_enough_for_a_ranker(self) -> None:
        fitted = self.fitted()
        assert isinstance(fitted, NextTitle)
        assert fitted.ranker_ is not None


class TestNextTitleWithReturns(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> NextTitle:
        config = TwoStageConfig(
            candidates=10,
            folds=2,
            lists=400,
            returns=True,
            ridge=SMALL.ridge,
            ease=SMALL.ease,
            ranker=SMALL.ranker,
        )
        return NextTitle(config, seed=seed)

    def train(self) -> Interactions:
        return generated_log(n_members=80, seed=3)


@pytest.fixture(scope="module")
def fitted() -> NextTitle:
    return NextTitle(SMALL).fit(generated_log())


def test_scores_are_shares(fitted: NextTitle) -> None:
    scores = fitted.score(log_of([[], [3], list(range(20))], 20).histories)
    assert scores.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert scores.min() >= 0


def test_what_always_follows_is_recommended() -> None:
    """Members go round a circle of 12 titles, starting anywhere."""
    circle = log_of([[(start + i) % 12 for i in range(7)] for start in range(12)] * 8, 12)
    model = NextTitle(SMALL).fit(circle)
    assert model.ranker_ is not None
    titles, _ = model.best(log_of([[3, 4, 5], [10, 11, 0, 1]], 12).histories, 1)
    assert titles[:, 0].tolist() == [6, 2]


def test_best_is_what_score_puts_first(fitted: NextTitle) -> None:
    histories = generated_log(seed=21).histories
    titles, values = fitted.best(histories, 5)
    scores = fitted.score(histories)
    scores[histories.member_of_event(), histories.title] = -np.inf
    best = -np.sort(-scores, axis=1)[:, :5]  # the ranker gives some titles the same score
    assert np.take_along_axis(scores, titles.astype(np.int64), axis=1).tolist() == best.tolist()
    assert (np.diff(values, axis=1) <= 0).all()


def test_best_never_names_a_watched_or_forbidden_title_and_names_all_others(fitted: NextTitle) -> None:
    histories = log_of([[0, 1, 2], [], list(range(20)), list(range(18))], 20).histories
    permitted = np.arange(20) != 7
    titles, scores = fitted.best(histories, 25, permitted=permitted)
    for m in range(4):
        unseen = set(np.flatnonzero(permitted)) - set(histories.of(m).tolist())
        n = len(unseen)
        assert set(titles[m, :n].tolist()) == unseen
        assert (titles[m, n:] == -1).all()
        assert np.isfinite(scores[m, :n]).all()
        assert (np.diff(scores[m, :n]) <= 0).all()


@pytest.mark.parametrize("n_diverse", [2, 5])
def test_diverse_lists_are_full_and_without_repeats(fitted: NextTitle, n_diverse: int) -> None:
    histories = generated_log(n_members=60, seed=22).histories
    titles, _ = fitted.best(histories, 5, n_diverse=n_diverse)
    plain, _ = fitted.best(histories, 5)
    assert titles[:, : 5 - n_diverse].tolist() == plain[:, : 5 - n_diverse].tolist()
    assert len(np.unique(titles)) >= len(np.unique(plain))
    for m in range(len(histories)):
        assert len(set(titles[m].tolist())) == 5
        assert not set(titles[m].tolist()) & set(histories.of(m).tolist())


def test_in_a_log_of_many_members_some_give_the_examples() -> None:
    """And only those are left out of the generators that score them."""
    train = generated_log(n_members=90, seed=24)
    few = NextTitle(replace(SMALL, lists=60))
    few.facts_ = TitleFacts.of(train)
    _, examples = few._learn(train)
    assert 20 <= sum(len(part.relevant) for part in examples) <= 60


def test_progress_is_told_from_start_to_end() -> None:
    told: list[tuple[str, float]] = []
    NextTitle(SMALL, progress=lambda step, share: told.append((step, share))).fit(generated_log())
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(step for step, _ in told)


def test_the_time_of_asking_matters_only_when_it_is_told(fitted: NextTitle) -> None:
    histories = generated_log(seed=21).histories
    last = histories.at_us[histories.indptr[1:] - 1]
    assert np.array_equal(fitted.score_at(histories, last), fitted.score(histories))
    assert not np.array_equal(fitted.score_at(histories, last + 40 * DAY_US), fitted.score(histories))
