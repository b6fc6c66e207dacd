from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matinee.errors import ConfigError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig, DecayedRidgeScorer
from matinee.testing.logs import generated_log, log_of
from matinee.testing.scorers import ScorerContract

CONFIG = DecayedRidgeConfig(decays=(0.6, 0.9), depths=(3, 5), reg=2.0)


class TestDecayedRidgeScorer(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> DecayedRidgeScorer:
        return DecayedRidgeScorer(CONFIG)


class TestDecayedRidgeScorerWithFewTargets(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> DecayedRidgeScorer:
        return DecayedRidgeScorer(replace(CONFIG, max_targets=7))


class TestDecayedRidgeScorerWithFewFeatures(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> DecayedRidgeScorer:
        return DecayedRidgeScorer(DecayedRidgeConfig(decays=(0.8,), depths=(2,), reg=1.0, max_titles=4))


def features_of(history: list[int], head: list[int], config: DecayedRidgeConfig) -> np.ndarray:
    """Feature row of a history by its definition: one cell per head title and scale, and the bias."""
    scales = len(config.decays)
    row = np.zeros(len(head) * scales + 1)
    row[-1] = 1.0
    for s, (decay, depth) in enumerate(zip(config.decays, config.depths, strict=True)):
        for recency, title in enumerate(reversed(history)):
            if recency < depth and title in head:
                row[head.index(title) * scales + s] += decay**recency
    return row


def design(
    histories: Histories, head: list[int], n_titles: int, config: DecayedRidgeConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Dense X and Y: one row per event that has an event before it."""
    x, y = [], []
    for m in range(len(histories)):
        row = histories.of(m).tolist()
        for t in range(1, len(row)):
            x.append(features_of(row[:t], head, config))
            y.append(np.eye(n_titles)[row[t]])
    return np.array(x), np.array(y)


def lower_filled(triangle: np.ndarray) -> np.ndarray:
    return np.tril(triangle) + np.tril(triangle, -1).T


LOGS: list[Any] = [
    pytest.param(log_of([[0, 1, 2], [2, 0], [1]], 4), 4_000, id="by hand"),
    pytest.param(log_of([[0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0, 1]], 3), 4_000, id="repeats"),
    pytest.param(generated_log(n_members=25, n_titles=8, longest=16, seed=5), 4_000, id="generated"),
    pytest.param(
        generated_log(n_members=25, n_titles=8, longest=16, seed=6), 3, id="titles outside the head"
    ),
]


@pytest.mark.parametrize(("train", "max_titles"), LOGS)
@pytest.mark.parametrize("scales", [((0.6, 0.9), (3, 5)), ((0.9, 0.5), (5, 1)), ((0.7,), (40,))])
def test_gram_is_that_of_the_dense_features(
    train: Interactions, max_titles: int, scales: tuple[tuple[float, ...], tuple[int, ...]]
) -> None:
    config = DecayedRidgeConfig(decays=scales[0], depths=scales[1], reg=2.0, max_titles=max_titles)
    scorer = DecayedRidgeScorer(config).prepare(train)
    assert scorer.features_ is not None
    gram = scorer.gram(train.histories)
    x, y = design(train.histories, scorer.features_.tolist(), train.n_titles, config)
    assert lower_filled(gram.xx) == pytest.approx(x.T @ x, rel=1e-5, abs=1e-4)
    assert gram.xy == pytest.approx(x.T @ y, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(("train", "max_titles"), LOGS)
def test_weights_are_the_ridge_regression_of_the_next_title(train: Interactions, max_titles: int) -> None:
    config = DecayedRidgeConfig(decays=(0.6, 0.9), depths=(3, 5), reg=2.0, max_titles=max_titles)
    scorer = DecayedRidgeScorer(config).fit(train)
    assert scorer.features_ is not None
    x, y = design(train.histories, scorer.features_.tolist(), train.n_titles, config)
    # least squares with sqrt(reg) on extra rows is ridge regression
    n = x.shape[1]
    stacked = np.vstack([x, np.sqrt(config.reg) * np.eye(n)])
    weights, *_ = np.linalg.lstsq(stacked, np.vstack([y, np.zeros((n, train.n_titles))]), rcond=None)
    assert scorer.weights_ == pytest.approx(weights, abs=1e-4)


@pytest.mark.parametrize(("train", "max_titles"), LOGS)
def test_scores_are_features_times_weights(train: Interactions, max_titles: int) -> None:
    config = DecayedRidgeConfig(decays=(0.6, 0.9), depths=(3, 5), reg=2.0, max_titles=max_titles)
    scorer = DecayedRidgeScorer(config).fit(train)
    assert scorer.features_ is not None
    rows = [[], [0], [0, 0, 1], [2, 1, 0, 2, 1, 0, 2, 1], [train.n_titles - 1]]
    x = np.array([features_of(row, scorer.features_.tolist(), config) for row in rows])
    scores = scorer.score(log_of(rows, train.n_titles).histories)
    assert scores == pytest.approx(x @ scorer.weights_, abs=1e-5)


def test_a_scorer_without_some_members_is_that_of_the_others() -> None:
    """Cross-fitting: the sums of all are the same before and after."""
    train = generated_log(seed=7)
    members = np.arange(train.n_members)
    own, others = train.take(members[::3]), train.take(members[members % 3 > 0])
    scorer = DecayedRidgeScorer(CONFIG).prepare(train)
    gram = scorer.gram(train.histories)
    before = (lower_filled(gram.xx), gram.xy.copy())
    found = scorer.without(gram, own.histories)
    alone = DecayedRidgeScorer(CONFIG).prepare(train)
    alone.solve(alone.gram(others.histories))
    assert found.weights_ == pytest.approx(alone.weights_, abs=1e-5)
    assert lower_filled(gram.xx) == pytest.approx(before[0], abs=1e-4)
    assert gram.xy == pytest.approx(before[1], abs=1e-4)
    everybody = DecayedRidgeScorer(CONFIG).fit(train)
    assert scorer.solve(gram).weights_ == pytest.approx(everybody.weights_, abs=1e-5)


def test_only_the_most_watched_titles_are_scored() -> None:
    train = generated_log(seed=8)
    limited = DecayedRidgeScorer(replace(CONFIG, max_targets=6)).fit(train)
    every = DecayedRidgeScorer(CONFIG).fit(train)
    count = np.bincount(train.histories.title, minlength=train.n_titles)
    scored = np.argsort(-count, kind="stable")[:6]
    assert limited.weights_ is not None
    assert limited.weights_.shape[1] == 6
    found, full = limited.score(train.histories), every.score(train.histories)
    assert found[:, scored] == pytest.approx(full[:, scored], abs=1e-5)
    assert np.abs(np.delete(found, scored, axis=1)).max() == 0


def test_what_always_follows_comes_first() -> None:
    """Members go round a circle of titles; the next one wins."""
    train = log_of([[(start + i) % 7 for i in range(10)] for start in range(7)] * 3, 7)
    scores = (
        DecayedRidgeScorer(DecayedRidgeConfig(reg=1.0)).fit(train).score(log_of([[2, 3], [6]], 7).histories)
    )
    assert scores.argmax(axis=1).tolist() == [4, 0]


def test_scores_of_an_empty_history_are_the_bias() -> None:
    scorer = DecayedRidgeScorer(CONFIG).fit(generated_log())
    assert scorer.weights_ is not None
    scores = scorer.score(log_of([[]], 20).histories)
    assert scores[0].tolist() == scorer.weights_[-1].tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decays": (0.6,)}, "1 decays and 2 depths, expected one depth for each decay"),
        ({"decays": (), "depths": ()}, "0 decays and 0 depths"),
        ({"decays": (0.6, 1.0)}, r"decays are \(0.6, 1.0\), expected numbers between 0 and 1"),
        ({"depths": (8, 0)}, r"depths are \(8, 0\), expected whole numbers of at least 1"),
        ({"max_targets": 0}, "max_targets is 0, expected at least 1"),
        ({"reg": 0.0}, r"reg is 0.0, expected a number above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DecayedRidgeConfig(**settings)
