"""A page as a decision record: every tile with its place, reason and propensity."""

from __future__ import annotations

from collections.abc import Sequence

from matinee.initiatives.homepage.page import Page
from matinee.observe.decisions import DecisionRecord, Slot

POLICY = "homepage/stage-wise"


def to_record(
    page: Page,
    *,
    decision_id: str,
    model: str,
    policy: str = POLICY,
    actions: Sequence[str] = (),
    context: dict[str, str | int | float | bool | None] | None = None,
    fallback: bool = False,
    sticky_of: str | None = None,
) -> DecisionRecord:
    """The record to log when a page is served.

    Parameters
    ----------
    page : Page
    decision_id : str
        Id under which rewards will be joined.
    model, policy : str
        Versions that made the page.
    actions : sequence of str
        Titles that were eligible, or one reference to them ("mask:<hash>").
    context : dict, optional
        What was known about the request.
    fallback : bool
        Whether the page was made without the release's model.
    sticky_of : str, optional
        First decision, if an old page was served again.

    Examples
    --------
    >>> from matinee.initiatives.homepage.page import Row, Tile
    >>> page = Page("m1", 0, [Row(1, "genre", "discover", "Drama", [Tile(1, 7, "t7", "Drama", 0.25, True)])])
    >>> to_record(page, decision_id="d1", model="release-3").slots[0].propensity
    0.25
    """
    return DecisionRecord(
        decision_id=decision_id,
        initiative="homepage",
        unit_id=page.member_id,
        at_us=page.at_us,
        policy=policy,
        model=model,
        slots=page_slots(page),
        actions=list(actions),
        context=dict(context or {}),
        fallback=fallback,
        sticky_of=sticky_of,
    )


def page_slots(page: Page) -> list[Slot]:
    """Every tile of a page, row by row, with its place, reason and propensity."""
    return [
        Slot(
            action=tile.title_id,
            propensity=tile.propensity,
            row=row.row,
            col=tile.col,
            row_kind=row.kind,
            reason=tile.reason,
            n_permitted=tile.n_permitted,
            explored=tile.explored,
        )
        for row in page.rows
        for tile in row.tiles
    ]
