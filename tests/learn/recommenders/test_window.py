from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matinee.learn.interactions import Interactions
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig
from matinee.learn.models.ease import EaseConfig
from matinee.learn.models.ials import IalsConfig
from matinee.learn.models.lambdamart import LambdaMartConfig
from matinee.learn.recommenders.candidates import queries_now
from matinee.learn.recommenders.two_stage import TwoStageConfig
from matinee.learn.recommenders.window import Window, _asked
from matinee.testing.logs import START_US, log_of
from matinee.testing.scorers import ScorerContract
from matinee.types import DAY_US

SMALL = TwoStageConfig(
    candidates=10,
    folds=2,
    ridge=DecayedRidgeConfig(decays=(0.9,), depths=(8,), reg=5.0),
    ease=EaseConfig(reg=5.0),
    edlae=EaseConfig(reg=3.0, dropout=0.3),
    ranker=LambdaMartConfig(trees=5, leaves=4, min_rows=10),
)


class TestWindow(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> Window:
        return Window(SMALL, seed=seed)

    def train(self) -> Interactions:
        return two_tastes()

    def test_the_log_is_long_enough_for_a_ranker(self) -> None:
        fitted = self.fitted()
        assert isinstance(fitted, Window)
        assert fitted.ranker_ is not None


def two_tastes(n_members: int = 120) -> Interactions:
    """Over three months each member watches only even or only odd titles, in any order; title 20 nobody."""
    rng = np.random.default_rng(0)
    rows, times = [], []
    for member in range(n_members):
        rows.append([int(t) for t in rng.permutation(np.arange(member % 2, 20, 2))[:7]])
        times.append(sorted(int(t) for t in START_US + rng.integers(0, 90 * DAY_US, 7)))
    return log_of(rows, 21, at_us=times)


def test_members_get_titles_of_their_taste() -> None:
    train = two_tastes()
    model = Window(SMALL).fit(train)
    assert model.ranker_ is not None
    titles, _ = model.best(train.histories, 3)
    taste = np.arange(train.n_members)[:, None] % 2
    assert (titles % 2 == taste).mean() > 0.99


def test_moments_lie_inside_the_log_and_look_forwards() -> None:
    train = two_tastes()
    at_us = train.histories.at_us
    moments = Window(SMALL)._moments(train)
    assert len(moments) == SMALL.folds
    for cut_us, until_us in moments:
        assert at_us.min() < cut_us < until_us <= at_us.max() + 1
        assert 0.25 < (at_us < cut_us).mean() < 0.95


def test_there_are_no_more_moments_than_the_lists_need() -> None:
    train = two_tastes()
    for lists, n in ((12_000, 10), (550, 7), (10, 4)):
        moments = Window(replace(SMALL, folds=10, lists=lists))._moments(train)
        assert len(moments) == n
    at_us, member = train.histories.at_us, train.histories.member_of_event()
    for cut_us, until_us in moments:
        before = np.bincount(member[at_us < cut_us], minlength=train.n_members)
        after = np.bincount(member[(at_us >= cut_us) & (at_us < until_us)], minlength=train.n_members)
        assert _asked(train, cut_us, until_us).tolist() == ((before > 1) & (after > 0)).tolist()


def test_a_candidate_is_also_seen_beside_the_others_of_its_list() -> None:
    train = two_tastes()
    model = Window(SMALL).fit(train)
    assert model.ranker_ is not None
    candidates, _ = model.ranked(queries_now(train.histories))
    n_again = candidates.features.shape[2] // 2 - 2  # without the place and the three facts of the query
    again = candidates.features[0, np.isfinite(candidates.base[0]), -n_again:]
    assert np.allclose(again.mean(axis=0), 0, atol=1e-4)
    spread = again.std(axis=0)
    assert (np.isclose(spread, 1, atol=1e-3) | (spread == 0)).all()
    assert (spread > 0).sum() > 10
    assert model.ranker_.booster_.num_feature() == candidates.features.shape[2]


def test_examples_come_from_models_that_had_not_seen_what_came_next() -> None:
    """What happens after a moment changes which candidates were right, never the candidates' features."""
    train = two_tastes()
    model = Window(SMALL)
    (cut_us, until_us), *_ = model._moments(train)
    at_us = train.histories.at_us
    before = train.keep(at_us < cut_us)
    after = train.keep((at_us >= cut_us) & (at_us < until_us))
    shifted = Interactions(
        after.member_ids,
        after.title_ids,
        type(after.histories)(
            after.histories.indptr, (19 - after.histories.title).astype(np.int32), after.histories.at_us
        ),
        after.weight,
    )
    (one,), (two,) = (model._examples(before, later, cut_us, 1_000) for later in (after, shifted))
    assert not np.array_equal(one.relevant[:20], two.relevant[:20])
    rows_one = {row.tobytes() for row in one.features}
    shared = sum(row.tobytes() in rows_one for row in two.features)
    assert shared > 0.5 * len(two.features)  # lists without a hit are left out, so not all are in both


@pytest.mark.parametrize("rows", [[[0]], [[0, 1]], [[0], [0]]])
def test_a_log_too_short_for_moments_keeps_the_order_of_the_generators(rows: list[list[int]]) -> None:
    model = Window(SMALL).fit(log_of(rows, 3))
    assert model.ranker_ is None
    titles, _ = model.best(log_of([[0]], 3).histories, 3)
    assert sorted(titles[0].tolist()) == [-1, 1, 2]


def test_above_the_threshold_ials_is_one_more_generator(tmp_path: Path) -> None:
    pytest.importorskip("implicit", reason="needs the extra als")
    train = two_tastes()
    model = Window(replace(SMALL, ials_above=19, ials=IalsConfig(factors=4, iterations=3))).fit(train)
    below = Window(replace(SMALL, ials_above=20)).fit(train)
    assert model.card()["ials"] is True
    assert below.card()["ials"] is False
    assert model.card()["notes"] == below.card()["notes"] == []
    model.save(tmp_path)
    again = Window.load(tmp_path)
    assert np.array_equal(again.score(train.histories), model.score(train.histories))
    assert again.card() == model.card()


def test_titles_beyond_the_closed_forms_are_scored_by_ials() -> None:
    """EASE and EDLAE know 4 titles; the taste of even or odd is still told for the others."""
    pytest.importorskip("implicit", reason="needs the extra als")
    few = replace(SMALL, ease=EaseConfig(reg=5.0, max_titles=4), edlae=EaseConfig(reg=3.0, max_titles=4))
    train = two_tastes()
    model = Window(replace(few, ials_above=0, ials=IalsConfig(factors=4, iterations=5))).fit(train)
    titles, _ = model.best(train.histories, 3)
    assert (titles % 2 == np.arange(train.n_members)[:, None] % 2).mean() > 0.95


def test_without_the_extra_a_note_says_what_is_used_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.learn.recommenders.window.find_spec", lambda name: None)
    model = Window(replace(SMALL, ials_above=19)).fit(two_tastes())
    assert model.card()["ials"] is False
    assert model.card()["notes"] == [
        "20 titles were watched. Beyond the 10,000 most watched they are recommended by recent popularity "
        'alone; with the extra "als" by taste (iALS).'
    ]
    assert Window(SMALL).fit(two_tastes()).card()["notes"] == []


def test_a_log_of_many_members_gives_no_more_examples_than_asked_for() -> None:
    train = two_tastes(300)
    model = Window(replace(SMALL, lists=60))
    (cut_us, until_us), *_ = model._moments(train)
    at_us = train.histories.at_us
    (examples,) = model._examples(
        train.keep(at_us < cut_us), train.keep((at_us >= cut_us) & (at_us < until_us)), cut_us, 30
    )
    assert 20 <= len(examples.relevant) <= 30
