"""The last look at a page: finds titles that its member may not see. There should never be any.

The rules are written out once more, title by title, apart from the masks with which pages are composed
(`Catalogue.allowed`): a mistake there shows here.
"""

from __future__ import annotations

from collections.abc import Sequence

from matinee.learn.reading import load_catalogue
from matinee.observe.catalogue.catalogue import KIDS_MATURITY_MAX, Catalogue, Limits
from matinee.observe.decisions import Slot
from matinee.observe.home import Home


class Guard:
    """Checks titles against windows, maturity, kids and languages.

    Release dates are left to the composer: a preview that somebody has watched is out. A title that the
    catalogue did not know when it was read has no facts: of unknown maturity, and available everywhere.

    Parameters
    ----------
    catalogue : Catalogue

    Attributes
    ----------
    pinned : set of str
        Titles that editors pinned anywhere.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.pinned = frozenset(pin.title_id for pin in catalogue.pins if pin.title_id is not None)
        self._position = {str(title_id): i for i, title_id in enumerate(catalogue.title_ids)}
        self._maturity = catalogue.maturity.tolist()
        self._series = catalogue.series.tolist()
        self._windows: dict[int, list[tuple[str, int, int]]] = {}
        windows = catalogue.windows
        for title, territory, start_us, end_us in zip(
            windows.title.tolist(),
            windows.territory.tolist(),
            windows.from_us.tolist(),
            windows.until_us.tolist(),
            strict=True,
        ):
            self._windows.setdefault(title, []).append((territory, start_us, end_us))
        tagged = (catalogue.languages.indptr[1:] > catalogue.languages.indptr[:-1]).nonzero()[0]
        self._languages = {int(i): frozenset(catalogue.languages.of(int(i))) for i in tagged}

    @staticmethod
    def of(home: Home, at_us: int) -> Guard:
        """For the catalogue of a home at a moment."""
        return Guard(load_catalogue(home, at_us))

    def forbidden(self, slots: Sequence[Slot], limits: Limits, at_us: int) -> list[Slot]:
        """Slots whose title, or its series, may not be shown within these limits now."""
        return [slot for slot in slots if not self._permits(slot.action, limits, at_us)]

    def _permits(self, title_id: str, limits: Limits, at_us: int) -> bool:
        title = self._position.get(title_id)
        if title is None:
            return not limits.kids
        series = self._series[title]
        return self._permits_one(title, limits, at_us) and (
            series < 0 or self._permits_one(series, limits, at_us)
        )

    def _permits_one(self, title: int, limits: Limits, at_us: int) -> bool:
        maturity = self._maturity[title]
        if maturity > limits.maturity_max:
            return False
        if limits.kids and not 0 <= maturity <= KIDS_MATURITY_MAX:
            return False
        if limits.languages:
            spoken = self._languages.get(title)
            if spoken is not None and spoken.isdisjoint(limits.languages):
                return False
        windows = self._windows.get(title)
        return windows is None or any(
            territory == limits.territory and start_us <= at_us < end_us
            for territory, start_us, end_us in windows
        )
