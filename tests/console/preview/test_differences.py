"""Two pages beside each other: known answers, tile by tile."""

from __future__ import annotations

from matinee.console.preview.changes import Change
from matinee.console.preview.differences import compare
from matinee.console.preview.measures import Measures
from matinee.console.preview.question import Question
from matinee.console.preview.seen import Image, Page, Row, Tile, Title
from matinee.observe.catalogue.catalogue import Limits


def tile(row: int, col: int, title_id: str, image: str = "") -> Tile:
    shown = Image(image, None, 0.5, 2, "") if image else None
    title = Title(title_id, title_id.upper(), "film")
    return Tile(row, col, title, "Fits", 1.0, None, False, True, shown)


def page(*rows: str, question: Question | None = None, kind: str = "genre", image: str = "") -> Page:
    """Rows of one-letter titles."""
    made = tuple(
        Row(n, kind, f"{kind} {n}", tuple(tile(n, col, t, image) for col, t in enumerate(titles, start=1)))
        for n, titles in enumerate(rows, start=1)
    )
    return Page(question or Question("m1"), "v1", "p", 0, 0, Limits(), made, Measures())


def test_equal_pages_do_not_differ() -> None:
    found = compare(page("abc", "def"), page("abc", "def"))
    assert found.same
    assert (found.n_places, found.n_differ, found.marks_first) == (6, 0, {})


def test_titles_on_one_side_and_moved_ones_are_marked() -> None:
    found = compare(page("abc", "def"), page("acb", "xef"))
    assert (found.n_places, found.n_differ, found.same) == (6, 3, False)
    assert [t.title_id for t in found.only_first] == ["d"]
    assert [t.title_id for t in found.only_second] == ["x"]
    assert [(m.tile.title_id, m.before, m.after) for m in found.moved] == [
        ("b", (1, 2), (1, 3)),
        ("c", (1, 3), (1, 2)),
    ]
    assert found.marks_first == {(1, 2): "moved", (1, 3): "moved", (2, 1): "only"}
    assert found.marks_second == {(1, 2): "moved", (1, 3): "moved", (2, 1): "only"}


def test_places_that_only_one_page_has_differ() -> None:
    found = compare(page("abc"), page("ab"))
    assert (found.n_places, found.n_differ) == (3, 1)


def test_another_image_at_the_same_place_is_marked() -> None:
    found = compare(page("ab", image="i1"), page("ab", image="i2"))
    assert (found.n_differ, len(found.images), found.same) == (0, 2, False)
    assert set(found.marks_first.values()) == {"image"}


def test_a_title_that_stands_twice_has_moved_only_where_it_did() -> None:
    found = compare(page("ab", "cd", "ae"), page("ab", "cd", "ea"))
    assert found.marks_first == {(3, 1): "moved", (3, 2): "moved"}


def test_rows_of_another_kind_and_what_was_asked_are_told() -> None:
    second = Question("m1", release="fallback", changes=(Change("play", "t1"),))
    found = compare(page("ab"), page("ab", kind="popular", question=second))
    assert found.rows == (1,)
    assert found.asked == (("release", "released", "fallback"), ("change", "", "play:t1"))
