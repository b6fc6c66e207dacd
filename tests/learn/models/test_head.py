from __future__ import annotations

from matinee.learn.models.head import ALWAYS_IN, most_watched
from matinee.testing.logs import log_of


def test_most_watched_first_ties_by_position_never_unwatched() -> None:
    assert most_watched(log_of([[3, 3, 1, 0], [3, 4, 0]], 6), 10, 1).tolist() == [3, 0, 1, 4]
    assert most_watched(log_of([[3, 3, 1, 0], [3, 4, 0]], 6), 2, 1).tolist() == [3, 0]


def test_few_plays_are_enough_for_the_first_500_only() -> None:
    """600 titles with one play, 10 of them with three."""
    rows = [list(range(600)), *[list(range(590, 600))] * 2]
    head = most_watched(log_of(rows, 700), 4_000, 3)
    assert len(head) == ALWAYS_IN
    assert sorted(head[:10].tolist()) == list(range(590, 600))
    assert len(most_watched(log_of(rows, 700), 4_000, 1)) == 600
