"""The image of the first frame, which stands inside the page."""

from __future__ import annotations

import html
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from tests.console.watch.test_tiles import macros

from matinee.console.titles import Facts
from matinee.console.watch.inlined import MOST_BYTES, inlined
from matinee.console.watch.tiles import Tile
from matinee.errors import NotFoundError

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg"><title>"é" &amp; # % \'</title><path d="M0 0"/></svg>'


def services(folder: Path, cleared: bool = True) -> Any:
    def file(name: str, at_us: int) -> Path:
        if not cleared:
            raise NotFoundError("artwork is not there")
        return folder / name

    return SimpleNamespace(artwork=SimpleNamespace(file=file))


def test_a_small_drawing_stands_in_the_page_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(DRAWING, encoding="utf-8")
    found = inlined(services(tmp_path), "/artwork/a.svg", 5)
    assert found is not None
    assert not set(found) & set('"<&#\n'), "nothing in it ends an attribute or an address"
    tile = Tile(Facts("t1", "One", "film"), "/x", image="/artwork/a.svg", inline=found, first=True)
    page = str(macros().image(tile, (160, 240)))
    assert "srcset" not in page
    assert 'decoding="sync"' in page
    source = html.unescape(page.split('src="')[1].split('"', maxsplit=1)[0])
    assert unquote(source.removeprefix("data:image/svg+xml;charset=utf-8,")) == DRAWING


@pytest.mark.parametrize(
    ("name", "size", "cleared"),
    [("a.svg", MOST_BYTES + 1, True), ("a.jpg", 10, True), ("a.svg", 10, False), ("gone.svg", None, True)],
)
def test_all_else_is_asked_for(tmp_path: Path, name: str, size: int | None, cleared: bool) -> None:
    if size is not None:
        (tmp_path / name).write_bytes(b"x" * size)
    assert inlined(services(tmp_path, cleared), f"/artwork/{name}", 5) is None


def test_a_tile_without_an_image_has_none() -> None:
    assert inlined(services(Path()), None, 5) is None
