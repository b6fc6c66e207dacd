import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.learn.interactions import Histories
from matinee.prove.metrics.hit_rate import hit_rate
from matinee.prove.metrics.ranks import TargetRanks, rank_of_target, top_k

INF = np.inf


def histories(rows):
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    titles = np.array([t for row in rows for t in row], dtype=np.int32)
    return Histories(indptr, titles, np.zeros(len(titles), np.int64))


def ranks(scores, seen, targets):
    wanted = histories(targets)
    return rank_of_target(np.array(scores, np.float32), histories(seen), wanted.indptr, wanted.title).tolist()


def naive_rank(row, seen, target):
    """Sort-free and slow: count who is not strictly worse."""
    if target in seen or not row[target] > -INF:
        return len(row)
    rivals = [t for t in range(len(row)) if t != target and t not in seen]
    return 1 + sum(not row[t] < row[target] for t in rivals)


def test_known_ranks():
    assert ranks([[0.1, 0.9, 0.5, 0.7]], [[]], [[2]]) == [3]
    assert ranks([[0.1, 0.9, 0.5, 0.7]], [[1]], [[2]]) == [2]
    assert ranks([[0.1, 0.9, 0.5, 0.7]], [[1]], [[3, 0, 2]]) == [1, 3, 2]


def test_ties_count_against_the_model():
    assert ranks([[0.5, 0.5, 0.5, 0.1]], [[]], [[0]]) == [3]
    assert ranks([[0.5, 0.5, 0.5, 0.1]], [[]], [[0, 1]]) == [3, 3]


def test_a_model_that_scores_all_the_same_hits_nothing():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 100, 50)
    indptr = np.arange(51)
    rank = rank_of_target(np.zeros((50, 100), np.float32), histories([[]] * 50), indptr, target)
    assert (rank == 100).all()
    assert hit_rate(TargetRanks(indptr, rank), 10).sum() == 0.0


@pytest.mark.parametrize(
    ("row", "target", "rank"),
    [
        ([np.nan, 1.0, 2.0], 0, 3),  # no score for the target: worst
        ([-INF, 1.0, 2.0], 0, 3),
        ([np.nan, 1.0, 2.0], 2, 2),  # a rival without a score might be better
        ([-INF, 1.0, 2.0], 1, 2),
        ([INF, INF, 2.0], 0, 2),
    ],
)
def test_nan_and_infinity(row, target, rank):
    assert ranks([row], [[]], [[target]]) == [rank]
    assert ranks([row], [[]], [[target, target]]) == [rank, rank]  # the path for several targets


def test_a_seen_target_is_worst():
    assert ranks([[9.0, 1.0, 2.0]], [[0]], [[0]]) == [3]


values = st.sampled_from([0.0, 0.5, 1.0, 2.0, np.nan, INF, -INF])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_agrees_with_counting_by_hand(data):
    n_titles = data.draw(st.integers(1, 8))
    titles = st.integers(0, n_titles - 1)
    queries = data.draw(
        st.lists(
            st.tuples(
                st.lists(values, min_size=n_titles, max_size=n_titles),
                st.lists(titles, max_size=4),
                st.lists(titles, min_size=0, max_size=3),
            ),
            min_size=1,
            max_size=4,
        )
    )
    expected = [naive_rank(row, seen, t) for row, seen, targets in queries for t in targets]
    rows, seen, targets = zip(*queries, strict=True)
    assert ranks(rows, seen, targets) == expected


def test_top_k_breaks_ties_by_index_and_pads():
    scores = np.array([[1.0, 3.0, 3.0, 2.0, 3.0], [np.nan, -INF, 0.0, -INF, 1.0]], np.float32)
    assert top_k(scores, 3).tolist() == [[1, 2, 4], [4, 2, -1]]
    allowed = np.array([True, False, True, True, False])
    assert top_k(scores, 2, allowed=allowed).tolist() == [[2, 3], [2, -1]]


def test_scores_are_not_changed():
    scores = np.array([[1.0, 3.0]], np.float32)
    rank_of_target(scores, histories([[0]]), np.array([0, 1]), np.array([1]))
    assert scores.tolist() == [[1.0, 3.0]]
