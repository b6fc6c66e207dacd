"""Popular in the member's territory: what many watch there. It needs no history, so it never fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf

POOL, LEAST, SHARE = 200, 20, 0.2
"""The most watched fifth of the titles competes for the row, at least 20 titles and at most 200; among them
the member's own order decides."""


class Popular(RowKind):
    """The most watched titles of the territory; of the whole service where the territory is unknown."""

    name = "popular"
    tile_reason = "Many members are watching it"
    worth = 0.99
    stability_h = 24.0

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf with the most watched titles."""
        territory = audience.limits.territory
        here = audience.titles.territory_popularity.get(territory) if territory else None
        watched = audience.titles.popularity if here is None else here
        allowed = np.flatnonzero(audience.shown)
        order = np.argsort(-watched[allowed], kind="stable")[
            : int(np.clip(SHARE * len(allowed), LEAST, POOL))
        ]
        reason = "Popular on the service" if here is None else f"Popular in {territory}"
        return [Shelf(self.name, "", reason, allowed[order].astype(np.int32))]


ROW_KIND = Popular()
