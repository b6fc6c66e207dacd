"""Genre rows: one shelf per genre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf

UNNAMED = frozenset({"", "unknown", "other", "(no genres listed)"})
"""Labels (in lower case) that mean "no genre" in published files; no row is named after them."""


class Genre(RowKind):
    """All titles of a genre, in the member's own order."""

    name = "genre"
    tile_reason = "From a genre you may like"
    several = True

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf per named genre."""
        dense = audience.catalogue.genres.dense() > 0
        return [
            Shelf(self.name, name, name, np.flatnonzero(dense[:, g]).astype(np.int32))
            for g, name in enumerate(audience.catalogue.genres.names)
            if name.strip().lower() not in UNNAMED
        ]


ROW_KIND = Genre()
