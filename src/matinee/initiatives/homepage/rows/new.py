"""New on the service: the availability window opened lately, or, without windows, the release is recent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf
from matinee.types import DAY_US, format_at


class New(RowKind):
    """Titles that arrived within `new_days`."""

    name = "new"
    tile_reason = "New on the service"
    stability_h = 24.0

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """One shelf with all new titles; each tile says since when."""
        catalogue, at_us = audience.catalogue, audience.at_us
        since_us = at_us - round(audience.config.new_days * DAY_US)
        windows = catalogue.windows
        restricted = np.zeros(len(catalogue), np.bool_)
        restricted[windows.title] = True
        arrived = np.where(restricted, at_us + 1, catalogue.release_us)
        here = (windows.territory == audience.limits.territory).astype(np.bool_)
        open_now = here & (windows.from_us <= at_us) & (at_us < windows.until_us)
        np.minimum.at(arrived, windows.title[open_now], windows.from_us[open_now])
        titles = np.flatnonzero((arrived > since_us) & (arrived <= at_us)).astype(np.int32)
        notes = {int(t): f"New since {format_at(int(arrived[t]))[:10]}" for t in titles}
        return [Shelf(self.name, "", "New on the service", titles, notes=notes)]


ROW_KIND = New()
