"""The quick evaluation of trees gives LightGBM's own sums."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.learn.models.lambdamart import LambdaMartConfig, LambdaMartRanker
from matinee.learn.models.quick_trees import QuickTrees


def ranker(leaves: int, *, trees: int = 30, seed: int = 0) -> tuple[LambdaMartRanker, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(4_000, 6)).astype(np.float32)
    features[:, 2] = rng.integers(0, 4, 4_000)
    features[:, 5] = 0.0
    relevant = (features[:, 0] * features[:, 1] + features[:, 2] > rng.normal(size=4_000)).astype(np.int8)
    config = LambdaMartConfig(trees=trees, leaves=leaves, min_rows=5)
    made = LambdaMartRanker(config, seed=seed).fit(features, relevant, np.full(80, 50, np.int32))
    return made, features


@pytest.mark.parametrize("leaves", [2, 15, 64])
def test_the_sums_are_those_of_lightgbm(leaves: int) -> None:
    made, features = ranker(leaves)
    quick = QuickTrees.of(made.booster_.model_to_string())
    assert quick is not None
    edges = np.concatenate([features, -features, np.zeros((1, 6), np.float32)])
    edges[:200, 0] = quick.threshold[:1].astype(np.float32)
    expected = made.booster_.predict(edges, raw_score=True, num_threads=1)
    assert np.abs(quick.score(edges) - expected).max() <= 1e-12
    assert np.array_equal(made.score(edges), expected.astype(np.float32))


@pytest.mark.parametrize("leaves", [15, 33])
def test_any_number_of_rows(leaves: int) -> None:
    """Rows go through the trees several at a time: the last ones may be fewer."""
    made, features = ranker(leaves)
    quick = QuickTrees.of(made.booster_.model_to_string())
    assert quick is not None
    assert quick.left_out.dtype == (np.uint32 if leaves <= 32 else np.uint64)
    whole = quick.score(features[:100])
    for n in (0, 1, 15, 16, 17, 100):
        assert np.array_equal(quick.score(features[:n]), whole[:n])


def test_thresholds_are_compared_as_in_double_precision() -> None:
    made, _ = ranker(15)
    quick = QuickTrees.of(made.booster_.model_to_string())
    assert quick is not None
    assert (quick.at_most.astype(np.float64) <= quick.threshold).all()
    assert (np.nextafter(quick.at_most, np.float32(np.inf)).astype(np.float64) > quick.threshold).all()


def test_a_value_that_is_missing_goes_to_lightgbm() -> None:
    made, features = ranker(15)
    features = features[:10].copy()
    features[3, 0] = np.nan
    expected = made.booster_.predict(features, raw_score=True, num_threads=1)
    assert np.array_equal(made.score(features), expected.astype(np.float32))


def test_trees_that_do_not_fit_are_left_to_lightgbm() -> None:
    made, features = ranker(100, trees=3)
    assert QuickTrees.of(made.booster_.model_to_string()) is None
    expected = made.booster_.predict(features, raw_score=True, num_threads=1)
    assert np.array_equal(made.score(features), expected.astype(np.float32))


def test_columns_that_a_ranker_does_not_know_are_passed_over() -> None:
    """A model that was trained by an earlier version goes on, also where a value is missing."""
    made, features = ranker(15)
    for _ in range(2):
        wider = np.hstack([features, np.full((len(features), 3), 9.0, np.float32)])
        assert np.array_equal(made.score(wider), made.score(features))
        features[0, 1] = np.nan
