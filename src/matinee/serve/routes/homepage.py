"""GET /v1/members/{member_id}/homepage: the page of a member."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import Parameter

from matinee.errors import InputError
from matinee.observe.events.schema import LONGEST_TEXT
from matinee.serve.asked import COLS, MOST_COLS, MOST_ROWS, ROWS, Asked
from matinee.serve.openapi import IN_A_PATH, TAG_DECIDE, problems
from matinee.serve.pages import Pages
from matinee.serve.schemas import PageReply


@get(
    "/v1/members/{member_id:str}/homepage",
    summary="The homepage of a member",
    description=(
        "Rows of titles, each with its reason. The same page comes again while the member does nothing; "
        "`next_cursor` asks for the rows below. Parameters narrow what is stored about the member "
        "(territory, maturity, kids) and never widen it. A member whom nobody has heard of gets a page too."
    ),
    tags=[TAG_DECIDE],
    opt={"scope": "decide"},
    responses=problems(400, 401, 403, 410, 429, 503),
)
async def homepage(
    member_id: Annotated[str, Parameter(min_length=1, max_length=LONGEST_TEXT, description=IN_A_PATH)],
    pages: NamedDependency[Pages],
    device: Annotated[
        str | None, Parameter(min_length=1, max_length=LONGEST_TEXT, description="Kept with the decision.")
    ] = None,
    territory: Annotated[
        str | None,
        Parameter(
            min_length=1, max_length=LONGEST_TEXT, description="Where the member is, if nothing is stored."
        ),
    ] = None,
    maturity: Annotated[
        int | None, Parameter(ge=0, le=18, description="Highest age; the stored limit holds too.")
    ] = None,
    kids: Annotated[bool | None, Parameter(description="true: as a kids profile.")] = None,
    locale: Annotated[
        str | None, Parameter(min_length=1, max_length=LONGEST_TEXT, description="Kept with the decision.")
    ] = None,
    rows: Annotated[int, Parameter(ge=1, le=MOST_ROWS, description="Most rows of this answer.")] = ROWS,
    cols: Annotated[int, Parameter(ge=1, le=MOST_COLS, description="Most tiles of a row.")] = COLS,
    budget_ms: Annotated[
        float | None,
        Parameter(gt=0, description="Time for the answer; longer than the server's own changes nothing."),
    ] = None,
    cursor: Annotated[
        str | None,
        Parameter(min_length=1, max_length=LONGEST_TEXT, description="`next_cursor` of the page so far."),
    ] = None,
) -> PageReply:
    """Answer with a page."""
    for name, text in (("member_id", member_id), ("territory", territory), ("device", device)):
        if text is not None and not text.strip():
            raise InputError(f'{name} is "{text}", expected text that is not empty.')
    asked = Asked(rows, cols, territory, maturity, kids, device, locale)
    return await pages.page(member_id, asked, budget_ms=budget_ms, cursor=cursor)
