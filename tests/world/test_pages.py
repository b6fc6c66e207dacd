from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.world.draws import Draws
from matinee.world.pages import SHELVES, ShelfPages, Slates, Visits, checked, shelf_weights
from matinee.world.people import MATURITY_CLASSES
from matinee.world.service import World, WorldConfig

WORLD = World.make(WorldConfig(n_members=200, n_titles=60, n_days=30))


def visits(n: int = 200, day: int = 10, segment: int = 2, world: World = WORLD) -> Visits:
    return Visits(
        day=day,
        member=np.arange(n),
        device=np.zeros(n, np.int64),
        territory=np.full(n, segment // len(MATURITY_CLASSES)),
        segment=np.full(n, segment),
        eligible=world.eligible(day),
        watched=np.zeros((n, len(world.titles)), bool),
        genre_plays=np.zeros((n, 10), np.float32),
        rows=4,
        cols=6,
    )


def test_pages_show_permitted_titles_once_each() -> None:
    for segment in range(12):
        asked = visits(segment=segment)
        slates = ShelfPages(WORLD)(asked)
        checked(slates, asked, WORLD.titles, WORLD.draws)
        for page in slates.title.reshape(200, -1):
            shown = page[page >= 0]
            assert len(set(shown.tolist())) == len(shown) > 0


def test_a_small_catalogue_leaves_places_empty_and_shows_all_there_is() -> None:
    world = World.make(WorldConfig(n_members=20, n_titles=20, n_days=30))
    asked = visits(20, segment=0, world=world)
    slates = ShelfPages(world)(asked)
    popular = slates.title[slates.shelf == SHELVES.index("popular")]
    assert (popular >= 0).any()
    assert (slates.title < 0).any()
    assert (slates.propensity > 0).all()


def test_propensities_are_those_of_the_draws() -> None:
    """Of all pages whose row of popular titles stands on top, the first tile follows its propensities."""
    world = World.make(WorldConfig(n_members=40_000, n_titles=30, n_days=30, rows=1))
    asked = replace(visits(40_000, world=world), rows=1)
    pages = ShelfPages(world)
    slates = pages(replace(asked, rows=2))
    weight = shelf_weights(world.titles, world.buzz(10), asked)[2, 0]
    top = (slates.shelf[:, 0] == 0) & slates.shuffled
    first = slates.title[top, 0, 0]
    truth = weight / weight.sum()
    found = np.bincount(first, minlength=30) / len(first)
    assert np.abs(found - truth).max() < 4.5 * np.sqrt(0.25 / len(first))
    assert np.allclose(slates.propensity[top, 0, 0], truth[first])
    second = slates.title[top, 0, 1]
    assert np.allclose(slates.propensity[top, 0, 1], weight[second] / (weight.sum() - weight[first]))
    inverse = 1 / slates.propensity[top, 0, 1]  # the mean of 1/p counts the titles that were possible
    assert abs(inverse.mean() - ((weight > 0).sum() - 1)) < 6 * inverse.std() / np.sqrt(len(inverse))


def test_shuffled_pages_have_each_shelf_in_each_row() -> None:
    slates = ShelfPages(WORLD)(visits())
    popular = slates.shelf == 0
    assert (popular[~slates.shuffled].argmax(1) == 1).all()
    assert set(popular[slates.shuffled].argmax(1)) == {0, 1, 2, 3}


def refused(slates: Slates) -> str:
    asked = visits()
    with pytest.raises(InputError) as problem:
        checked(slates, asked, WORLD.titles, Draws(0))
    return str(problem.value)


def test_pages_that_may_not_be_shown_are_refused() -> None:
    empty = np.full((200, 2, 2), -1)
    assert "has the shape (3, 2, 2), expected (200, rows, cols)" in refused(Slates(empty[:3]))
    hidden = int(np.flatnonzero(~visits().permitted[0])[0])
    bad = empty.copy()
    bad[7, 1, 0] = hidden
    assert f"title {hidden} at row 2, column 1 for member 7 is not permitted on day 10" in refused(
        Slates(bad)
    )
    assert "artwork has the shape (200, 2, 1)" in refused(Slates(empty, artwork=empty[:, :, :1]))
    assert "propensity has the shape (200, 2, 2) or a value outside" in refused(
        Slates(empty, propensity=np.zeros((200, 2, 2)))
    )
