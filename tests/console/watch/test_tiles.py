"""Images on tiles: asked for in the size in which they are shown."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from matinee.console.rendering import FOLDER
from matinee.console.titles import Facts, Titles
from matinee.console.watch.tiles import Tile, Tiles
from matinee.observe.catalogue.artwork import ASPECTS, Artworks
from matinee.observe.catalogue.clearance_watch import Standing
from matinee.platform.dressing import Pictures
from matinee.serve.images import WIDTHS


def macros(**more: Any) -> Any:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.globals.update(more)
    return environment.get_template("watch/tiles.html.jinja").module


def test_how_far_an_episode_was_watched_stands_on_its_image_not_on_its_name() -> None:
    episode = Facts("e1", "Pilot", "episode", series_id="s1", series="Show", season=1, episode=1)
    tile = Tile(episode, "/watch/title/e1", share_pct=40, why="40 % watched")
    html = str(macros(t=lambda key, **_values: key, percent=str).tile(tile, (160, 240)))
    places = [html.index(part) for part in ("tile__ground", "tile__progress", "tile__episode", "tile__why")]
    assert places == sorted(places), "the bar is moved up by its own height from where it stands"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_an_image_is_asked_for_in_widths_that_the_server_scales_to(aspect: str) -> None:
    titles = Titles.__new__(Titles)
    titles.aspect = aspect
    tile = Tile(Facts("t1", "One", "film"), "/watch/title/t1", image="/artwork/a.jpg")
    html = str(macros().image(tile, titles.size))
    width = titles.size[0]
    assert f'src="/artwork/a.jpg?width={width}" srcset="/artwork/a.jpg?width={2 * width} 2x"' in html
    asked = {int(found) for found in re.findall(r"\?width=(\d+)", html)}
    assert asked == {width, 2 * width}
    assert asked <= set(WIDTHS)


@pytest.mark.parametrize(
    ("territory", "at_us", "shown"),
    [("NL", 20, True), ("FR", 20, False), (None, 20, False), ("NL", 40, False)],
)
def test_an_image_that_was_chosen_is_kept_while_it_may_be_shown_to_the_member(
    territory: str | None, at_us: int, shown: bool
) -> None:
    row = {"artwork_id": "a1", "title_id": "t1", "file": "a1.svg", "approved_by": "ada", "approved_us": 5}
    art = Artworks.from_rows([{**row, "territories": ["NL"], "end_us": 30}])
    pictures = Pictures.of(art)
    standing = Standing(1, {"a1": 0}, art.clearances, frozenset())
    tiles: Any = Tiles.__new__(Tiles)
    tiles.viewer, tiles._territory, tiles._pictures = SimpleNamespace(at_us=at_us), territory, pictures
    watch = SimpleNamespace(current=lambda: standing)
    tiles._artwork = SimpleNamespace(watch=watch, url=pictures.url_of.get)
    assert tiles.chosen("a1") == ("/artwork/a1.svg" if shown else None)
    assert tiles.chosen(None) is None
    assert tiles.chosen("gone") is None
