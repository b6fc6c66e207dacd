"""Editors' row: titles that are pinned to a row without a column. The pins fill it, see `pins.py`."""

from __future__ import annotations

from matinee.initiatives.homepage.rows.base import RowKind


class Editorial(RowKind):
    """Has no candidates of its own: it stands where editors pinned titles."""

    name = "editorial"
    ranker = "given"
    tile_reason = "Chosen by the editors"
    min_tiles = 1
    stability_h = 24.0


ROW_KIND = Editorial()
