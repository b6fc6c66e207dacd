"""Watch again: what the member liked most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import RowKind, Shelf, Viewer
from matinee.observe.play_rates import REST_DAYS
from matinee.types import DAY_US

LIKED = 0.7
"""Least weight of a history event for its title to be offered again."""


class WatchAgain(RowKind):
    """Liked titles; those watched lately come last. Titles in progress stand in continue-watching instead."""

    name = "watch_again"
    intent = "continue"
    admits = "watched"
    ranker = "given"
    tile_reason = "You liked it"
    stability_h = 72.0

    def personal(self, viewer: Viewer) -> Sequence[Shelf]:
        """One shelf, or none without a liked title."""
        state = viewer.state
        liked = state.history_weight >= LIKED
        if not liked.any():
            return ()
        rest_days = (viewer.audience.at_us - state.history_at_us[liked]) / DAY_US
        rested = 1.0 - 0.5 ** (np.maximum(rest_days, 0.0) / REST_DAYS)
        worth = viewer.audience.titles.rates.again * state.history_weight[liked] * (0.01 + rested)
        titles, first = np.unique(viewer.unit[state.history[liked]][::-1], return_index=True)
        return [Shelf(self.name, "", "Watch again", titles.astype(np.int32), worth[::-1][first])]


ROW_KIND = WatchAgain()
