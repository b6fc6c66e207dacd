from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from matinee.learn.models.lambdarank import LambdaRank


def lists(seed: int, n_good: int | None = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists of 2 to 30 rows: watched or not, sizes, and scores with ties."""
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 31, 40).astype(np.int32)
    relevant = []
    for n in size:
        row = np.zeros(n, np.int8)
        row[rng.choice(n, rng.integers(0, n + 1) if n_good is None else n_good, replace=False)] = 1
        relevant.append(row)
    return np.concatenate(relevant), size, rng.normal(0, 1.5, int(size.sum())).round(1)


def by_the_paper(
    relevant: np.ndarray, size: np.ndarray, scores: np.ndarray, truncation: int
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of each list, one after the other."""
    gradient, curvature = np.zeros(len(scores)), np.zeros(len(scores))
    for first, last in zip(np.cumsum(size) - size, np.cumsum(size), strict=True):
        order = first + np.argsort(-scores[first:last], kind="stable")
        discount = 1 / np.log2(2 + np.arange(last - first))
        best = discount[: min(truncation, int(relevant[first:last].sum()))].sum()
        total = 0.0
        for i in range(min(truncation, len(order))):
            for j in range(i + 1, len(order)):
                if relevant[order[i]] == relevant[order[j]]:
                    continue
                high, low = (order[i], order[j]) if relevant[order[i]] else (order[j], order[i])
                gap = scores[high] - scores[low]
                change = (discount[i] - discount[j]) / best
                if scores[order[0]] != scores[order[-1]]:
                    change /= 0.01 + abs(gap)
                p = 1 / (1 + np.exp(gap))
                gradient[high] -= p * change
                gradient[low] += p * change
                curvature[[high, low]] += p * (1 - p) * change
                total += 2 * p * change
        if total:
            gradient[first:last] *= np.log2(1 + total) / total
            curvature[first:last] *= np.log2(1 + total) / total
    return gradient, curvature


@pytest.mark.parametrize("truncation", [3, 10, 100])
@pytest.mark.parametrize("n_good", [1, 2, None])
def test_gradients_are_those_of_the_definition(n_good: int | None, truncation: int) -> None:
    relevant, size, scores = lists(0, n_good)
    objective = LambdaRank(relevant, size, truncation)
    for moved in (np.zeros_like(scores), scores, -scores, scores**2):  # the order is mended call by call
        gradient, curvature = objective(moved)
        expected = by_the_paper(relevant, size, moved, truncation)
        assert gradient == pytest.approx(expected[0], abs=1e-5)
        assert curvature == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.parametrize("n_good", [1, None])
def test_trees_are_those_of_lightgbms_own_objective(n_good: int | None) -> None:
    relevant, size, _ = lists(1, n_good)
    features = np.random.default_rng(2).normal(size=(len(relevant), 4)) + 0.7 * relevant[:, None]
    shared = {"num_leaves": 4, "min_data_in_leaf": 5, "num_threads": 1, "seed": 3, "verbosity": -1}
    truncation = {"lambdarank_truncation_level": 10}
    found = []
    for objective in ("lambdarank", LambdaRank(relevant, size, 10)):
        data = lightgbm.Dataset(features, relevant, group=size, params=shared)
        own = {"objective": objective} | (truncation if objective == "lambdarank" else {})
        found.append(lightgbm.train(shared | own, data, num_boost_round=5).predict(features, raw_score=True))
    assert found[1] == pytest.approx(found[0], abs=1e-3)
    assert np.abs(found[0]).max() > 0.1


def test_lists_without_a_watched_title_or_with_nothing_else_teach_nothing() -> None:
    gradient, curvature = LambdaRank(np.int8([0, 0, 1, 1, 1]), np.int32([2, 3]), 10)(np.arange(5.0))
    assert gradient.tolist() == [0] * 5
    assert curvature.tolist() == [0] * 5
