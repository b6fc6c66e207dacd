"""POST /v1/events: what members do, durable before it is acknowledged."""

from __future__ import annotations

import msgspec
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send

from matinee.serve.front import Reply
from matinee.serve.openapi import EVENTS_PATH
from matinee.serve.problems import ProblemError
from matinee.serve.receiving import Receiver
from matinee.serve.services import Services

_ENCODER = msgspec.json.Encoder()
_JSON = (b"content-type", b"application/json")


class EventsTaking:
    """Answers POST /v1/events; see `serve.front`.

    It reads and writes for itself: a framework's requests and replies cost more than the events.

    Parameters
    ----------
    services : Services
    receiver : Receiver
    """

    def __init__(self, services: Services, receiver: Receiver) -> None:
        self.services, self.receiver = services, receiver
        self._most = int(services.config.max_body_mb * 1_000_000)

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Status, headers and body of the reply; errors as `serve.problems` knows them."""
        self.services.admit(scope, "ingest")
        kind = encoding = ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                kind = value.decode("latin-1")
            elif name == b"content-encoding":
                encoding = value.decode("latin-1")
        body = await _body(receive, self._most)
        return 200, [_JSON], _ENCODER.encode(await self.receiver.receive(body, kind, encoding))


def events(taking: EventsTaking) -> ASGIRouteHandler:
    """The route, for all that `serve.front` leaves to the framework: other methods, a slash at the end.

    `serve.openapi` describes it.
    """

    @asgi(EVENTS_PATH, copy_scope=False)
    async def handler(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":
            raise MethodNotAllowedException(headers={"Allow": "POST"})
        status, headers, body = await taking(scope, receive)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

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
