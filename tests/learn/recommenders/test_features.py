"""What the ranker learns from must look as it did when the member was asked: no trace of what came next."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.learn.interactions import Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig, DecayedRidgeScorer
from matinee.learn.models.ease import EaseConfig, EaseScorer
from matinee.learn.models.sequence_neighbours import SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import Queries, past_queries, queries_now
from matinee.learn.recommenders.features import (
    EASE_DECAYS,
    LAST_TITLES,
    Candidates,
    Generators,
    ease_parts,
    make_candidates,
    ridge_parts,
)
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.testing.logs import START_US, generated_log, log_of
from matinee.types import DAY_US, HOUR_US

RIDGE = DecayedRidgeConfig(decays=(0.6, 0.9), depths=(3, 8), reg=5.0)


def first_watches(train: Interactions) -> Interactions:
    """The log without repeats."""
    key = train.histories.member_of_event().astype(np.int64) * train.n_titles + train.histories.title
    _, first = np.unique(key, return_index=True)
    kept = np.zeros(train.n_events, np.bool_)
    kept[first] = True
    return train.keep(kept)


def without_later_events(train: Interactions, member: int, known: int) -> Interactions:
    """The log without what this member watched after their first `known` events."""
    h = train.histories
    place = np.arange(train.n_events) - h.indptr[member]
    return train.keep((h.member_of_event() != member) | (place < known))


def generators_without(train: Interactions, member: int) -> Generators:
    """Ridge and EASE of the other members, as in cross-fitting; neighbours of all."""
    others = train.take(np.delete(np.arange(train.n_members), member))
    return Generators(
        DecayedRidgeScorer(RIDGE).fit(others),
        EaseScorer(EaseConfig(reg=5.0)).fit(others),
        SequenceNeighboursScorer().fit(train),
    )


def both_views(train: Interactions, queries: Queries, q: int) -> tuple[Candidates, Candidates]:
    """Candidates of one query on the whole log, and on the log without its member's later events."""
    one = queries.take(np.array([q]))
    member, known = int(one.member[0]), int(one.histories.lengths[0])
    then = without_later_events(train, member, known)
    facts = TitleFacts.of(train)
    full = make_candidates(generators_without(train, member), facts, one, train.n_titles)
    honest = make_candidates(generators_without(then, member), TitleFacts.of(then), one, train.n_titles)
    return full, honest


def by_title(candidates: Candidates) -> np.ndarray:
    """Features in the order of the titles; the candidates are all titles. Filler is zero."""
    usable = np.isfinite(candidates.base[0])[:, None]
    rows = np.where(usable, candidates.features[0], 0.0)
    return rows[np.argsort(candidates.title[0])]


def often_repeated(n_members: int, seed: int) -> Interactions:
    """Members who watch the same few titles again and again, often several at the same time."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(9, rng.integers(4, 15), p=np.arange(9, 0, -1) / 45).tolist() for _ in range(n_members)]
    gaps = [rng.choice([0, HOUR_US, 2 * DAY_US], len(row), p=[0.6, 0.3, 0.1]) for row in rows]
    times = [(START_US + np.cumsum(gap)).tolist() for gap in gaps]
    return log_of(rows, 12, at_us=times)


LOGS = {
    "each title once": first_watches(generated_log(n_members=50, seed=0)),
    "some repeats": generated_log(n_members=50, seed=1),
    "many repeats": often_repeated(50, seed=2),
}


@pytest.mark.parametrize("back", [0, 2, 4])
@pytest.mark.parametrize("log", LOGS)
def test_features_of_a_past_moment_do_not_know_what_the_member_watched_later(log: str, back: int) -> None:
    """Feature by feature as on a log in which the member had stopped."""
    train = LOGS[log]
    queries, *_ = past_queries(train.histories, np.arange(train.n_members, dtype=np.int32), back)
    for q in range(0, len(queries), 4):
        full, honest = both_views(train, queries, q)
        assert by_title(full) == pytest.approx(by_title(honest), abs=2e-4)


def test_the_test_would_notice_a_member_who_is_not_left_out() -> None:
    """With the query's member unnamed, the same comparison finds differences in many columns."""
    train = first_watches(generated_log(n_members=50, seed=0))
    queries, *_ = past_queries(train.histories, np.arange(train.n_members, dtype=np.int32), 0)
    known = Queries(queries.histories, queries.asked_us, np.full(len(queries), -1, np.int32))
    facts = TitleFacts.of(train)
    generators = generators_without(train, int(queries.member[4]))
    named = make_candidates(generators, facts, queries.take(np.array([4])), train.n_titles)
    unnamed = make_candidates(generators, facts, known.take(np.array([4])), train.n_titles)
    far = np.abs(by_title(named) - by_title(unnamed)) > 2e-4
    assert far.any(axis=0).sum() >= 5


