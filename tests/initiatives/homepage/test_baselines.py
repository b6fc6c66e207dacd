import numpy as np

from matinee.initiatives.homepage.baselines import (
    ChoppedRanker,
    ComposedPage,
    IndependentRows,
    PopularityPage,
)
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.observe.catalogue.catalogue import Catalogue, Limits

N = 40
GENRES = ["Crime", "Drama", "Comedy", "War"]


def composer():
    rows = [
        {"title_id": f"t{i}", "genres": [GENRES[i % 4]], "maturity": 18 if i == 39 else 6} for i in range(N)
    ]
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    titles = TitleState(
        Catalogue.from_rows(rows),
        np.arange(1, N + 1, dtype=np.float32),  # t39 is the most popular
        rng.normal(size=N).astype(np.float32),
        {"AT": np.arange(N, 0, -1, dtype=np.float32)},
        vectors,
        np.argsort(-(vectors @ vectors.T), axis=1)[:, 1:9].astype(np.int32),
        np.ones((N, 8), np.float32),
    )
    return Composer(titles, at_us=0)


COMPOSER = composer()


def member(history=(), best=(), limits=None):
    """The titles in `best` have the highest scores, the first of them the highest of all."""
    scores = np.full(N, 0.1)
    scores[list(best)] = np.arange(len(best), 0, -1) + 1.0
    scores = (scores / scores.sum()).astype(np.float32)
    at_us = np.arange(len(history), dtype=np.int64) - 1_000
    liked = np.ones(len(history), np.float32)
    return MemberState(
        "m", limits or Limits(), np.array(history, np.int32), at_us, liked, scores, scores.copy()
    )


def test_popularity_page_is_the_charts_without_what_was_watched():
    page = PopularityPage(COMPOSER, 2, 3)(member(history=[38]))
    assert page.titles.tolist() == [[39, 37, 36], [35, 34, 33]]
    assert page.kinds == ["unnamed", "unnamed"]


def test_popularity_page_of_a_territory_and_under_limits():
    home = PopularityPage(COMPOSER, 1, 3)(member(limits=Limits(territory="AT")))
    assert home.titles.tolist() == [[0, 1, 2]]
    young = PopularityPage(COMPOSER, 1, 3)(member(limits=Limits(maturity_max=12)))
    assert young.titles.tolist() == [[38, 37, 36]]


def test_chopped_ranker_follows_the_scores():
    viewer = member(history=[7], best=[7, 3, 9, 1])
    for scores in ("play", "window", "next"):
        assert ChoppedRanker(COMPOSER, 2, 3, scores)(viewer).titles[0].tolist() == [3, 9, 1]


def test_the_best_titles_may_fill_the_screen_before_the_rows_go_on():
    viewer = member(best=[20, 21, 22, 23, 24, 25])
    page = ChoppedRanker(COMPOSER, 3, 4, "play", (2, 2))(viewer)
    assert page.titles[:2].tolist() == [[20, 21, 24, 25], [22, 23, *page.titles[1, 2:]]]
    assert len(set(page.titles.ravel().tolist())) == 12
    assert page.kinds == ["unnamed"] * 3


def test_chopped_ranker_leaves_places_empty_when_titles_run_out():
    page = ChoppedRanker(COMPOSER, 5, 10)(member())
    assert (page.titles >= 0).sum() == N
    assert (page.titles[4] == -1).all()
    assert len(page.kinds) == 4


def test_independent_rows_repeat_titles_and_rank_by_their_own_worth():
    page = IndependentRows(COMPOSER, 4, 10)(member(history=[0, 1], best=[8, 12, 16, 20]))  # Crime
    shown = page.titles[page.titles >= 0]
    assert len(np.unique(shown)) < len(shown)
    assert 8 in page.titles[0]
    assert not {0, 1} & set(page.titles[[k != "watch_again" for k in page.kinds]].ravel())


def test_the_composed_page_does_not_repeat_within_a_viewport():
    page = ComposedPage(COMPOSER, 3, 8)(member(history=[0, 1], best=[8, 12, 16, 20]))
    shown = page.titles[page.titles >= 0]
    assert len(np.unique(shown)) == len(shown)
    assert len(page.kinds) == 3


def test_every_maker_obeys_the_limits():
    young = member(best=[39], limits=Limits(maturity_max=12))
    for maker in (PopularityPage, ChoppedRanker, IndependentRows, ComposedPage):
        assert 39 not in maker(COMPOSER, 4, 10)(young).titles
