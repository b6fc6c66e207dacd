from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from small_services import NOW_US, member_of, plain_catalogue, titles_of

from matinee.initiatives.homepage.browsing import examine
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.rows import row_kinds
from matinee.initiatives.homepage.rows.base import RowKind, Shelf
from matinee.observe.catalogue.catalogue import Limits

PROMISED = {
    "because_you_watched",
    "continue_watching",
    "editorial",
    "genre",
    "hidden_gems",
    "leaving",
    "my_list",
    "new",
    "popular",
    "sub_genre",
    "top_picks",
    "trending",
    "watch_again",
}


class EvenNumbers(RowKind):
    name = "even_numbers"
    tile_reason = "An even number"

    def shared(self, audience):
        return [
            Shelf(self.name, "", "Even numbers", np.arange(0, len(audience.catalogue), 2, dtype=np.int32))
        ]


def test_every_promised_kind_is_declared_with_a_reason() -> None:
    assert set(row_kinds()) >= PROMISED
    for name, kind in row_kinds().items():
        assert kind.name == name
        assert kind.tile_reason
        assert kind.stability_h >= 0
        assert kind.intent in {"discover", "continue", "task"}


def test_a_new_kind_needs_one_class() -> None:
    composer = Composer(titles_of(plain_catalogue(40)), at_us=NOW_US, kinds={"even_numbers": EvenNumbers()})
    page = composer.page(member_of(40, history=[0, 2]), rows=1, cols=8)
    assert [row.reason for row in page.rows] == ["Even numbers"]
    assert all(tile.title % 2 == 0 and tile.title not in {0, 2} for tile in page.rows[0].tiles)


def test_sub_genres_are_pairs_and_decades() -> None:
    shelves = Composer(titles_of(plain_catalogue(120)), at_us=NOW_US).audience(Limits()).shelves
    labels = {shelf.reason for shelf in shelves if shelf.kind == "sub_genre"}
    assert "Action and Comedy" in labels
    assert "Drama from the 1960s" in labels


def test_no_row_is_named_after_an_unknown_genre() -> None:
    catalogue = plain_catalogue(30, genres=["unknown", "Drama"])
    shelves = Composer(titles_of(catalogue), at_us=NOW_US).audience(Limits()).shelves
    assert {shelf.reason for shelf in shelves if shelf.kind == "genre"} == {"Drama"}


def test_the_first_place_is_looked_at_surely_and_the_others_less() -> None:
    look = examine(3, 4, row_decay=0.9, col_decay=0.8)
    assert look[0, 0] == 1
    assert (np.diff(look, axis=0) < 0).all()
    assert (np.diff(look, axis=1) < 0).all()
