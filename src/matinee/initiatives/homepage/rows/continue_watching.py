"""Continue watching: what was begun and not finished; of a series, the next episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import RowKind, Shelf, Viewer
from matinee.observe.play_rates import AWAY_HALF_LIFE_DAYS
from matinee.types import DAY_US

RANK_DECAY = 0.7
"""Each earlier title is resumed so much less often."""


class ContinueWatching(RowKind):
    """Titles in progress, the latest first. P(play) falls with the days since the member's last play.

    How often the latest is resumed is read from the log (`PlayRates`).
    """

    name = "continue_watching"
    intent = "continue"
    admits = "begun"
    ranker = "given"
    tile_reason = "You have begun it"
    min_tiles = 1
    stability_h = 0.0

    def personal(self, viewer: Viewer) -> Sequence[Shelf]:
        """One shelf, or none when nothing is in progress."""
        state = viewer.state
        if not len(state.in_progress):
            return ()
        last_us = int(state.history_at_us[-1]) if len(state.history_at_us) else viewer.audience.at_us
        away_days = max(0.0, (viewer.audience.at_us - last_us) / DAY_US)
        rate = viewer.audience.titles.rates.resume * 0.5 ** (away_days / AWAY_HALF_LIFE_DAYS)
        play = rate * RANK_DECAY ** np.arange(len(state.in_progress))
        notes = {
            int(t): f"{round(100 * float(share))} % watched"
            for t, share in zip(state.in_progress, state.in_progress_share, strict=False)
            if share > 0
        }
        return [Shelf(self.name, "", "Continue watching", state.in_progress, play, notes)]


ROW_KIND = ContinueWatching()
