"""Continue watching: what was begun and not finished; of a series, the next episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import RowKind, Shelf, Viewer
from matinee.types import DAY_US

RATE = 0.3
"""P(play) of the title begun last, when the member was here a moment ago."""
RANK_DECAY = 0.7
"""Each earlier title is resumed so much less often."""
HALF_LIFE_DAYS = 14.0
"""Days away after which resuming is half as likely."""


class ContinueWatching(RowKind):
    """Titles in progress, the latest first. P(play) falls with the days since the member's last play.

    The rates are priors in the order of magnitude of published descriptions, not learned.
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
        play = RATE * 0.5 ** (away_days / HALF_LIFE_DAYS) * RANK_DECAY ** np.arange(len(state.in_progress))
        notes = {
            int(t): f"{round(100 * float(share))} % watched"
            for t, share in zip(state.in_progress, state.in_progress_share, strict=False)
            if share > 0
        }
        return [Shelf(self.name, "", "Continue watching", state.in_progress, play, notes)]


ROW_KIND = ContinueWatching()
