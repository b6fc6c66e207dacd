"""Who may see what: release, and the territory of members for whom none is stored."""

from __future__ import annotations

import numpy as np

from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.types import DAY_US

NOW_US = 1_000 * DAY_US
CATALOGUE = Catalogue.from_rows(
    [
        {"title_id": "out", "release_us": NOW_US},
        {"title_id": "soon", "release_us": NOW_US + 1},
        {"title_id": "undated"},
    ]
)


def test_a_title_is_released_from_its_date_on_without_a_date_or_once_played() -> None:
    assert CATALOGUE.released(NOW_US).tolist() == [True, False, True]
    assert CATALOGUE.released(NOW_US + 1).all()
    assert CATALOGUE.released(NOW_US, np.array([False, True, False])).all()


def test_what_is_not_released_is_not_allowed() -> None:
    assert CATALOGUE.allowed(Limits(), NOW_US).tolist() == [True, False, True]
    assert CATALOGUE.allowed(Limits(), NOW_US, np.ones(3, np.bool_)).all()


def test_a_stored_or_asked_territory_goes_before_that_of_the_latest_play() -> None:
    played = "NL"
    assert Limits().located(played).territory == "NL"
    assert Limits("AT").located(played).territory == "AT"
    assert Limits().narrowed(Limits("DE")).located(played).territory == "DE"
    assert Limits("AT").narrowed(Limits("DE")).located(played).territory == ""
    assert Limits().located(None).territory is None
