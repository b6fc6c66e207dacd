"""Trending now: watched more, lately, than its popularity leads to expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf

POOL = 100
"""Fastest rising titles that compete for the row."""


class Trending(RowKind):
    """Titles that rise; none when nothing rises."""

    name = "trending"
    tile_reason = "Rising these days"
    stability_h = 1.0

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf with the `POOL` fastest rising titles."""
        rising = audience.titles.trending
        allowed = np.flatnonzero(audience.shown & (rising > 0))
        order = np.argsort(-rising[allowed], kind="stable")[:POOL]
        return [Shelf(self.name, "", "Trending now", allowed[order].astype(np.int32))]


ROW_KIND = Trending()
