"""Where a title was found, as addresses and forms carry it: decision, row and column, or a surface.

Nobody decided what a search or the titles like one show, so plays from there name no decision: it would earn
what it did not bring about. They say which surface it was.
"""

from __future__ import annotations

from dataclasses import dataclass

SEARCH, SIMILAR = "search", "similar"
SURFACES = (SEARCH, SIMILAR)
LONGEST = 256
MOST = 10_000
"""Rows and columns of any page."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a page.

    Attributes
    ----------
    decision_id : str
        The decision with which it was given out.
    row, col : int
        From 1.

    Examples
    --------
    >>> Place.parse("d1.2.3"), str(Place("d1", 2, 3)), Place.parse("d1.0.x")
    (Place(decision_id='d1', row=2, col=3), 'd1.2.3', None)
    """

    decision_id: str
    row: int
    col: int

    def __str__(self) -> str:
        return f"{self.decision_id}.{self.row}.{self.col}"

    @staticmethod
    def parse(text: str | None) -> Place | None:
        """Read a place; None for what is none: nobody types it, and a page can do without."""
        parts = (text or "").rsplit(".", 2)
        return Place.of(*parts) if len(parts) == 3 else None

    @staticmethod
    def of(decision_id: str, row: str, col: str) -> Place | None:
        """From three texts, as forms have them."""
        numbers = [int(one) if one.isascii() and one.isdigit() and len(one) <= 5 else 0 for one in (row, col)]
        if not 0 < len(decision_id) <= LONGEST or not all(1 <= one <= MOST for one in numbers):
            return None
        return Place(decision_id, *numbers)


def surface_of(text: str | None) -> str:
    """A surface, or "" for any other text.

    Examples
    --------
    >>> surface_of("search"), surface_of("d1.2.3"), surface_of(None)
    ('search', '', '')
    """
    return text if text in SURFACES else ""
