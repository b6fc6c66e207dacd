"""My list: what the member put aside and has not watched yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import RowKind, Shelf, Viewer

RANK_DECAY = 0.85
"""Each earlier title is played so much less often."""


class MyList(RowKind):
    """The member's list, likeliest play first; the latest additions get a head start."""

    name = "my_list"
    intent = "task"
    admits = "listed"
    ranker = "given"
    tile_reason = "On your list"
    min_tiles = 1
    stability_h = 0.0

    def personal(self, viewer: Viewer) -> Sequence[Shelf]:
        """One shelf, or none when the list is empty."""
        listed = viewer.state.my_list
        if not len(listed):
            return ()
        head_start = viewer.audience.titles.rates.from_list * RANK_DECAY ** np.arange(len(listed))
        play = viewer.play[listed] + head_start
        return [Shelf(self.name, "", "My list", listed, play)]


ROW_KIND = MyList()
