"""Recall@m-by-n and NDCG2D."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matinee.prove.metrics.ndcg_2d import ndcg_2d, page_discount
from matinee.prove.metrics.recall_m_by_n import recall_m_by_n

PAGE = np.array([[1, 2, 3, 4], [5, 1, 6, -1], [7, -1, -1, -1]])


@pytest.mark.parametrize(
    ("relevant", "m", "n", "expected"),
    [
        ([1], 3, 4, 1.0),
        ([1, 99], 3, 4, 0.5),
        ([1, 5, 6, 7], 2, 2, 0.5),  # 1 stands twice and counts once
        ([4, 7], 3, 3, 0.5),
        ([7, 7], 3, 4, 1.0),
        ([1], 10, 10, 1.0),
    ],
)
def test_recall_m_by_n(relevant, m, n, expected):
    assert recall_m_by_n(PAGE, np.array(relevant), m, n) == expected


def test_nothing_relevant_is_unknown():
    nothing = np.zeros(0, np.int32)
    assert math.isnan(recall_m_by_n(PAGE, nothing, 3, 4))
    assert math.isnan(ndcg_2d(PAGE, nothing, page_discount(3, 4)))


def test_discount_falls_down_and_right():
    gain = page_discount(2, 3)
    np.testing.assert_allclose(gain[0], [1, 1 / math.log2(3), 1 / 2])
    np.testing.assert_allclose(gain[:, 0], [1, 1 / math.log2(3)])
    np.testing.assert_allclose(page_discount(1, 2, row_weight=2, col_weight=1)[0, 1], 1 / math.log2(4))


def test_places_out_of_sight_cost_actions():
    gain = page_discount(7, 6, visible=(3, 4))
    assert gain[2, 3] == 1 / math.log2(7)  # visible
    assert gain[3, 0] == 1 / math.log2(4 + 1 + 1)  # one scroll
    assert gain[6, 0] == 1 / math.log2(7 + 1 + 2)  # two scrolls
    assert gain[0, 4] == 1 / math.log2(1 + 5 + 1)  # one swipe


def test_ndcg_2d_by_hand():
    gain = page_discount(3, 4)
    assert ndcg_2d(PAGE, np.array([1]), gain) == 1.0  # the copy in the second row adds nothing
    expected = (1 / math.log2(3) + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert ndcg_2d(PAGE, np.array([5, 3]), gain) == pytest.approx(expected)
    assert ndcg_2d(PAGE, np.array([99]), gain) == 0.0


def test_a_copy_counts_at_its_best_place():
    page = np.array([[9, 9, 9, 2], [2, 9, 9, 9]])
    expected = (1 / math.log2(3)) / 1.0
    assert ndcg_2d(page, np.array([2]), page_discount(2, 4)) == pytest.approx(expected)


def test_a_short_page_is_not_excused():
    short = np.array([[1]])
    assert ndcg_2d(short, np.array([1, 2]), page_discount(1, 1)) == 1.0
    assert ndcg_2d(short, np.array([1, 2]), page_discount(3, 4)) < 1.0


def naive_ndcg_2d(page, relevant, gain):
    best = {}
    for r in range(page.shape[0]):
        for c in range(page.shape[1]):
            if page[r, c] in relevant:
                best[page[r, c]] = max(best.get(page[r, c], 0), gain[r, c])
    return sum(best.values()) / sum(sorted(gain.ravel(), reverse=True)[: len(relevant)])


@settings(max_examples=80, deadline=None)
@given(arrays(np.int32, (3, 4), elements=st.integers(-1, 12)), st.sets(st.integers(0, 15), min_size=1))
def test_agrees_with_loops(page, relevant):
    gain = page_discount(3, 4)
    array = np.array(sorted(relevant))
    assert ndcg_2d(page, array, gain) == pytest.approx(naive_ndcg_2d(page, relevant, gain))
    corner = {int(t) for row in page[:2] for t in row[:3]}
    assert recall_m_by_n(page, array, 2, 3) == pytest.approx(len(relevant & corner) / len(relevant))
