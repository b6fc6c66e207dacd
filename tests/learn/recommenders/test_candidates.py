from __future__ import annotations

import numpy as np
import pytest

from matinee.learn.interactions import Interactions
from matinee.learn.recommenders.candidates import (
    PAUSE_US,
    mask_seen,
    own_later,
    past_queries,
    queries_now,
    rank_in_list,
    recent_counts,
    times_by_title,
    top,
)
from matinee.testing.logs import START_US, generated_log, log_of
from matinee.types import DAY_US, HOUR_US


def test_queries_now_are_asked_at_the_last_event() -> None:
    log = log_of([[0, 1], [], [2]], 3)
    queries = queries_now(log.histories)
    assert queries.asked_us[[0, 2]].tolist() == [START_US + HOUR_US, START_US]
    assert queries.asked_us[1] > START_US + HOUR_US  # when the log has ended
    assert queries.member.tolist() == [-1, -1, -1]
    assert queries.paused().tolist() == [False, True, False]


def test_an_hour_without_events_is_a_pause_and_so_is_the_time_before_the_first() -> None:
    histories = log_of([[0], [0], []], 2).histories
    asked = np.array([START_US + PAUSE_US, START_US + PAUSE_US + 1, START_US + DAY_US])
    assert queries_now(histories, asked).paused().tolist() == [False, True, True]


@pytest.mark.parametrize("back", [0, 1, 3])
def test_past_queries_know_what_stood_before_the_target(back: int) -> None:
    log = generated_log(seed=13)
    h = log.histories
    members = np.arange(0, log.n_members, 2, dtype=np.int32)
    queries, target, then_us = past_queries(h, members, back)
    expected = [m for m in members if h.lengths[m] - back >= 3]
    assert queries.member.tolist() == expected
    for q, member in enumerate(expected):
        row, at_us = h.of(member), h.at_us[h.indptr[member] : h.indptr[member + 1]]
        event = len(row) - 1 - back
        assert queries.histories.of(q).tolist() == row[:event].tolist()
        assert target[q] == row[event]
        assert queries.asked_us[q] == at_us[event - 1]
        assert then_us[q] == at_us[event]


def test_past_queries_of_members_with_too_few_events() -> None:
    queries, target, then_us = past_queries(log_of([[0, 1], [1], []], 2).histories, np.arange(3), 0)
    assert len(queries) == len(target) == len(then_us) == 0


def test_top_against_sorting() -> None:
    """Ties by position, -inf last; scores are small whole numbers so that ties are many."""
    rng = np.random.default_rng(0)
    for k in (1, 3, 9, 20):
        scores = rng.permuted(np.repeat(np.arange(9, dtype=np.float32), 1)[None, :].repeat(50, 0), axis=1)
        scores[rng.random(scores.shape) < 0.2] = -np.inf
        titles, values = top(scores, k)
        assert titles.shape == (50, min(k, 9))
        for row, found, value in zip(scores, titles, values, strict=True):
            expected = sorted(range(9), key=lambda t: (-row[t], t))[:k]
            finite = [t for t in expected if np.isfinite(row[t])]
            assert found.tolist()[: len(finite)] == finite
            assert value.tolist() == row[found].tolist()


def test_rank_in_list_counts_from_the_highest_and_breaks_ties_by_position() -> None:
    ranks = rank_in_list(np.float32([[0.1, 0.9, 0.5], [2, 2, 3], [-np.inf, 0, 0]]))
    assert ranks.tolist() == [[2, 0, 1], [1, 2, 0], [2, 0, 1]]
    assert ranks.dtype == np.float32


def test_mask_seen_masks_what_was_watched_and_what_is_not_permitted() -> None:
    scores = np.zeros((3, 4), np.float32)
    out = mask_seen(scores, log_of([[0, 2, 0], [], [3]], 4).histories, np.array([True, False, True, True]))
    masked = np.isneginf(out)
    assert masked.tolist() == [
        [True, True, True, False],
        [False, True, False, False],
        [False, True, False, True],
    ]


def test_recent_counts_against_counting() -> None:
    log = generated_log(seed=14)
    h = log.histories
    rng = np.random.default_rng(1)
    asked = np.concatenate([rng.choice(h.at_us, 15), [START_US - 1, START_US + 999 * DAY_US]])
    candidates = rng.integers(0, log.n_titles, (len(asked), 6)).astype(np.int32)
    windows = np.array([HOUR_US, DAY_US, 9 * DAY_US])
    out = np.zeros((*candidates.shape, 4), np.float32)
    indptr, at_us = times_by_title(h, log.n_titles)
    recent_counts(indptr, at_us, candidates, asked, windows, out)
    for q, now in enumerate(asked):
        for c, title in enumerate(candidates[q]):
            times = h.at_us[h.title == title]
            expected = [int(((times <= now) & (times > now - w)).sum()) for w in windows]
            assert out[q, c].tolist() == [*expected, int((times <= now).sum())]


def own_later_of(log: Interactions, back: int) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int, int]]]:
    """Output of own_later for all titles as candidates, and (query, events before, member) of each."""
    h = log.histories
    queries, *_ = past_queries(h, np.arange(log.n_members, dtype=np.int32), back)
    candidates = np.tile(np.arange(log.n_titles, dtype=np.int32), (len(queries), 1))
    later = np.empty(candidates.shape, np.int32)
    same_time = np.empty(candidates.shape, np.int32)
    own_later(
        queries.histories.indptr, queries.member, candidates, h.indptr, h.title, h.at_us, queries.asked_us,
        later, same_time,
    )  # fmt: skip
    where = [(q, int(queries.histories.lengths[q]), int(m)) for q, m in enumerate(queries.member)]
    return later, same_time, where


@pytest.mark.parametrize("back", [0, 2, 4])
def test_own_later_against_searching(back: int) -> None:
    log = generated_log(seed=15)
    h = log.histories
    later, same_time, where = own_later_of(log, back)
    for q, known, member in where:
        row = h.of(member)
        at_us = h.at_us[h.indptr[member] : h.indptr[member + 1]]
        for title in range(log.n_titles):
            places = [p for p in range(known, len(row)) if row[p] == title]
            assert later[q, title] == len(places)
            assert same_time[q, title] == sum(at_us[p] == at_us[known - 1] for p in places)


def test_own_later_of_nobody_is_nothing() -> None:
    log = generated_log()
    h = log.histories
    queries = queries_now(h.drop_last(3))
    candidates = np.tile(np.arange(log.n_titles, dtype=np.int32), (len(queries), 1))
    later = np.empty(candidates.shape, np.int32)
    same_time = np.empty(candidates.shape, np.int32)
    own_later(
        queries.histories.indptr, queries.member, candidates, h.indptr, h.title, h.at_us, queries.asked_us,
        later, same_time,
    )  # fmt: skip
    assert (later == 0).all()
    assert (same_time == 0).all()


def test_times_by_title() -> None:
    log = generated_log(seed=16)
    indptr, at_us = times_by_title(log.histories, log.n_titles)
    for title in range(log.n_titles):
        expected = sorted(log.histories.at_us[log.histories.title == title].tolist())
        assert at_us[indptr[title] : indptr[title + 1]].tolist() == expected
