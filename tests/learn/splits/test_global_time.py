import numpy as np
import pytest

from matinee.errors import InputError
from matinee.learn.interactions import Interactions
from matinee.learn.splits.global_time import global_time


def log():
    rows = [
        ("warm", "a", 1), ("warm", "b", 2), ("warm", "c", 10), ("warm", "d", 11), ("warm", "e", 12),
        ("gone", "a", 3), ("gone", "b", 4),
        ("cold", "c", 10), ("cold", "a", 11),
    ]  # fmt: skip
    member, title, at = zip(*rows, strict=True)
    return Interactions.from_arrays(np.array(member), np.array(title), np.array(at, dtype=np.int64))


def asked(split, form, members=None):
    """Questions as text: 'history>targets'."""
    queries = split.queries(form, members)
    ids = split.data.title_ids
    histories = queries.histories()
    return [
        "".join(ids[histories.of(q)])
        + ">"
        + "".join(ids[queries.target[queries.target_indptr[q] : queries.target_indptr[q + 1]]])
        for q in range(len(queries))
    ]


def test_the_four_forms_on_a_warm_member():
    split = global_time(log(), 10)
    assert asked(split, "window") == ["ab>cde"]
    assert asked(split, "first") == ["ab>c"]
    assert asked(split, "last") == ["abcd>e"]
    assert asked(split, "successive") == ["ab>c", "abc>d", "abcd>e"]


def test_cold_members_and_titles_are_known_apart():
    split = global_time(log(), 10)
    ids = split.data.member_ids
    assert list(ids[split.warm]) == ["warm"]
    assert list(ids[split.cold]) == ["cold"]
    assert list(split.data.title_ids[~split.seen_title]) == ["c", "d", "e"]
    assert asked(split, "window", split.cold) == [">ca"]
    assert asked(split, "successive", split.cold) == [">c", "c>a"]
    assert asked(split, "last", split.cold) == ["c>a"]


def test_learning_sees_nothing_at_or_after_the_cut():
    split = global_time(log(), 10)
    assert split.train.histories.at_us.max() < 10
    assert list(split.train.member_ids) == ["gone", "warm"]
    assert split.train.n_titles == split.data.n_titles


def test_a_share_cuts_at_that_share_of_events():
    data = Interactions.from_arrays(
        np.array(["a"] * 10), np.array(list("abcdefghij")), np.arange(10, dtype=np.int64) * 7
    )
    split = global_time(data, 0.8)
    assert split.cut_us == 56
    assert split.train.n_events == 8


def test_a_repeat_of_a_seen_title_is_no_target():
    member, title = np.array(["m"] * 5), np.array(list("abacc"))
    split = global_time(Interactions.from_arrays(member, title, np.arange(5, dtype=np.int64)), 2)
    assert asked(split, "window") == ["ab>c"]
    assert split.queries("window").n_repeats == 1
    assert asked(split, "successive") == ["aba>c"]


def test_take_and_batches_agree_with_histories():
    queries = global_time(log(), 10).queries("successive")
    assert [h.title.tolist() for _, h in queries.batches(2)] == [[0, 1, 0, 1, 2], [0, 1, 2, 3]]
    assert queries.take(np.array([False, True, True])).target.tolist() == [3, 4]
    assert queries.take(np.array([2])).histories().title.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("cut", "message"),
    [(0, "0 of 9 events are before it"), (99, "9 of 9 events"), (1.5, "expected a share between 0 and 1")],
)
def test_a_cut_with_an_empty_side_is_refused(cut, message):
    with pytest.raises(InputError, match=message):
        global_time(log(), cut)


def test_an_unknown_form_names_the_nearest():
    with pytest.raises(InputError, match='Did you mean "window"'):
        global_time(log(), 10).queries("windo")
