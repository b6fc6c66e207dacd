"""Editors' pins as a plan for one page: which kind stands in which row, which title in which place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from matinee.initiatives.homepage.page import Row
from matinee.initiatives.homepage.rows.base import Viewer
from matinee.initiatives.homepage.rules import rules
from matinee.observe.catalogue.catalogue import Pin

EDITORIAL = "editorial"


@dataclass(slots=True)
class PinPlan:
    """Pins that can be kept so far.

    Attributes
    ----------
    kind_at : dict of int to str
        Kind of row that is ordered at a row.
    title_at : dict of (row, col) to int
        Title that is ordered at a place.
    unmet : list of str
        Pins that cannot be kept, and why.
    """

    kind_at: dict[int, str] = field(default_factory=dict)
    title_at: dict[tuple[int, int], int] = field(default_factory=dict)
    unmet: list[str] = field(default_factory=list)

    def in_row(self, row: int) -> dict[int, int]:
        """Pinned titles of a row by column."""
        return {col: title for (r, col), title in sorted(self.title_at.items()) if r == row}


def plan_pins(
    viewer: Viewer, known_kinds: Collection[str], rows: int, cols: int, *, above: Sequence[Row] = ()
) -> PinPlan:
    """Sort the pins that are in force here and now into places; what the page is too small for is left out.

    Only rows below `above` are planned. A title that stands near the place already is not pinned there again.

    A title without a column takes the next free column of its row. The first row that gets such titles and
    no ordered kind becomes the editors' row; further ones hold them in front of whatever stands there.
    """
    plan = PinPlan()
    if not viewer.audience.catalogue.pins:
        return plan
    loose: list[Pin] = []
    editors_above = any(row.kind == EDITORIAL for row in above)
    for pin in _in_force(viewer, len(above) + 1, rows):
        if pin.title_id is not None:
            if pin.col is None:
                loose.append(pin)
            elif pin.col <= cols:
                _put_title(plan, viewer, pin, pin.col)
        elif pin.row_kind not in known_kinds:
            plan.unmet.append(f'pin row {pin.row} kind "{pin.row_kind}": there is no such kind of row')
        elif _barred(viewer, str(pin.row_kind)):
            plan.unmet.append(f'pin row {pin.row} kind "{pin.row_kind}": a quota allows no such row')
        elif pin.row in plan.kind_at:
            plan.unmet.append(
                f'pin row {pin.row} kind "{pin.row_kind}": "{plan.kind_at[pin.row]}" is pinned there'
            )
        else:
            plan.kind_at[pin.row] = str(pin.row_kind)
    for pin in loose:
        taken = plan.in_row(pin.row)
        col = next((c for c in range(1, cols + 1) if c not in taken), None)
        if col is None:
            plan.unmet.append(f"{name_pin(pin)}: the row is full of pins")
        elif (
            _put_title(plan, viewer, pin, col)
            and pin.row not in plan.kind_at
            and not editors_above
            and EDITORIAL not in plan.kind_at.values()
            and not _barred(viewer, EDITORIAL)
        ):
            plan.kind_at[pin.row] = EDITORIAL
    for row in [r for r, kind in plan.kind_at.items() if kind == EDITORIAL and not plan.in_row(r)]:
        del plan.kind_at[row]
        plan.unmet.append(f'pin row {row} kind "{EDITORIAL}": no title that may be shown is pinned to it')
    _leave_out_near(plan, viewer, above)
    return plan


def _leave_out_near(plan: PinPlan, viewer: Viewer, above: Sequence[Row]) -> None:
    """Give up pins of titles that stand above in the same viewport."""
    near = viewer.audience.config.viewport_rows
    last_row = {tile.title: row.row for row in above for tile in row.tiles}
    for (row, col), title in list(plan.title_at.items()):
        stands = last_row.get(title, row - near)
        if stands > row - near:
            del plan.title_at[row, col]
            name = viewer.audience.catalogue.title_ids[title]
            plan.unmet.append(
                f'pin row {row} col {col} title "{name}": it stands in row {stands}, in the same viewport'
            )
    for row in [r for r, kind in plan.kind_at.items() if kind == EDITORIAL and not plan.in_row(r)]:
        del plan.kind_at[row]


def name_pin(pin: Pin) -> str:
    """How a pin is named in `Page.unmet`."""
    col = "" if pin.col is None else f" col {pin.col}"
    return f'pin row {pin.row}{col} title "{pin.title_id}"'


def _in_force(viewer: Viewer, first: int, rows: int) -> list[Pin]:
    at_us, territory = viewer.audience.at_us, viewer.audience.limits.territory
    pins = [
        pin
        for pin in viewer.audience.catalogue.pins
        if first <= pin.row <= rows
        and pin.from_us <= at_us < pin.until_us
        and (pin.territory is None or pin.territory == territory)
    ]
    return sorted(pins, key=lambda pin: (pin.row, pin.col or 0))


def _put_title(plan: PinPlan, viewer: Viewer, pin: Pin, col: int) -> bool:
    """Plan a title at (pin.row, col) if the rules allow it; otherwise say why not."""
    why = _why_not(plan, viewer, pin, col)
    if why is None:
        plan.title_at[pin.row, col] = _position(viewer, str(pin.title_id))
        return True
    plan.unmet.append(f"{name_pin(pin)}: {why}")
    return False


def _why_not(plan: PinPlan, viewer: Viewer, pin: Pin, col: int) -> str | None:
    title = _position(viewer, str(pin.title_id))
    if title < 0:
        return "the catalogue has no such title"
    if not viewer.fresh[title]:
        return rules(viewer, "fresh").why_not(title) or "may not be shown"
    if (pin.row, col) in plan.title_at:
        return "another title is pinned there"
    near = viewer.audience.config.viewport_rows
    for (row, _), other in plan.title_at.items():
        if other == title and abs(row - pin.row) < near:
            return f"it is pinned to row {row}, in the same viewport"
    return None


def _barred(viewer: Viewer, kind: str) -> bool:
    return viewer.audience.config.most_rows(kind) == 0


def _position(viewer: Viewer, title_id: str) -> int:
    ids = viewer.audience.catalogue.title_ids
    return next((i for i, known in enumerate(ids) if known == title_id), -1)
