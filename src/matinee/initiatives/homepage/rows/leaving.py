"""Leaving soon: the availability window closes within days, and no other follows it without a gap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf
from matinee.types import ALWAYS_US, DAY_US, format_at


class Leaving(RowKind):
    """Titles that can be watched for at most `leaving_days` more."""

    name = "leaving"
    tile_reason = "Leaves soon"
    min_tiles = 1
    stability_h = 24.0

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf with all titles that leave; each tile says when."""
        windows, at_us = audience.catalogue.windows, audience.at_us
        here = np.flatnonzero((windows.territory == audience.limits.territory).astype(np.bool_))
        end_us = np.full(len(audience.catalogue), ALWAYS_US, np.int64)
        for w in here[np.argsort(windows.from_us[here], kind="stable")]:
            title = windows.title[w]
            if windows.from_us[w] <= max(at_us, int(end_us[title])):
                end_us[title] = max(end_us[title], windows.until_us[w])
        soon_us = at_us + round(audience.config.leaving_days * DAY_US)
        titles = np.flatnonzero((end_us > at_us) & (end_us <= soon_us)).astype(np.int32)
        notes = {int(t): f"Leaves on {format_at(int(end_us[t]))[:10]}" for t in titles}
        return [Shelf(self.name, "", "Leaving soon", titles, notes=notes)]


ROW_KIND = Leaving()
