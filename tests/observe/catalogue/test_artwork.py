"""Images as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.artwork_tags import TAGS, VOCABULARY
from matinee.observe.home import Home


def image(artwork_id: str, title_id: str, **facts: Any) -> dict[str, Any]:
    return {"artwork_id": artwork_id, "title_id": title_id, "approved_by": "ada", "approved_us": 10} | facts


SOME = [
    image("b1", "b", tags=["people:1", "colour:warm"], embedding=[1.0, 2.0]),
    image("a2", "a", approved_us=5, aspect="2:3", language="nl"),
    image("a1", "a", is_default=True, aspect="16:9", tags=["people:1", "of:a-newer-version"]),
    image("c1", "c", approved_by=None),
]


def test_images_stand_by_title_and_id() -> None:
    art = Artworks.from_rows(SOME)
    assert art.artwork_ids.tolist() == ["a1", "a2", "b1", "c1"]
    assert art.titles.tolist() == ["a", "b", "c"]
    assert art.indptr.tolist() == [0, 2, 3, 4]
    assert [list(art.of_title(title)) for title in ("a", "b", "aa", "z")] == [[0, 1], [2], [], []]
    assert art.languages.tolist() == [None, "nl", None, None]
    assert art.positions(np.array(["b", "a"], dtype=object)).tolist() == [1, 1, 0, -1]


def test_tags_and_embeddings_are_matrices() -> None:
    art = Artworks.from_rows(SOME)
    assert art.tags.shape == (4, len(VOCABULARY)) == (4, sum(map(len, TAGS.values())))
    assert art.tags[:, VOCABULARY.index("people:1")].tolist() == [True, False, True, False]
    assert art.tags.sum() == 3
    assert art.embedding is not None
    assert art.embedding.tolist() == [[0, 0], [0, 0], [1, 2], [0, 0]]
    assert Artworks.from_rows(SOME[1:]).embedding is None


def test_the_default_is_the_one_marked_else_the_oldest_and_always_cleared() -> None:
    art = Artworks.from_rows(SOME)
    assert [art.defaults(20, "NL").tolist(), art.defaults(7, "NL").tolist()] == [[0, 2, -1], [1, -1, -1]]
    assert art.defaults(20, "NL", usable=art.aspects == "2:3").tolist() == [1, -1, -1]
    assert Artworks.from_rows([]).defaults(20, "NL").tolist() == []


def test_what_was_withdrawn_since_is_not_cleared() -> None:
    art = Artworks.from_rows(SOME)
    assert art.cleared(20, None).tolist() == [True, True, True, False]
    assert art.cleared(20, None, withdrawn={"a2", "other"}).tolist() == [True, False, True, False]


def test_a_home_without_images_has_none(tmp_path: Path) -> None:
    assert len(Artworks.load(Home.create(tmp_path))) == 0
    assert len(Artworks.load(Home.create(tmp_path)).of_title("t1")) == 0
