"""Hidden gems: little watched by others, yet a fit for this member."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf, Viewer

TAIL_SHARE = 0.2
"""Share of all watching that the least watched titles together have; they are the candidates."""


class HiddenGems(RowKind):
    """The long tail in the member's own order. Needs a history to know what fits."""

    name = "hidden_gems"
    tile_reason = "Few know it, and it fits you"
    stability_h = 72.0

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf with the tail of the catalogue; titles that nobody watched are left out."""
        watched = audience.titles.popularity
        seen = np.flatnonzero(audience.shown & (watched > 0))
        rising = seen[np.argsort(watched[seen], kind="stable")]
        share = np.cumsum(watched[rising], dtype=np.float64)
        tail = rising[share <= TAIL_SHARE * share[-1]] if len(rising) else rising
        return [Shelf(self.name, "", "Hidden gems for you", tail.astype(np.int32))]

    def exists_for(self, viewer: Viewer) -> bool:
        """Only for members who have watched something."""
        return len(viewer.state.history) > 0


ROW_KIND = HiddenGems()
