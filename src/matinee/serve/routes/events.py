"""POST /v1/events: what members do, durable before it is acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, post

from matinee.serve.openapi import EVENTS_PATH, TAG_INGEST, problems
from matinee.serve.problems import ProblemError
from matinee.serve.receiving import Receiver
from matinee.serve.schemas import EventsReply

BODY_S = 30.0
"""Longest time that a client may take to send its events."""


@post(
    EVENTS_PATH,
    status_code=200,
    summary="Send events",
    description=(
        "A JSON array of events, one event, or one event per line (application/x-ndjson); gzip is welcome. "
        "Each is judged on its own. When the answer comes, accepted events are on disk and count in the next "
        "decision. An event that is sent again under its `event_id` counts once."
    ),
    tags=[TAG_INGEST],
    opt={"scope": "ingest"},
    responses=problems(400, 401, 403, 413, 415, 429, 503),
)
async def events(request: Request[Any, Any, Any], receiver: Receiver) -> EventsReply:
    """Take events in."""
    try:
        body = await asyncio.wait_for(request.body(), BODY_S)
    except TimeoutError:
        raise ProblemError(
            408, f"the body did not arrive within {BODY_S:.0f} s, expected it sooner. Send fewer events."
        ) from None
    return await receiver.receive(
        body, request.headers.get("content-type", ""), request.headers.get("content-encoding", "")
    )
