"""Images on tiles: asked for in the size in which they are shown."""

from __future__ import annotations

import re

import jinja2
import pytest

from matinee.console.rendering import FOLDER
from matinee.console.titles import Facts, Titles
from matinee.console.watch.tiles import Tile
from matinee.observe.catalogue.artwork import ASPECTS
from matinee.serve.images import WIDTHS


@pytest.mark.parametrize("aspect", ASPECTS)
def test_an_image_is_asked_for_in_widths_that_the_server_scales_to(aspect: str) -> None:
    titles = Titles.__new__(Titles)
    titles.aspect = aspect
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    macros = environment.get_template("watch/tiles.html.jinja").module
    tile = Tile(Facts("t1", "One", "film"), "/watch/title/t1", image="/artwork/a.jpg")
    html = str(macros.image(tile, titles.size))  # type: ignore[attr-defined]
    width = titles.size[0]
    assert f'src="/artwork/a.jpg?width={width}" srcset="/artwork/a.jpg?width={2 * width} 2x"' in html
    asked = {int(found) for found in re.findall(r"\?width=(\d+)", html)}
    assert asked == {width, 2 * width}
    assert asked <= set(WIDTHS)
