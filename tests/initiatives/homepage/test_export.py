from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from matinee.errors import InputError
from matinee.initiatives.homepage.export import COLUMNS, write_pages
from matinee.initiatives.homepage.page import NO_ELIGIBLE_TITLE, Page, Row, Tile


def pages() -> Iterator[Page]:
    tiles = [Tile(1, 1, "b", "Because"), Tile(2, 0, "a", 'Top, "best"', 0.25, explored=True, artwork_id="x")]
    yield Page("m1", 0, [Row(1, "top_picks", "discover", "Top picks for you", tiles)])
    yield Page("m2", 0, [], reason=NO_ELIGIBLE_TITLE)


@pytest.mark.parametrize("name", ["pages.parquet", "pages.csv"])
def test_one_line_per_tile_and_pages_pass_through(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert [page.member_id for page in write_pages(path, pages())] == ["m1", "m2"]
    found = duckdb.sql(f"SELECT * FROM '{path}'")
    assert found.columns == list(COLUMNS)
    assert found.fetchall() == [
        ("m1", 1, 1, "b", "top_picks", "Because", None, 1.0),
        ("m1", 1, 2, "a", "top_picks", 'Top, "best"', "x", 0.25),
    ]
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_no_page_gives_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "pages.parquet"
    assert list(write_pages(path, [])) == []
    assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(0,)]


def test_an_interrupted_run_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "pages.parquet"
    path.write_text("old")

    def broken() -> Iterator[Page]:
        yield from pages()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(write_pages(path, broken()))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["pages.parquet"]


def test_names_and_folders_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'ends in "\.xlsx", expected \.parquet or \.csv'):
        list(write_pages(tmp_path / "pages.xlsx", pages()))
    with pytest.raises(InputError, match=r"the folder .*missing does not exist"):
        list(write_pages(tmp_path / "missing" / "pages.csv", pages()))


def test_an_image_that_was_withdrawn_while_pages_were_written_is_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pages.csv"
    tiles = [Tile(1, 0, "a", "", artwork_id="a1"), Tile(2, 1, "b", "", artwork_id="b1")]
    page = Page("m1", 0, [Row(1, "k", "i", "r", tiles)])
    asked: list[list[str]] = []
    list(write_pages(path, [page], gone=lambda ids: asked.append(sorted(ids)) or ["a1"]))  # type: ignore[func-returns-value]
    assert asked == [["a1", "b1"]]
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[6] for line in lines] == ["", "b1"]
