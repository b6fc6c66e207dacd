from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import ConfigError
from matinee.learn.interactions import Interactions
from matinee.learn.models.ease import EaseConfig, EaseScorer, add_cooccurrence, cooccurrence
from matinee.testing.logs import generated_log, log_of
from matinee.testing.scorers import ScorerContract


class TestEaseScorer(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> EaseScorer:
        return EaseScorer(EaseConfig(reg=3.0))


class TestEdlae(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> EaseScorer:
        return EaseScorer(EaseConfig(reg=2.0, dropout=0.3, input_decay=0.9))


class TestEaseScorerOfFewTitles(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> EaseScorer:
        return EaseScorer(EaseConfig(reg=3.0, max_titles=5))


def watched(train: Interactions) -> np.ndarray:
    """Dense 0/1 matrix of members and titles."""
    x = np.zeros((train.n_members, train.n_titles))
    x[train.histories.member_of_event(), train.histories.title] = 1
    return x


def by_the_paper(x: np.ndarray, reg: float, dropout: float = 0.0) -> np.ndarray:
    """B = I - P diag(1 / diag(P)), P = (X'X + diag(reg + dropout / (1 - dropout) X'X))^-1."""
    gram = x.T @ x
    penalty = reg + dropout / (1 - dropout) * np.diag(gram)
    p = np.linalg.inv(gram + np.diag(penalty))
    return np.eye(len(p)) - p / np.diag(p)[None, :]


def test_checkerboard() -> None:
    """Members watch either even or odd titles, each but one: the missing one is what they get."""
    groups = [list(range(start, 10, 2)) for start in (0, 1)]
    rows = [[t for t in group if t != left_out] for group in groups for left_out in group]
    scores = EaseScorer(EaseConfig(reg=0.5)).fit(log_of(rows, 10)).score(log_of(rows, 10).histories)
    for row, own in zip(scores, rows, strict=True):
        unseen = np.setdiff1d(np.arange(10), own)
        assert unseen[row[unseen].argmax()] % 2 == own[0] % 2


@pytest.mark.parametrize("dropout", [0.0, 0.3, 0.75])
def test_weights_are_the_papers_closed_form(dropout: float) -> None:
    train = generated_log(n_members=60, n_titles=15, seed=2)
    scorer = EaseScorer(EaseConfig(reg=4.0, dropout=dropout)).fit(train)
    assert scorer.titles_ is not None
    x = watched(train)[:, scorer.titles_]
    assert scorer.weights_ == pytest.approx(by_the_paper(x, 4.0, dropout), abs=2e-5)
    assert np.abs(np.diagonal(scorer.weights_)).max() == 0


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_weights_minimise_the_papers_loss(dropout: float) -> None:
    """Each column is the ridge regression of one title on all others, with that title's row left out."""
    train = generated_log(n_members=60, n_titles=12, seed=3)
    scorer = EaseScorer(EaseConfig(reg=4.0, dropout=dropout)).fit(train)
    assert scorer.titles_ is not None
    assert scorer.weights_ is not None
    x = watched(train)[:, scorer.titles_]
    for j in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), j)
        gram = x.T @ x
        penalty = np.diag(4.0 + dropout / (1 - dropout) * np.diag(gram))
        column = np.linalg.solve((gram + penalty)[np.ix_(others, others)], gram[others, j])
        assert scorer.weights_[others, j] == pytest.approx(column, abs=2e-5)


def test_scores_are_the_sum_of_the_rows_of_what_was_watched() -> None:
    train = generated_log(n_members=60, n_titles=15, seed=2)
    scorer = EaseScorer(EaseConfig(reg=4.0)).fit(train)
    b = by_the_paper(watched(train)[:, :14], 4.0)  # the last title is unwatched
    scores = scorer.score(log_of([[3, 1, 3], [14], []], 15).histories)
    assert scores[0, :14] == pytest.approx(b[3] + b[1], abs=2e-5)
    assert np.abs(scores[0, 14]) == 0
    assert np.abs(scores[1:]).max() == 0


def test_older_titles_fade_when_scoring() -> None:
    train = generated_log(n_members=60, n_titles=15, seed=2)
    scorer = EaseScorer(EaseConfig(reg=4.0, input_decay=0.5)).fit(train)
    b = by_the_paper(watched(train)[:, :14], 4.0)
    scores = scorer.score(
        log_of([[3, 14, 1]], 15).histories
    )  # the unwatched title between them counts as a step
    assert scores[0, :14] == pytest.approx(b[3] / 4 + b[1], abs=2e-5)


def test_repeated_plays_count_once_in_training() -> None:
    once = EaseScorer(EaseConfig(reg=1.0)).fit(log_of([[0, 1], [1, 2], [0, 2], [2]], 3))
    often = EaseScorer(EaseConfig(reg=1.0)).fit(log_of([[0, 1, 0, 0], [1, 2, 2], [0, 2], [2]], 3))
    ask = log_of([[0], [1], [2]], 3).histories
    assert often.score(ask) == pytest.approx(once.score(ask), abs=1e-6)


def test_only_the_most_watched_titles_take_part() -> None:
    train = log_of([[0, 1], [0, 1], [0, 1, 2], [3]], 5)
    scorer = EaseScorer(EaseConfig(reg=1.0, max_titles=2)).fit(train)
    assert scorer.titles_ is not None
    assert sorted(scorer.titles_.tolist()) == [0, 1]
    assert np.abs(scorer.score(train.histories)[:, 2:]).max() == 0


def test_cooccurrence_counts_members() -> None:
    train = generated_log(seed=4)
    titles = np.array([7, 0, 3], np.int32)
    x = watched(train)[:, titles]
    counts = cooccurrence(train.histories, titles, train.n_titles)
    assert counts == pytest.approx(x.T @ x)
    add_cooccurrence(counts, train.histories.take(np.arange(9)), titles, train.n_titles, -1.0)
    assert counts == pytest.approx(x[9:].T @ x[9:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reg": -1.0}, r"EaseScorer: reg is -1.0, expected a number above 0\. Pass reg=200"),
        ({"reg": float("nan")}, "reg is nan"),
        ({"dropout": 1.0}, "dropout is 1.0, expected 0 to below 1"),
        ({"input_decay": 0.0}, "input_decay is 0.0, expected above 0 and at most 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EaseConfig(**settings)
