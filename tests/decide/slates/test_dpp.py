from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.decide.slates.dpp import diverse_slate
from matinee.errors import ConfigError


def naive(quality: np.ndarray, vectors: np.ndarray, k: int, diversity: float) -> list[int]:
    """The greedy maximum, with each determinant computed from scratch."""
    likeness = (1 + vectors.astype(np.float64) @ vectors.astype(np.float64).T) / 2
    np.fill_diagonal(likeness, 1.0)
    chosen: list[int] = []
    for _ in range(k):
        before = np.linalg.slogdet(likeness[np.ix_(chosen, chosen)])[1] if chosen else 0.0
        worth = np.full(len(quality), -np.inf)
        for i in set(range(len(quality))) - set(chosen):
            after = np.linalg.slogdet(likeness[np.ix_([*chosen, i], [*chosen, i])])[1]
            worth[i] = (1 - diversity) * np.log(quality[i]) + diversity * (after - before)
        chosen.append(int(np.argmax(worth)))
    return chosen


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from([0.0, 0.2, 0.5, 0.9]))
def test_equals_determinants_from_scratch(seed: int, n: int, diversity: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 16)).astype(np.float32)
    vectors *= rng.uniform(0.5, 0.99, (n, 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = rng.random(n).astype(np.float32) + 0.01
    k = int(rng.integers(1, min(n, 6) + 1))
    found = diverse_slate(quality, vectors.astype(np.float32), k, diversity=diversity)
    assert found.tolist() == naive(quality, vectors.astype(np.float32), k, diversity)


def test_no_diversity_is_the_ranking() -> None:
    same = np.ones((4, 1), np.float32)
    assert diverse_slate(np.float32([1, 4, 2, 3]), same, 4, diversity=0.0).tolist() == [1, 3, 2, 0]


def test_what_is_given_counts_as_shown() -> None:
    vectors = np.float32([[1, 0], [1, 0], [0, 1]])
    quality = np.float32([0.9, 0.8, 0.5])
    assert diverse_slate(quality, vectors, 1, diversity=0.5, given=np.array([0])).tolist() == [2]


def test_more_than_the_rank_of_the_vectors_is_filled_by_quality() -> None:
    vectors = np.float32([[1.0], [1.0], [1.0]])
    assert diverse_slate(np.float32([0.1, 0.3, 0.2]), vectors, 3, diversity=0.5).tolist() == [1, 2, 0]


def test_zero_quality_comes_last_and_is_no_error() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert diverse_slate(np.float32([0, 0.1, 0]), vectors, 2, diversity=0.5)[0] == 1


def test_a_diversity_above_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"diversity is 1.5, expected 0 to 1"):
        diverse_slate(np.ones(1, np.float32), np.ones((1, 1), np.float32), 1, diversity=1.5)
