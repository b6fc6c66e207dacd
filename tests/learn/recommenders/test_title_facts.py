from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matinee.learn.recommenders.candidates import Queries, queries_now
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.testing.logs import START_US, generated_log, log_of
from matinee.types import DAY_US, HOUR_US, parse_at


def test_recent_share_leaves_out_the_day_of_asking() -> None:
    """Title 0 two days ago, title 1 yesterday, title 2 today before and after the moment of asking."""
    today = START_US + 2 * DAY_US
    times = [[START_US, START_US + DAY_US, today + HOUR_US, today + 5 * HOUR_US]]
    facts = TitleFacts.of(log_of([[0, 1, 2, 2]], 4, at_us=times))
    for asked in (today, today + 2 * HOUR_US, today + DAY_US - 1):
        assert facts.recent_share(np.array([asked])).tolist() == [[0.5, 0.5, 0, 0]]


def test_recent_share_of_a_few_days_and_of_no_plays() -> None:
    facts = TitleFacts.of(log_of([[0, 1, 1]], 3, at_us=[[START_US + d * DAY_US for d in (0, 8, 9)]]))
    asked = np.array([START_US + 9 * DAY_US, START_US, START_US + 9 * DAY_US])
    shares = facts.recent_share(asked, days=3)
    assert shares.tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0]]
    assert facts.recent_share(asked[:1], days=9).tolist() == [[0.5, 0.5, 0]]


def test_recent_share_asked_long_after_the_log_is_that_of_its_end() -> None:
    facts = TitleFacts.of(generated_log(seed=17))
    last = int(facts.time_at_us[-1])
    assert facts.recent_share(np.array([last + 500 * DAY_US])).tolist() == (
        facts.recent_share(np.array([last])).tolist()
    )


def test_recent_share_does_not_know_what_came_later() -> None:
    train = generated_log(seed=18)
    asked = np.sort(train.histories.at_us)[[50, 150, 250]]
    full = TitleFacts.of(train).recent_share(asked)
    for moment, share in zip(asked, full, strict=True):
        before = TitleFacts.of(train.keep(train.histories.at_us <= moment))
        assert before.recent_share(np.array([moment]))[0].tolist() == share.tolist()


def test_links_count_the_ways_from_one_title_to_another() -> None:
    facts = TitleFacts.of(log_of([[0, 1, 2, 3, 4], [0, 2]], 5))
    after = facts.after.toarray()
    assert after[0] == pytest.approx([0, 1, 1 / 2 + 1, 1 / 3, 0])
    assert after[1] == pytest.approx([0, 0, 1, 1 / 2, 1 / 3])
    assert after[4] == pytest.approx([0, 0, 0, 0, 0])


def test_link_shares_against_a_plain_implementation() -> None:
    train = generated_log(seed=19)
    facts = TitleFacts.of(train)
    after, plays = facts.after.toarray(), facts.popularity
    histories = train.histories.drop_last(2)
    candidates = np.tile(np.arange(train.n_titles, dtype=np.int32), (len(histories), 1))
    found = facts.links(queries_now(histories), candidates, train.histories, 3)
    for q in range(len(histories)):
        forwards, backwards = np.zeros(train.n_titles), np.zeros(train.n_titles)
        for k, t in enumerate(histories.of(q)[::-1][:3]):
            forwards += 0.5**k * after[t] / (plays[t] + 5)
            backwards += 0.5**k * after[:, t] / (plays + 5)
        assert found[q, :, 0] == pytest.approx(forwards, abs=1e-6)
        assert found[q, :, 1] == pytest.approx(backwards, abs=1e-6)


def test_links_of_what_the_member_watched_later_are_taken_out() -> None:
    """Both members went from 0 to 1; the one who asks only does so later, and is not to know it."""
    train = log_of([[0, 1], [0, 1]], 3)
    facts = TitleFacts.of(train)
    candidates = np.array([[1, 2]], np.int32)
    history, asked = log_of([[0]], 3).histories, np.array([START_US])
    known = facts.links(Queries(history, asked, np.array([-1], np.int32)), candidates, train.histories, 3)
    hidden = facts.links(Queries(history, asked, np.array([1], np.int32)), candidates, train.histories, 3)
    assert known[0, 0, 0] == pytest.approx(2 / (2 + 5))
    assert hidden[0, 0, 0] == pytest.approx(1 / (2 + 5))


