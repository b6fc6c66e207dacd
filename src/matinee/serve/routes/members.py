"""DELETE /v1/members/{member_id}: forget a person."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import delete
from litestar.di import NamedDependency
from litestar.params import Parameter

from matinee.observe.events.schema import LONGEST_TEXT
from matinee.serve.forgetting import Forgetting
from matinee.serve.openapi import IN_A_PATH, TAG_ADMIN, problems


@delete(
    "/v1/members/{member_id:str}",
    status_code=200,
    summary="Forget a member",
    description=(
        "Removes the member from the state, the log, the lake, decisions and caches, and refuses the id from "
        "then on. The answer is a receipt of what was removed where; it names the id by a keyed hash only."
    ),
    tags=[TAG_ADMIN],
    opt={"scope": "admin"},
    responses=problems(400, 401, 403, 429, 503),
)
async def forget(
    member_id: Annotated[str, Parameter(min_length=1, max_length=LONGEST_TEXT, description=IN_A_PATH)],
    forgetting: NamedDependency[Forgetting],
) -> dict[str, Any]:
    """Forget, and answer with the receipt."""
    return await forgetting.forget(member_id)
