from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.learn.interactions import Interactions
from matinee.learn.recommenders.recommend import (
    Objective,
    Recommendations,
    aligned,
    of_members,
    recommend,
    widened,
)
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.testing.logs import generated_log, log_of
from matinee.types import ALWAYS_US, DAY_US

OBJECTIVES: list[Objective] = ["next", "window"]


def short_log() -> Interactions:
    """Too short to learn an order from, so that the tests are quick."""
    return generated_log(n_members=12, n_titles=15, longest=6, seed=1)


def check(found: Recommendations, train: Interactions, k: int) -> None:
    """Each list is full, or holds all unseen titles; nothing seen, nothing twice; scores fall."""
    position = {m: i for i, m in enumerate(train.member_ids)}
    for m, member in enumerate(found.member_ids):
        seen = set(train.histories.of(position[member]).tolist()) if member in position else set()
        titles = [t for t in found.title[m].tolist() if t >= 0]
        assert found.title[m, : len(titles)].tolist() == titles, "a gap in the list"
        assert not seen & set(titles), f"{member} has watched {seen & set(titles)}"
        assert len(set(titles)) == len(titles)
        assert len(titles) == min(k, len(found.title_ids) - len(seen))
        scores = found.score[m, : len(titles)]
        assert np.isfinite(scores).all()
        assert (np.diff(scores) <= 0).all(), scores


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("diversity", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("k", [1, 4, 30])
def test_lists_are_full_unseen_and_in_order(objective: Objective, diversity: float, k: int) -> None:
    train = short_log()
    found = recommend(train, k, objective=objective, diversity=diversity)
    assert found.member_ids.tolist() == train.member_ids.tolist()
    check(found, train, k)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_same_seed_same_lists(objective: Objective) -> None:
    one, two = (recommend(short_log(), 5, objective=objective, diversity=0.4, seed=3) for _ in range(2))
    assert np.array_equal(one.title, two.title)
    assert np.array_equal(one.score, two.score)


def test_without_diversity_the_first_places_of_longer_lists_are_the_shorter_lists() -> None:
    short, long = (recommend(short_log(), k) for k in (3, 9))
    assert np.array_equal(short.title, long.title[:, :3])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_exactly_the_members_asked_for_in_their_order(objective: Objective) -> None:
    train = short_log()
    wanted = ["nobody knows", "m003", "m000", "another"]
    found = recommend(train, 4, objective=objective, members=wanted)
    assert found.member_ids.tolist() == wanted
    check(found, train, 4)
    every = recommend(train, 4, objective=objective)
    assert found.title[1:3].tolist() == every.title[[3, 0]].tolist()
    assert found.title[0].tolist() == found.title[3].tolist()


def test_unknown_members_get_what_is_popular() -> None:
    train = log_of([[3, 0, 1], [2, 0], [1, 0], [2, 1, 0]], 4)
    found = recommend(train, 2, members=["new"])
    assert found.title[0].tolist() == [0, 1]


def test_what_others_watched_first_is_popular_too() -> None:
    train = log_of([[0, 1], [0, 2], [0, 1]], 4)
    found = recommend(train, 2, members=["new"])
    assert found.title[0].tolist() == [0, 1]


def test_unknown_members_get_the_same_whoever_else_is_asked_for() -> None:
    train = short_log()
    alone = recommend(train, 6, members=["new"])
    beside = recommend(train, 6, members=["new", "m003"])
    assert alone.score[0].tolist() == beside.score[0].tolist()


def test_nobody_asked_for() -> None:
    found = recommend(short_log(), 4, members=[])
    assert found.title.shape == (0, 4)


def films(*rows: dict[str, object]) -> Catalogue:
    return Catalogue.from_rows(list(rows))


def test_a_list_is_no_longer_than_the_catalogue() -> None:
    found = recommend(log_of([[0], [1]], 2), 10**12)
    assert found.title.shape == (2, 2)
    assert sorted(found.title[0].tolist()) == [-1, 1]


def test_titles_that_only_the_catalogue_names_may_be_recommended() -> None:
    train = log_of([[0], [0, 1]], 2)
    found = recommend(train, 5, catalogue=films({"title_id": "new"}, {"title_id": "t000"}))
    assert found.title_ids.tolist() == ["t000", "t001", "new"]
    check(found, train, 5)
    assert found.title_ids[found.title[1, 0]] == "new"


def test_a_new_title_like_what_was_watched_comes_before_one_that_is_not() -> None:
    catalogue = films(
        {"title_id": "t000", "genres": ["war"]},
        {"title_id": "t001", "genres": ["romance"]},
        {"title_id": "another romance", "genres": ["romance"]},
        {"title_id": "another war", "genres": ["war"]},
    )
    found = recommend(log_of([[0], [1]], 2), 3, catalogue=catalogue)
    names = found.title_ids[found.title]
    for m, (own, other) in enumerate(
        [("another war", "another romance"), ("another romance", "another war")]
    ):
        assert names[m].tolist().index(own) < names[m].tolist().index(other)


def test_episodes_are_not_recommended_unless_the_log_names_them() -> None:
    catalogue = films(
        {"title_id": "s", "kind": "series"},
        {"title_id": "s1", "kind": "episode", "series_id": "s"},
        {"title_id": "t000", "kind": "episode", "series_id": "s"},
    )
    wide = widened(log_of([[0], [1]], 2), catalogue)
    assert wide.title_ids.tolist() == ["t000", "t001", "s"]


def test_a_catalogue_in_the_order_of_the_log() -> None:
    catalogue = films(
        {"title_id": "b", "genres": ["war"], "cast": "X|Y", "languages": ["fr"], "release_us": 5 * DAY_US},
        {"title_id": "a", "countries": ["FR"], "directors": "Z"},
    )
    found = aligned(catalogue, np.array(["unknown", "a", "b"], object))
    assert found.title_ids.tolist() == ["unknown", "a", "b"]
    assert [found.genres.of(t) for t in range(3)] == [[], [], ["war"]]
    assert [found.countries.of(t) for t in range(3)] == [[], ["FR"], []]
    assert [found.languages.of(t) for t in range(3)] == [[], [], ["fr"]]
    assert found.release_us.tolist() == [ALWAYS_US, ALWAYS_US, 5 * DAY_US]
    assert found.cast is not None
    assert found.directors is not None
    assert (found.cast.tolist(), found.directors.tolist()) == (["", "", "X|Y"], ["", "Z", ""])


def test_histories_of_members_asked_for() -> None:
    train = log_of([[0, 1], [2], []], 3)
    ids, histories = of_members(train, ["m001", "x", "m000", "m001"])
    assert ids.tolist() == ["m001", "x", "m000", "m001"]
    assert [histories.of(m).tolist() for m in range(4)] == [[2], [], [0, 1], [2]]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("rows", [[[0]], [[0, 1, 0]], [[0], [1], [0, 1]]])
def test_the_smallest_logs(objective: Objective, rows: list[list[int]]) -> None:
    train = log_of(rows, 3)
    check(recommend(train, 2, objective=objective, members=[*train.member_ids, "new"]), train, 2)


def test_long_after_the_log_the_window_is_still_served() -> None:
    train = short_log()
    later = int(train.histories.at_us.max()) + 400 * DAY_US
    check(recommend(train, 4, objective="window", now_us=later), train, 4)


def test_progress_is_told() -> None:
    told: list[str] = []
    recommend(short_log(), 3, progress=lambda step, share: told.append(step))
    assert len(set(told)) > 2


@pytest.mark.parametrize(
    ("train", "k", "diversity", "message"),
    [
        (log_of([[0]], 1), 0, 0.0, r"--k is 0, expected at least 1"),
        (log_of([[0]], 1), 1, 1.5, r"--diversity is 1.5, expected 0 to 1"),
        (log_of([[]], 1), 1, 0.0, r"0 events to learn from, expected at least 1"),
    ],
)
def test_wrong_values_are_refused(train: Interactions, k: int, diversity: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recommend(train, k, diversity=diversity)


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_learned_order_keeps_all_promises(objective: Objective) -> None:
    train = generated_log(n_members=120, n_titles=80, longest=20, seed=2)
    for diversity in (0.0, 0.5):
        found = recommend(train, 10, objective=objective, diversity=diversity, seed=1)
        again = recommend(train, 10, objective=objective, diversity=diversity, seed=1)
        check(found, train, 10)
        assert np.array_equal(found.title, again.title)
