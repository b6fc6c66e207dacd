"""Gives the pages that commands show the images that a server would show with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import msgspec

from matinee.initiatives.artwork.config import NAME
from matinee.initiatives.homepage.packing import Picture
from matinee.initiatives.homepage.page import MemberState, Page, Row
from matinee.observe.catalogue.artwork_files import MEDIA_TYPES, path_of
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.platform.dresser import Dresser, Shown
from matinee.platform.dressing import URL


def dresser_of(home: Home, at_us: int) -> Dresser | None:
    """What chooses the images; None for a home without any."""
    return Dresser.open(home, NAME, at_us)


def with_images(
    dresser: Dresser | None, state: MemberState, page: Page, *, device: str | None = None
) -> tuple[Page, Mapping[str, Shown]]:
    """A page with its images, and for each title why it has that one."""
    if dresser is None:
        return page, {}
    slots = [
        Slot(tile.title_id, tile.propensity, row.row, tile.col) for row in page.rows for tile in row.tiles
    ]
    context = {} if device is None else {"device": device}
    _, shown = dresser.dressed(page.member_id, slots, dict(context), state.here.territory)
    rows = [_row(row, shown) for row in page.rows]
    return replace(page, rows=rows), shown


def gone_from(dresser: Dresser | None) -> Callable[[Collection[str]], set[str]] | None:
    """Which images of pages may not be shown any more, for who writes them into a file."""
    return None if dresser is None else dresser.gone


def pictures_of(dresser: Dresser | None) -> Callable[[str], Picture | None] | None:
    """Files of images, for a viewer that holds them; None for those that may not be shown (any more)."""
    if dresser is None or dresser.watch is None:
        return None
    home = dresser.watch.home

    def picture(artwork_id: str) -> Picture | None:
        name = dresser.pictures.url_of.get(artwork_id, "").removeprefix(URL)
        if not name or dresser.gone([artwork_id]):
            return None
        try:
            return Picture(MEDIA_TYPES[name.rpartition(".")[2]], path_of(home, name).read_bytes())
        except (OSError, KeyError):  # the file is gone: the viewer draws a poster
            return None

    return picture


def _row(row: Row, shown: Mapping[str, Shown]) -> Row:
    tiles = [msgspec.structs.replace(tile, artwork_id=shown[tile.title_id].artwork_id) for tile in row.tiles]
    return replace(row, tiles=tiles)
