from __future__ import annotations

import numpy as np

from matinee.world.draws import Draws
from matinee.world.people import MATURITY_CLASSES
from matinee.world.titles import GENRES, Titles


def test_a_title_is_the_same_in_a_larger_catalogue() -> None:
    few, many = Titles.make(50, 8, 200, Draws(1)), Titles.make(500, 8, 200, Draws(1))
    assert np.array_equal(few.vector, many.vector[:50])
    assert np.array_equal(few.from_day, many.from_day[:50])
    assert np.array_equal(few.artwork_tag, many.artwork_tag[:50])


def test_titles_of_one_genre_are_alike() -> None:
    titles = Titles.make(400, 8, 200, Draws(0))
    cosine = titles.vector @ titles.vector.T
    same = titles.genres[:, None, 0] == titles.genres[None, :, 0]
    off = ~np.eye(len(titles), dtype=bool)
    assert cosine[same & off].mean() > cosine[~same].mean() + 0.3


def test_nothing_is_eligible_outside_its_window_its_age_or_before_its_release() -> None:
    titles = Titles.make(400, 8, 200, Draws(0))
    shown = titles.eligible(60, MATURITY_CLASSES)
    territory, limit, title = np.nonzero(shown)
    assert (titles.maturity[title] <= MATURITY_CLASSES[limit]).all()
    assert (titles.release_day[title] <= 60).all()
    assert (titles.from_day[title, territory] <= 60).all()
    assert (titles.until_day[title, territory] > 60).all()
    late = titles.release_day > 60
    assert late.any()
    assert not shown[:, :, late].any()
    assert len(GENRES) == len(set(titles.genres[:, 0]))
