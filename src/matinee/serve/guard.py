"""The last look at a page: finds titles that its member may not see. There should never be any."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from matinee.learn.reading import load_catalogue
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.types import Mask

MASKS_KEPT = 256


@dataclass(slots=True)
class _Masked:
    """Titles that may be shown within some limits, and until when that holds."""

    allowed: Mask
    since_us: int
    until_us: int


class Guard:
    """Checks titles against windows, maturity, kids and languages, apart from the code that composes pages.

    Parameters
    ----------
    catalogue : Catalogue
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.position = {str(title_id): i for i, title_id in enumerate(catalogue.title_ids)}
        self._unit = catalogue.unit()
        self._everything = np.ones(len(catalogue), np.bool_)
        edges = np.concatenate([catalogue.windows.from_us, catalogue.windows.until_us])
        self._edges = np.unique(edges)
        self._masks: OrderedDict[Limits, _Masked] = OrderedDict()

    @staticmethod
    def of(home: Home, at_us: int) -> Guard:
        """For the catalogue of a home at a moment."""
        return Guard(load_catalogue(home, at_us))

    def forbidden(self, slots: list[Slot], limits: Limits, at_us: int) -> list[Slot]:
        """Slots whose title is known and may not be shown within these limits now."""
        allowed = self._allowed(limits, at_us)
        position = self.position
        return [slot for slot in slots if not allowed[position.get(slot.action, -1)]]

    def _allowed(self, limits: Limits, at_us: int) -> Mask:
        """Mask of the titles; its last place stands for titles that the catalogue does not know."""
        found = self._masks.get(limits)
        if found is None or not found.since_us <= at_us < found.until_us:
            # Release dates are left to the composer: a preview that somebody has watched is out.
            allowed = self.catalogue.allowed(limits, at_us, self._everything)
            allowed &= allowed[self._unit]
            after = int(np.searchsorted(self._edges, at_us, side="right"))
            until = int(self._edges[after]) if after < len(self._edges) else np.iinfo(np.int64).max
            since = int(self._edges[after - 1]) if after else np.iinfo(np.int64).min
            found = self._masks[limits] = _Masked(np.append(allowed, True), since, until)
            if len(self._masks) > MASKS_KEPT:
                self._masks.popitem(last=False)
        return found.allowed
