"""What the homepage knows besides pages: titles that are alike, and what a member would rather see."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deciders import decider_of, fallback_of
from small_services import NOW_US, member_of, titles_of

from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.serving import HomepageDecider
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.platform.abilities import FindsSimilar, Prefers
from matinee.platform.deciding import Request

ROWS = [
    {"title_id": "s", "kind": "series"},
    {"title_id": "s1e1", "kind": "episode", "series_id": "s", "season": 1, "episode": 1},
    *({"title_id": f"t{i}"} for i in range(8)),
]
CATALOGUE = Catalogue.from_rows(ROWS)
TITLES = titles_of(CATALOGUE)
SCORES = np.arange(len(ROWS), dtype=np.float64) / 100


@pytest.fixture
def decider() -> HomepageDecider:
    return decider_of(TITLES, member_of(len(ROWS), scores=SCORES), PageConfig(), NOW_US)


def test_a_model_has_the_abilities_and_the_fallback_has_not(decider: HomepageDecider) -> None:
    assert isinstance(decider, FindsSimilar)
    assert isinstance(decider, Prefers)
    fallback = fallback_of(TITLES, member_of(len(ROWS)), PageConfig(), NOW_US)
    assert not isinstance(fallback, FindsSimilar)
    assert not isinstance(fallback, Prefers)


def test_similar_titles_are_the_neighbours_best_first(decider: HomepageDecider) -> None:
    near = [str(CATALOGUE.title_ids[i]) for i in TITLES.neighbours[4]]
    assert decider.similar("t2", 3) == near[:3]
    assert decider.similar("t2", 100) == near
    assert decider.similar("s1e1", 4) == decider.similar("s", 4)


@pytest.mark.parametrize(("title_id", "n"), [("nobody", 5), ("t2", 0), ("t2", -1), ("", 3)])
def test_nothing_is_like_what_nobody_knows(decider: HomepageDecider, title_id: str, n: int) -> None:
    assert decider.similar(title_id, n) == []


def test_places_without_a_neighbour_are_left_out() -> None:
    titles = titles_of(CATALOGUE)
    titles.neighbours[4, 1:] = -1
    found = decider_of(titles, member_of(len(ROWS)), PageConfig(), NOW_US).similar("t2", 5)
    assert found == [str(CATALOGUE.title_ids[titles.neighbours[4, 0]])]


def test_preferences_follow_the_scores_in_the_order_that_was_asked(decider: HomepageDecider) -> None:
    asked = Request("m1", NOW_US, actions=("t5", "nobody", "t0", "s1e1"))
    t5, nobody, t0, episode = decider.preferences(asked)
    assert t5 == pytest.approx(SCORES[7])
    assert t0 == pytest.approx(SCORES[2])
    assert episode == pytest.approx(SCORES[0])
    assert nobody == 0.0
    assert decider.preferences(Request("m1", NOW_US)) == []
