"""Hit rate, recall, NDCG, MRR and MAP: by hand, and against a slow implementation on lists of 0 and 1."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.prove.metrics.hit_rate import hit_rate
from matinee.prove.metrics.mean_average_precision import average_precision
from matinee.prove.metrics.mrr import mrr
from matinee.prove.metrics.ndcg import ndcg
from matinee.prove.metrics.ranks import TargetRanks
from matinee.prove.metrics.recall import recall


def ragged(rows):
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return TargetRanks(indptr, np.array([r for row in rows for r in row], dtype=np.int64))


ONE = ragged([[1], [10], [11]])
MANY = ragged([[2, 5, 40], [1, 2], [99, 98]])


@pytest.mark.parametrize(
    ("metric", "ranks", "expected"),
    [
        (hit_rate, ONE, [1, 1, 0]),
        (hit_rate, MANY, [1, 1, 0]),
        (recall, ONE, [1, 1, 0]),
        (recall, MANY, [2 / 3, 1, 0]),
        (ndcg, ONE, [1, 1 / math.log2(11), 0]),
        (
            ndcg,
            MANY,
            [(1 / math.log2(3) + 1 / math.log2(6)) / (1 + 1 / math.log2(3) + 1 / 2), 1, 0],
        ),
        (mrr, ONE, [1, 0.1, 0]),
        (mrr, MANY, [0.5, 1, 0]),
        (average_precision, ONE, [1, 0.1, 0]),
        (average_precision, MANY, [(1 / 2 + 2 / 5) / 3, 1, 0]),
    ],
)
def test_known_answers_at_10(metric, ranks, expected):
    np.testing.assert_allclose(metric(ranks, 10), expected)


def naive(ranks, k):
    """All five from a list of 0 and 1 per place, as a textbook does it."""
    places = [1 if place in ranks else 0 for place in range(1, k + 1)]
    dcg = sum(hit / math.log2(i + 2) for i, hit in enumerate(places))
    best = sum(1 / math.log2(i + 2) for i in range(min(k, len(ranks))))
    precision = [sum(places[: i + 1]) / (i + 1) for i in range(k)]
    return {
        hit_rate: float(any(places)),
        recall: sum(places) / len(ranks),
        ndcg: dcg / best,
        mrr: next((1 / (i + 1) for i, hit in enumerate(places) if hit), 0.0),
        average_precision: sum(p for p, hit in zip(precision, places, strict=True) if hit)
        / min(k, len(ranks)),
    }


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sets(st.integers(1, 30), min_size=1, max_size=8).map(list), min_size=1, max_size=5),
    st.integers(1, 20),
)
def test_agrees_with_the_textbook(rows, k):
    expected = [naive(row, k) for row in rows]
    for metric in (hit_rate, recall, ndcg, mrr, average_precision):
        np.testing.assert_allclose(metric(ragged(rows), k), [e[metric] for e in expected])


def test_tied_targets_stay_below_one():
    assert average_precision(ragged([[2, 2]]), 10)[0] == (1 / 2 + 2 / 2) / 2
    assert ndcg(ragged([[2, 2]]), 10)[0] < 1.0


def test_a_query_without_targets_scores_zero():
    for metric in (hit_rate, recall, ndcg, mrr, average_precision):
        assert metric(ragged([[], [1]]), 10).tolist() == [0.0, 1.0]
