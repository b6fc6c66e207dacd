"""Decisions of any initiative, why they were made, and what came of them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import Body, Parameter

from matinee.serve.asking import Asking
from matinee.serve.openapi import TAG_DECIDE, problems
from matinee.serve.schemas import DecisionReply, DecisionRequest, RewardReply, RewardRequest

LONGEST = 200
Name = Annotated[str, Parameter(min_length=1, max_length=LONGEST)]


@post(
    "/v1/decisions/{initiative:str}",
    status_code=200,
    summary="Ask an initiative to decide",
    description=(
        "Name the objective (an initiative), never a model. If its model is missing, late or fails, its "
        "fallback answers within the time, and the answer says so."
    ),
    tags=[TAG_DECIDE],
    opt={"scope": "decide"},
    responses=problems(400, 401, 403, 404, 429, 503),
)
async def decide(
    initiative: Name, data: Annotated[DecisionRequest, Body()], asking: NamedDependency[Asking]
) -> DecisionReply:
    """Answer with a decision."""
    return await asking.decide(initiative, data)


@get(
    "/v1/decisions/{decision_id:str}",
    summary="Why a decision was made",
    description=(
        "What was logged, and the decision made once more as of its moment, stage by stage: what was "
        "eligible, which rule removed what, why each choice is there."
    ),
    tags=[TAG_DECIDE],
    opt={"scope": "decide"},
    responses=problems(400, 401, 403, 404, 429, 503),
)
async def why(decision_id: Name, asking: NamedDependency[Asking]) -> dict[str, Any]:
    """Answer with an explanation."""
    return await asking.why(decision_id)


@post(
    "/v1/decisions/{decision_id:str}/reward",
    status_code=200,
    summary="Report what came of a decision",
    description="For rewards that are not in the events. Sent twice under one `reward_id` it counts once.",
    tags=[TAG_DECIDE],
    opt={"scope": "ingest"},
    responses=problems(400, 401, 403, 404, 409, 429, 503),
)
async def reward(
    decision_id: Name, data: Annotated[RewardRequest, Body()], asking: NamedDependency[Asking]
) -> Response[RewardReply]:
    """Take a reward in."""
    return Response(await asking.reward(decision_id, data))
