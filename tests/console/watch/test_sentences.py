from __future__ import annotations

import pytest

from matinee.console.watch.sentences import ROWS, TILES, Sentences, isolated
from matinee.initiatives.homepage.rows import row_kinds

SAID = Sentences(lambda key, **values: f"<{key}{values or ''}>", lambda day: f"day {day}")
SENTENCES = {
    "because_you_watched": ["Because you watched Fargo", "Because you watched <script>\nalert(1)</script>"],
    "continue_watching": ["Continue watching"],
    "genre": ["Crime", "Kammerspiel"],
    "hidden_gems": ["Hidden gems for you"],
    "leaving": ["Leaving soon"],
    "my_list": ["My list"],
    "new": ["New on the service"],
    "popular": ["Popular on the service", "Popular in AT"],
    "sub_genre": ["Crime and Drama", "Crime from the 1990s", "Crime from the Netherlands"],
    "editorial": ["Chosen by the editors"],
    "top_picks": ["Top picks for you"],
    "trending": ["Trending now"],
    "watch_again": ["Watch again"],
}


def test_every_kind_of_row_of_the_homepage_has_a_text() -> None:
    assert set(ROWS) == set(row_kinds()) == set(SENTENCES)
    for kind, sentences in SENTENCES.items():
        for sentence in sentences:
            assert SAID.row(kind, sentence).startswith("<rows."), (kind, sentence)


def test_every_tile_reason_of_the_homepage_has_a_text() -> None:
    from matinee.initiatives.homepage.build import EXPLORED

    reasons = [kind.tile_reason for kind in row_kinds().values()]
    notes = ["40 % watched", "Leaves on 2024-11-09", "New since 2024-11-01", EXPLORED]
    for reason in [*reasons, *notes]:
        assert SAID.tile(reason).startswith("<rows.tile_"), reason


def test_no_sentence_stands_twice() -> None:
    assert len({text for text, _ in TILES}) == len(TILES)


@pytest.mark.parametrize("reason", ["Because our editors say so", "", "Leaves on Monday"])
def test_a_sentence_that_nobody_knows_stays_as_it_is(reason: str) -> None:
    assert SAID.row("because_you_watched", reason) == reason
    assert SAID.tile(reason) == reason


def test_names_and_dates_are_passed_on() -> None:
    assert SAID.row("sub_genre", "Crime from the 1990s") == (
        "<rows.genre_of_decade{'genre': '<rows.genre_crime>', 'decade': '1990'}>"
    )
    assert SAID.tile("Leaves on 2024-11-09") == "<rows.tile_leaves_on{'day': 'day 2024-11-09'}>"
    assert SAID.tile(None) == ""


def test_a_name_from_right_to_left_is_set_apart() -> None:
    name = "\u05e9\u05dc\u05d5\u05dd"
    assert isolated(name) == f"\u2068{name}\u2069"
    said = Sentences(lambda _key, **values: f"about {values['name']}", str)
    assert said.row("because_you_watched", f"Because you watched {name}") == f"about \u2068{name}\u2069"