def test_blocks_of_queries_are_like_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    train = generated_log(seed=4)
    queries = queries_now(train.histories)
    generators, facts = generators_without(train, 0), TitleFacts.of(train)
    whole = make_candidates(generators, facts, queries, 7, keep_total=True)
    monkeypatch.setattr("matinee.learn.recommenders.features.CHUNK_CELLS", 3 * train.n_titles)
    parts = make_candidates(generators, facts, queries, 7, keep_total=True)
    assert np.array_equal(whole.title, parts.title)
    assert parts.features == pytest.approx(whole.features, abs=1e-5)
    assert whole.total is not None
    assert parts.total is not None
    assert parts.total == pytest.approx(whole.total, abs=1e-6)


def test_candidates_are_unseen_and_permitted_best_first() -> None:
    train = generated_log(seed=5)
    permitted = np.arange(train.n_titles) % 4 > 0
    queries = queries_now(train.histories)
    found = make_candidates(generators_without(train, 0), TitleFacts.of(train), queries, 12, permitted)
    for q in range(len(queries)):
        usable = np.isfinite(found.base[q])
        titles = set(found.title[q][usable].tolist())
        assert not titles & set(train.histories.of(q).tolist())
        assert permitted[list(titles)].all()
        assert (np.diff(found.base[q][usable]) <= 0).all()
        assert len(titles) == min(
            12, int(permitted.sum() - permitted[np.unique(train.histories.of(q))].sum())
        )


def test_no_queries_no_candidates() -> None:
    train = generated_log()
    nobody = queries_now(train.histories.take(np.zeros(0, np.int64)))
    found = make_candidates(generators_without(train, 0), TitleFacts.of(train), nobody, 5)
    assert len(found.title) == 0


def test_parts_of_the_ridge_add_up_to_its_score() -> None:
    train = generated_log(seed=6)
    ridge = DecayedRidgeScorer(RIDGE).fit(train)
    h = train.histories
    every = np.tile(np.arange(train.n_titles, dtype=np.int32), (len(h), 1))
    parts = ridge_parts(ridge, h.indptr, h.title, every)
    assert parts.shape[2] == 2 + 1 + LAST_TITLES
    assert parts[:, :, :3].sum(axis=2) == pytest.approx(ridge.score(h), abs=1e-5)
    short = ridge_parts(ridge, h.indptr, h.title, every)[h.lengths <= LAST_TITLES]
    assert short[:, :, 3:].sum(axis=2) == pytest.approx(short[:, :, :2].sum(axis=2), abs=1e-5)


def test_ease_with_fading_histories_is_ease_with_input_decay() -> None:
    train = first_watches(generated_log(seed=7))
    h = train.histories
    every = np.tile(np.arange(train.n_titles, dtype=np.int32), (len(h), 1))
    ease = EaseScorer(EaseConfig(reg=5.0)).fit(train)
    parts = ease_parts(ease, queries_now(h), every)
    for d, decay in enumerate(EASE_DECAYS):
        expected = EaseScorer(EaseConfig(reg=5.0, input_decay=decay)).fit(train).score(h)
        assert parts[:, :, d] == pytest.approx(expected, abs=1e-5)
