from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.console.watch.index import NAME, SearchIndex
from matinee.console.watch.words import distance, query_words, same_words, trigrams, words
from matinee.observe.catalogue.catalogue import Catalogue

NAMES = [
    "Fargo", "The Godfather", "The Godfather Part II", "Léon: The Professional", "Alien", "Aliens", "Heat",
    "8½", "Schindler's List", "千と千尋の神隠し", "Pulp Fiction", "The Big Lebowski", "",
]  # fmt: skip
CATALOGUE = Catalogue.from_rows(
    [
        {"title_id": f"t{i}", "name": name, "synopsis": f"About {name} and heat."}
        for i, name in enumerate(NAMES)
    ]
)
INDEX = SearchIndex(CATALOGUE)
ALL = np.ones(len(NAMES), np.bool_)


def names(query: str, n: int = 5) -> list[str]:
    return [NAMES[one.title] for one in INDEX.find(query, ALL, n)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("godfather", "The Godfather"),
        ("godfather 2 ii", "The Godfather Part II"),
        ("lebowsky", "The Big Lebowski"),
        ("leon", "Léon: The Professional"),
        ("schindlers", "Schindler's List"),
        ("schindler's", "Schindler's List"),
        ("alien", "Alien"),
        ("aliens", "Aliens"),
        ("heat", "Heat"),
        ("千と千尋の神隠し", "千と千尋の神隠し"),
        ("fiction pulp", "Pulp Fiction"),
        ("pupl fiction", "Pulp Fiction"),
        ("the god", "The Godfather"),
    ],
)
def test_the_title_that_is_meant_comes_first(query: str, name: str) -> None:
    assert names(query)[0] == name


def test_what_is_not_allowed_is_not_found() -> None:
    allowed = ALL.copy()
    allowed[NAMES.index("Heat")] = False
    assert "Heat" not in [NAMES[one.title] for one in INDEX.find("heat", allowed, 20)]


def test_it_says_how_a_title_was_found() -> None:
    best = INDEX.find("fargo", ALL, 1)[0]
    assert (best.where, best.all_words, best.misspelt) == (NAME, True, False)
    near = INDEX.find("fagro", ALL, 1)[0]
    assert (near.where, near.all_words, near.misspelt) == (NAME, True, True)
    part = INDEX.find("pulp zzzz", ALL, 1)[0]
    assert not part.all_words


@pytest.mark.parametrize("query", ["", " ", "!?", "\u0000"])
def test_nothing_is_found_for_nothing(query: str) -> None:
    assert INDEX.find(query, ALL, 5) == []


def test_an_empty_catalogue_finds_nothing() -> None:
    empty = SearchIndex(Catalogue.from_rows([]))
    assert empty.find("fargo", np.zeros(0, np.bool_), 5) == []


@given(st.text(max_size=300))
def test_any_text_can_be_searched_for(query: str) -> None:
    found = INDEX.find(query, ALL, 20)
    assert len({one.title for one in found}) == len(found)
    assert same_words(" ".join(reversed(query_words(query)))) == same_words(query)


@given(st.text("abcdefgh", min_size=4, max_size=10), st.integers(0, 9), st.sampled_from("abcdefgh"))
def test_one_letter_is_a_distance_of_one(word: str, place: int, letter: str) -> None:
    other = word[:place] + letter + word[place:]
    assert distance(word, other, 2) <= 1
    assert distance(word, other, 2) == distance(other, word, 2)
    assert distance(word, word, 2) == 0
    assert len(trigrams(word)) <= len(word) + 1


def test_words_are_plain() -> None:
    assert words("Ærø & Łódź – Straße") == ["aero", "lodz", "strasse"]
