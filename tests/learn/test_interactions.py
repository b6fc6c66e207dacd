from __future__ import annotations

import numpy as np

from matinee.learn.interactions import Histories, Interactions
from matinee.testing.logs import generated_log, log_of


def rows(histories: Histories) -> list[list[int]]:
    return [histories.of(m).tolist() for m in range(len(histories))]


def test_members_and_titles_are_sorted_events_by_time_and_equal_times_keep_file_order() -> None:
    log = Interactions.from_arrays(
        np.array(["m2", "m1", "m2", "m2", "m1"], object),
        np.array(["b", "c", "a", "c", "a"], object),
        np.array([5, 9, 3, 5, 9]),
        weight=np.float32([1, 2, 3, 4, 5]),
    )
    assert log.member_ids.tolist() == ["m1", "m2"]
    assert log.title_ids.tolist() == ["a", "b", "c"]
    assert rows(log.histories) == [[2, 0], [0, 1, 2]]
    assert log.histories.at_us.tolist() == [9, 9, 3, 5, 5]
    assert log.weight.tolist() == [2, 5, 3, 1, 4]
    assert (log.n_members, log.n_titles, log.n_events) == (2, 3, 5)


def test_given_title_ids_keep_their_order_and_may_be_unwatched() -> None:
    log = Interactions.from_arrays(
        np.array(["m"], object),
        np.array(["b"], object),
        np.array([1]),
        title_ids=np.array(["z", "b", "a"], object),
    )
    assert (log.n_titles, rows(log.histories)) == (3, [[1]])


def test_take_keep_and_drop_last_against_lists() -> None:
    log = generated_log(seed=12)
    plain = rows(log.histories)
    members = np.array([5, 0, 5, 39])
    assert rows(log.histories.take(members)) == [plain[m] for m in members]
    assert rows(log.histories.drop_last(2)) == [row[:-2] for row in plain]
    early = log.histories.title < 4
    assert rows(log.histories.keep(early)) == [[t for t in row if t < 4] for row in plain]
    assert rows(log.keep(early).histories) == [[t for t in row if t < 4] for row in plain]


def test_take_and_keep_carry_ids_weights_and_territory() -> None:
    log = log_of([[0, 1], [2], []], 3)
    log = Interactions(
        log.member_ids,
        log.title_ids,
        log.histories,
        np.float32([0.1, 0.2, 0.3]),
        np.array(["FR", None, "DE"], object),
    )
    some = log.take(np.array([2, 1]))
    assert some.member_ids.tolist() == ["m002", "m001"]
    assert some.weight.tolist() == np.float32([0.3]).tolist()
    assert some.territory is not None
    assert some.territory.tolist() == ["DE", None]
    kept = log.keep(np.array([False, True, True]))
    assert kept.weight.tolist() == np.float32([0.2, 0.3]).tolist()
    assert kept.n_members == 3


def test_age_and_owner_of_each_event() -> None:
    histories = log_of([[0, 1, 2], [], [1]], 3).histories
    assert histories.age().tolist() == [2, 1, 0, 0]
    assert histories.member_of_event().tolist() == [0, 0, 0, 2]
    assert histories.lengths.tolist() == [3, 0, 1]


def test_nobody_and_nothing() -> None:
    empty = log_of([], 0)
    assert (empty.n_members, empty.n_events, len(empty.histories)) == (0, 0, 0)
    assert rows(log_of([[], []], 2).histories.take(np.array([1]))) == [[]]
