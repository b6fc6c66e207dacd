"""Because you watched X: what is most like a title that the member liked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import RowKind, Shelf, Viewer

LIKED = 0.7
"""Least weight of a history event for its title to head a row."""


class BecauseYouWatched(RowKind):
    """One shelf per liked title, the latest first.

    A title that the profile may not see heads no row, so that a kids profile never reads its name.
    """

    name = "because_you_watched"
    ranker = "next"
    tile_reason = "Like a title you watched"
    several = True
    stability_h = 24.0

    def personal(self, viewer: Viewer) -> Sequence[Shelf]:
        """Neighbours of the latest liked titles."""
        state, audience = viewer.state, viewer.audience
        liked = state.history[state.history_weight >= LIKED][::-1]
        shelves: list[Shelf] = []
        for title in dict.fromkeys(viewer.unit[liked].tolist()):
            if len(shelves) == audience.config.anchors:
                break
            if not audience.allowed[title] or viewer.disliked[title]:
                continue
            near = audience.titles.neighbours[title]
            catalogue = audience.catalogue
            shelves.append(
                Shelf(
                    self.name,
                    str(catalogue.title_ids[title]),
                    f"Because you watched {catalogue.names[title]}",
                    near[near >= 0].astype(np.int32),
                )
            )
        return shelves


ROW_KIND = BecauseYouWatched()
