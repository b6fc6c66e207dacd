from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.learn.recommenders.coverage import diverse_slots, spread


def lists(n_members: int, n_titles: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Candidates by the ranker and, the same ones, by taste; popular titles stand first in most lists."""
    rng = np.random.default_rng(seed)
    ranked = np.array(
        [np.argsort(np.arange(n_titles) + rng.normal(0, 4, n_titles))[:width] for _ in range(n_members)]
    )
    return ranked.astype(np.int32), rng.permuted(ranked, axis=1).astype(np.int32)


def spread_naively(
    ranked: np.ndarray, taste: np.ndarray, k: int, n_slots: int, shown: np.ndarray
) -> list[list[int]]:
    out = []
    for by_rank, by_taste in zip(ranked.tolist(), taste.tolist(), strict=True):
        row = [t for t in by_rank if t >= 0][: k - n_slots]
        per_1000 = 1000 / (shown[-1] + 1)
        while len(row) < k:
            values = {
                t: -np.log(1 + r) - np.log(1 + shown[t] * per_1000)
                for r, t in enumerate(by_taste)
                if t >= 0 and t not in row
            }
            if not values:
                break
            row.append(max(values, key=lambda t: values[t]))
        for t in row:
            shown[t] += 1
        shown[-1] += 1
        out.append(row + [-1] * (k - len(row)))
    return out


@pytest.mark.parametrize("n_slots", [0, 3, 8])
def test_against_a_plain_implementation(n_slots: int) -> None:
    ranked, taste = lists(60, 50, 20)
    shown, expected_shown = np.zeros(51), np.zeros(51)
    found = spread(ranked, taste, 8, n_slots, 50, shown=shown)
    assert found.tolist() == spread_naively(ranked, taste, 8, n_slots, expected_shown)
    assert shown.tolist() == expected_shown.tolist()


@pytest.mark.parametrize("n_slots", [0, 3, 8])
def test_no_title_twice_and_the_rankers_first_places_are_kept(n_slots: int) -> None:
    ranked, taste = lists(60, 50, 20)
    found = spread(ranked, taste, 8, n_slots, 50, shown=np.zeros(51))
    assert found[:, : 8 - n_slots].tolist() == ranked[:, : 8 - n_slots].tolist()
    for row, candidates in zip(found, ranked, strict=True):
        assert len(set(row.tolist())) == 8
        assert set(row.tolist()) <= set(candidates.tolist())


def test_more_slots_show_more_titles() -> None:
    ranked, taste = lists(200, 100, 40)
    distinct = [len(np.unique(spread(ranked, taste, 10, n, 100, shown=np.zeros(101)))) for n in (0, 3, 6, 10)]
    assert distinct == sorted(distinct)
    assert distinct[-1] > distinct[0]


def test_a_title_that_was_shown_often_stands_back() -> None:
    one = np.arange(5, dtype=np.int32)[None, :]
    fresh = spread(one, one, 3, 3, 5, shown=np.zeros(6))
    assert fresh.tolist() == [[0, 1, 2]]
    often = np.array([50.0, 0, 0, 0, 0, 50.0])  # title 0 was in every list so far
    assert 0 not in spread(one, one, 3, 3, 5, shown=often)


def test_short_lists_end_with_nothing() -> None:
    ranked = np.array([[4, 2, -1], [-1, -1, -1]], np.int32)
    found = spread(ranked, ranked, 4, 2, 5, shown=np.zeros(6))
    assert found.tolist() == [[4, 2, -1, -1], [-1, -1, -1, -1]]


def test_slots_and_their_limits() -> None:
    assert [diverse_slots(10, d) for d in (0, 0.04, 0.3, 0.5, 1)] == [0, 0, 3, 5, 10]
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"--diversity is .*, expected 0 to 1"):
            diverse_slots(10, wrong)
