"""Gives the pages that commands show the images that a server would show with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from matinee.initiatives.artwork.config import NAME
from matinee.initiatives.homepage.page import MemberState, Page, Row
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.platform.dresser import Dresser, Shown


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


def _row(row: Row, shown: Mapping[str, Shown]) -> Row:
    tiles = [msgspec.structs.replace(tile, artwork_id=shown[tile.title_id].artwork_id) for tile in row.tiles]
    return replace(row, tiles=tiles)
