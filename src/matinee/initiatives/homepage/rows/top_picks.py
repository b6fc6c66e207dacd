"""Top picks: the head of the member's own ranking, over the whole catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf, Viewer


class TopPicks(RowKind):
    """Everything that the member may see, best first. Needs a history: without one it would be a lie."""

    name = "top_picks"
    tile_reason = "Fits what you have watched"
    worth = 1.02  # where another row would show the same titles, this one

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf with all titles."""
        titles = np.arange(len(audience.catalogue), dtype=np.int32)
        return [Shelf(self.name, "", "Top picks for you", titles)]

    def exists_for(self, viewer: Viewer) -> bool:
        """Only for members who have watched something."""
        return len(viewer.state.history) > 0


ROW_KIND = TopPicks()
