"""Coverage, effective catalogue size, novelty, diversity and calibration of lists."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matinee.prove.metrics.calibration_error import calibration_error, genre_mix
from matinee.prove.metrics.coverage import coverage
from matinee.prove.metrics.effective_catalogue_size import effective_catalogue_size
from matinee.prove.metrics.intra_list_diversity import intra_list_diversity
from matinee.prove.metrics.novelty import novelty

NAN = float("nan")


def test_coverage_counts_distinct_titles_and_no_padding():
    assert coverage(np.array([[0, 1], [1, -1]]), 8) == 0.25
    assert coverage(np.array([[-1, -1]]), 8) == 0.0


@pytest.mark.parametrize(
    ("plays", "size"), [([10, 6, 3], 2.2632), ([5, 5, 5, 5], 4), ([0, 7, 0], 1), ([3, 10, 6], 2.2632)]
)
def test_effective_catalogue_size(plays, size):
    assert effective_catalogue_size(np.array(plays)) == pytest.approx(size, abs=1e-4)


def test_effective_catalogue_size_without_plays_is_unknown():
    assert math.isnan(effective_catalogue_size(np.zeros(3)))


def test_novelty_in_bits():
    lists = np.array([[0, 1], [2, -1], [-1, -1]])
    np.testing.assert_allclose(novelty(lists, np.array([4, 1, 0]), 8), [2.0, 3.0, NAN])


def test_diversity_of_same_unlike_and_opposite():
    vectors = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], np.float32)
    lists = np.array([[0, 1], [0, 2], [0, 3], [0, -1]])
    np.testing.assert_allclose(intra_list_diversity(lists, vectors), [0, 1, 2, NAN])


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (5, 3), elements=st.floats(0.1, 1.0)), st.lists(st.integers(0, 4), min_size=2))
def test_diversity_agrees_with_all_pairs(raw, titles):
    vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    pairs = list(itertools.combinations(titles, 2))
    expected = 1 - sum(float(vectors[a] @ vectors[b]) for a, b in pairs) / len(pairs)
    assert intra_list_diversity(np.array([titles]), vectors)[0] == pytest.approx(expected, abs=1e-5)


GENRES = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)


def test_genre_mix_shares_a_title_among_its_genres():
    member, title = np.array([0, 0, 1, 2]), np.array([0, 2, 1, 3])
    mix = genre_mix(member, title, GENRES, 4)
    np.testing.assert_allclose(mix, [[0.75, 0.25], [0, 1], [0, 0], [0, 0]])
    weighted = genre_mix(member, title, GENRES, 4, weight=np.array([3.0, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(weighted[0], [3.5 / 4, 0.5 / 4])


def test_calibration_error_by_hand():
    wanted = np.array([[0.7, 0.3], [0.5, 0.5], [0.7, 0.3], [0, 0], [1, 0]])
    shown = np.array([[1.0, 0.0], [0.5, 0.5], [0.3, 0.7], [1, 0], [0, 0]])
    first = 0.7 * math.log(0.7 / (0.99 + 0.007)) + 0.3 * math.log(0.3 / 0.003)
    third = 0.7 * math.log(0.7 / (0.297 + 0.007)) + 0.3 * math.log(0.3 / (0.693 + 0.003))
    np.testing.assert_allclose(calibration_error(wanted, shown), [first, 0, third, NAN, NAN], atol=1e-12)


mixes = arrays(np.float64, (1, 4), elements=st.floats(0.0, 1.0)).filter(lambda x: x.sum() > 0.1)


@settings(max_examples=50, deadline=None)
@given(mixes, mixes)
def test_calibration_error_agrees_with_a_loop_and_is_never_negative(p, q):
    p, q = p / p.sum(), q / q.sum()
    loop = sum(a * math.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p[0], q[0], strict=True) if a > 1e-300)
    error = calibration_error(p, q)[0]
    assert error >= 0
    assert error == pytest.approx(loop, abs=1e-9)
