"""What a request asks of a page: its size, narrower limits, and the rows that stand already."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from matinee.errors import InputError
from matinee.initiatives.homepage.page import Row, Tile
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.members import MATURITY_MAX
from matinee.platform.deciding import Request


def narrowed(limits: Limits, request: Request) -> Limits:
    """The member's limits and those of the request (territory, maturity, kids): the stricter of each."""
    context = request.context
    maturity = context.get("maturity")
    asked = Limits(
        territory=None if context.get("territory") is None else str(context["territory"]),
        maturity_max=MATURITY_MAX if maturity is None else int(maturity),
        kids=bool(context.get("kids", False)),
    )
    return limits.narrowed(asked)


def size_of(request: Request) -> tuple[int | None, int | None]:
    """Rows and columns that are asked for; None where the request does not say.

    Raises
    ------
    InputError
        One is not a whole number of 1 or more.
    """
    return _number(request, "rows"), _number(request, "cols")


def above_of(request: Request, position: Mapping[str, int]) -> list[Row]:
    """The rows that the member has been shown of this page, from the first on.

    A title that the catalogue has no more has position -1.
    """
    notes = {note.row: note for note in request.after_rows}
    slots = sorted((s for s in request.after if s.row and s.col), key=lambda s: (s.row or 0, s.col or 0))
    by_row = {row: list(some) for row, some in groupby(slots, key=lambda s: s.row or 0)}
    rows: list[Row] = []
    for number in range(1, max([0, *notes, *by_row]) + 1):
        shown, note = by_row.get(number, []), notes.get(number)
        kind = note.kind if note else next((s.row_kind for s in shown if s.row_kind), "")
        tiles = [
            Tile(s.col or 1, position.get(s.action, -1), s.action, s.reason or "", s.propensity, s.explored)
            for s in shown
        ]
        rows.append(Row(number, kind, "discover", note.reason if note else "", tiles))
    return rows


def _number(request: Request, name: str) -> int | None:
    value = request.context.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"homepage: {name} is {value!r}, expected a whole number, 1 or more.")
    return value
