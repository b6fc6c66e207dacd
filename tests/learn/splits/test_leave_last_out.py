import numpy as np
import pytest

from matinee.errors import InputError
from matinee.learn.interactions import Interactions
from matinee.learn.splits.leave_last_out import leave_last_out


def log(rows):
    member, title, at = zip(*rows, strict=True)
    return Interactions.from_arrays(np.array(member), np.array(title), np.array(at, dtype=np.int64))


def names(data, titles):
    return [data.title_ids[t] for t in titles]


def test_last_event_is_the_target_and_the_rest_is_learned_from():
    data = log([("a", "x", 1), ("a", "y", 3), ("a", "z", 2), ("b", "x", 1), ("b", "z", 9)])
    split = leave_last_out(data)
    assert names(data, split.test.target) == ["y", "z"]
    assert names(data, split.test.histories().title) == ["x", "z", "x"]
    assert names(data, split.train.histories.title) == ["x", "z", "x"]
    assert split.n_short_members == 0
    assert split.n_unseen_targets == 1  # y


def test_equal_times_keep_file_order():
    data = log([("a", "z", 5), ("a", "x", 5), ("a", "y", 5)])
    split = leave_last_out(data)
    assert names(data, split.test.target) == ["y"]
    assert names(data, split.test.histories().title) == ["z", "x"]


def test_short_members_stay_in_train_and_are_counted():
    data = log([("a", "x", 1), ("b", "y", 1), ("b", "x", 2)])
    split = leave_last_out(data)
    assert split.n_short_members == 1
    assert list(split.test.member) == [1]
    assert split.train.histories.lengths.tolist() == [1, 1]


def test_a_repeated_last_title_is_left_out_and_counted():
    data = log([("a", "x", 1), ("a", "x", 2), ("b", "y", 1), ("b", "x", 2)])
    split = leave_last_out(data)
    assert split.test.n_repeats == 1
    assert list(split.test.member) == [1]
    assert split.train.n_events == 2


def test_without_a_member_of_two_events_it_refuses():
    with pytest.raises(InputError, match="none of 2 members has two events"):
        leave_last_out(log([("a", "x", 1), ("b", "y", 1)]))
