"""POST /v1/events: what members do, durable before it is acknowledged."""

from __future__ import annotations

import asyncio

import msgspec
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send

from matinee.serve.openapi import EVENTS_PATH
from matinee.serve.problems import ProblemError
from matinee.serve.receiving import Receiver
from matinee.serve.services import Services

BODY_S = 30.0
"""Longest time that a client may take to send its events."""
_ENCODER = msgspec.json.Encoder()
_JSON = (b"content-type", b"application/json")


def events(services: Services, receiver: Receiver) -> ASGIRouteHandler:
    """The route. It reads and writes for itself: Litestar's requests and replies cost more than the events.

    `serve.openapi` describes it.
    """
    most = int(services.config.max_body_mb * 1_000_000)

    @asgi(EVENTS_PATH, copy_scope=False)
    async def handler(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":
            raise MethodNotAllowedException(headers={"Allow": "POST"})
        services.admit(scope, "ingest")
        kind = encoding = ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                kind = value.decode("latin-1")
            elif name == b"content-encoding":
                encoding = value.decode("latin-1")
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(receive, most)
        except TimeoutError:
            raise ProblemError(
                408, f"body: did not arrive within {BODY_S:.0f} s, expected it sooner. Send fewer events."
            ) from None
        reply = _ENCODER.encode(await receiver.receive(body, kind, encoding))
        length = (b"content-length", str(len(reply)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": reply, "more_body": False})

    return handler


async def _body(receive: Receive, most: int) -> bytes:
    """The body of a request, as it arrives; refused as soon as it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ProblemError(400, "body: the client went away before it was sent, expected all of it.")
        parts.append(message["body"])
        size += len(parts[-1])
        if size > most:
            raise ProblemError(
                413,
                f"body: it has more than {most} bytes, expected at most that. Send fewer events, or raise "
                "[serve] max_body_mb.",
            )
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)
