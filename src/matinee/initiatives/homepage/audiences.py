"""Audiences kept for as long as nothing changes that they rest on; several threads may ask at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from matinee.initiatives.homepage.audience import SharedShelves, prepare_audience
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.page import TitleState
from matinee.initiatives.homepage.rows.base import RowKind
from matinee.observe.catalogue.catalogue import Limits
from matinee.types import ALWAYS_US, DAY_US, NEVER_US, Mask, Times

AUDIENCES_KEPT = 64
"""Audiences (territory, maturity, kids, languages) whose shelves stay in memory."""
SETS_KEPT = 256
"""Action sets that can still be looked up by name."""

Span = tuple[int, int]
"""From one change of the catalogue (inclusive) to the next one (exclusive)."""


class Audiences:
    """Masks and shared shelves by limits and moment.

    An audience is the same from one change of the catalogue (a window begins or ends, a title comes out or is
    not new any more, a pin begins or ends) to the next one, so it is prepared once in between, and never used
    at the microsecond of the next change.

    Parameters
    ----------
    titles : TitleState
    config : PageConfig
    kinds : mapping of str to RowKind
    """

    def __init__(self, titles: TitleState, config: PageConfig, kinds: Mapping[str, RowKind]) -> None:
        self.titles, self.config, self.kinds = titles, config, kinds
        self._changes_us: Times | None = None
        self._kept: OrderedDict[tuple[Span, Limits], SharedShelves] = OrderedDict()
        self._sets: OrderedDict[str, Mask] = OrderedDict()
        self._lock, self._preparing = Lock(), Lock()
        self._span: Span = (0, 0)

    def at(self, limits: Limits, at_us: int) -> SharedShelves:
        """The audience of members with these limits at a moment; the last `AUDIENCES_KEPT` are kept."""
        key = self.span(at_us), limits
        found = self._find(key) or self._prepare(key, at_us)
        if found.audience.at_us == at_us:
            return found
        return replace(found, audience=replace(found.audience, at_us=at_us))

    def span(self, at_us: int) -> Span:
        """The changes around a moment."""
        first, end = span = self._span
        if first <= at_us < end:
            return span
        changes = self._changes_us
        if changes is None:
            new_us = round(self.config.new_days * DAY_US)
            leaving_us = round(self.config.leaving_days * DAY_US)
            changes = self.titles.catalogue.changes_us(new_us=new_us, leaving_us=leaving_us)
            self._changes_us = changes
        place = int(np.searchsorted(changes, at_us, side="right"))
        first = int(changes[place - 1]) if place else ALWAYS_US
        self._span = span = (first, int(changes[place]) if place < len(changes) else NEVER_US)
        return span

    def prepare(self, audiences: Sequence[Limits], at_us: int) -> None:
        """Make those that are missing at a moment; the first one was asked for last."""
        span = self.span(at_us)
        for limits in reversed(audiences):
            with self._lock:
                ready = (span, limits) in self._kept
            if not ready:
                self._prepare((span, limits), at_us)

    def in_use(self) -> list[Limits]:
        """Limits of the audiences that were asked for lately."""
        with self._lock:
            return list(dict.fromkeys(limits for _, limits in reversed(self._kept)))

    def actions_of(self, reference: str) -> list[str] | None:
        """Ids of the titles of an action set; None if it is not known any more."""
        with self._lock:
            found = self._sets.get(reference)
        return None if found is None else self.titles.catalogue.title_ids[found].tolist()

    def _find(self, key: tuple[Span, Limits]) -> SharedShelves | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return found

    def _prepare(self, key: tuple[Span, Limits], at_us: int) -> SharedShelves:
        """Make an audience; others who need it meanwhile wait for this one."""
        with self._preparing:
            found = self._find(key)
            if found is not None:
                return found
            made = prepare_audience(self.titles, key[1], at_us, self.config, self.kinds)
            with self._lock:
                self._kept[key] = made
                self._sets[made.actions] = made.audience.allowed
                self._sets.move_to_end(made.actions)
                while len(self._kept) > AUDIENCES_KEPT:
                    self._kept.popitem(last=False)
                while len(self._sets) > SETS_KEPT:
                    self._sets.popitem(last=False)
        return made