@pytest.mark.parametrize("known", [1, 2, 3])
def test_every_later_repeat_is_taken_out_of_the_links(known: int) -> None:
    """One member goes to and fro between few titles; the facts must be as if they had stopped."""
    whole = log_of([[0, 1, 0, 1, 1, 0, 2, 0, 1], [1, 0, 2], [0, 2]], 4)
    until = log_of([whole.histories.of(0)[:known].tolist(), [1, 0, 2], [0, 2]], 4)
    candidates = np.array([[0, 1, 2, 3]], np.int32)
    history, asked = until.histories.take(np.array([0])), np.array([START_US])
    member = np.array([0], np.int32)
    found = TitleFacts.of(whole).links(Queries(history, asked, member), candidates, whole.histories, 3)
    honest = TitleFacts.of(until).links(Queries(history, asked, member), candidates, until.histories, 3)
    assert found == pytest.approx(honest, abs=1e-6)


def test_links_counted_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    train = generated_log(seed=23)
    whole = TitleFacts.of(train).after.toarray()
    for size in (1, 2, 7):
        monkeypatch.setattr("matinee.learn.recommenders.title_facts.LINK_EVENTS", size)
        assert TitleFacts.of(train).after.toarray() == pytest.approx(whole, abs=1e-5)


def test_popularity_prior_and_unwatched_titles() -> None:
    facts = TitleFacts.of(log_of([[0, 1, 0], [0]], 3))
    assert facts.popularity.tolist() == [3, 1, 0]
    assert facts.prior.tolist() == pytest.approx([0.00075, 0.00025, 0])
    assert facts.unwatched.tolist() == [2]


def catalogue() -> Catalogue:
    return Catalogue.from_rows(
        [
            {"title_id": "t000", "genres": ["drama"], "release_us": parse_at("1990-07-02")},
            {"title_id": "t001", "genres": ["drama", "war"]},
            {"title_id": "t002", "genres": ["comedy"], "release_us": parse_at("2000-07-02")},
        ]
    )


def test_likeness_of_titles_that_nobody_watched() -> None:
    """Only title 0 was watched. Of its likeness to all titles, title 1 has the rest and title 2 nothing."""
    facts = TitleFacts.of(log_of([[0]], 3), catalogue())
    likeness = facts.likeness(log_of([[0], []], 3).histories)
    cosine = facts.metadata.score(log_of([[0]], 3).histories)[0]
    assert likeness[0] == pytest.approx([cosine[1] / cosine.sum(), 0])
    assert likeness[1].tolist() == [0, 0]


def test_metadata_columns_by_hand() -> None:
    facts = TitleFacts.of(log_of([[0]], 3), catalogue())
    columns = facts.metadata_columns(log_of([[0]], 3).histories, np.array([[1, 2]], np.int32))
    match_fast, match_slow, distance, year = (column[0] for column in columns)
    assert match_fast == pytest.approx([2**-0.5, 0])
    assert match_slow == pytest.approx([2**-0.5, 0])
    assert year == pytest.approx([1995.5, 2000.5], abs=0.05)  # the unknown year is the mean of the known
    assert distance == pytest.approx([5, 10], abs=0.05)


def test_nothing_is_said_about_titles_without_metadata() -> None:
    facts = TitleFacts.of(log_of([[0]], 3))
    assert facts.metadata_columns(log_of([[0]], 3).histories, np.array([[1, 2]], np.int32)) == []


@pytest.mark.parametrize("metadata", [None, catalogue()])
def test_saved_and_loaded_facts_are_the_same(tmp_path: Path, metadata: Catalogue | None) -> None:
    train = log_of([[0, 1, 0, 1], [1, 0]], 3) if metadata else generated_log(seed=20)
    facts = TitleFacts.of(train, metadata)
    facts.save(tmp_path)
    again = TitleFacts.load(tmp_path)
    for name in ("popularity", "prior", "play_indptr", "play_at_us", "time_title", "time_at_us", "unwatched"):
        assert np.array_equal(getattr(facts, name), getattr(again, name)), name
    assert np.array_equal(facts.genres, again.genres)
    assert np.array_equal(facts.year, again.year, equal_nan=True)
    assert np.array_equal(facts.after.toarray(), again.after.toarray())
    h = train.histories
    assert np.array_equal(facts.metadata.score(h), again.metadata.score(h))
