"""What every request passes: an id, strict headers, bounds of its body, its time and its line in the log.

Three middlewares would each wrap what is sent, and cost more than the events of a request. For the same
reason an address that takes most of the traffic may be answered here, without the framework.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from matinee.serve.headers import begin_request, complete, end_request, request_id_of
from matinee.serve.incoming import Body, Incoming
from matinee.serve.logging import log_request
from matinee.serve.paths import mark_slashes
from matinee.serve.problems import problem

Reply = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body."""
Answer = Callable[[Scope, Receive], Awaitable[Reply | None]]
"""None: the framework answers."""
Measure = Callable[[str, int, float], None]
"""Is given the route's template (a raw path holds the ids of members), the status and the seconds."""


class Front:
    """The outermost ASGI application.

    Parameters
    ----------
    app : ASGI application
        Answers what is not in `direct`.
    measure : callable, optional
        Counts and times every request.
    direct : mapping, optional
        (method, path) -> what answers it; for a path of one part and a slash, also all that lies below. An
        exception becomes a problem, as everywhere else.
    incoming : Incoming, optional
        Bounds of all bodies together.
    """

    def __init__(
        self,
        app: ASGIApp,
        measure: Measure | None = None,
        direct: Mapping[tuple[str, str], Answer] | None = None,
        incoming: Incoming | None = None,
    ) -> None:
        self.app, self.measure, self.direct = app, measure, direct or {}
        self.incoming = incoming or Incoming()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # as GET; the server leaves out the body
            scope = {**scope, "method": "GET"}
        began = time.perf_counter()
        status = 500
        request_id = request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def strict(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = complete(message.get("headers", ()), request_id)
            await send(message)

        if b"%" in (scope.get("raw_path") or b""):
            mark_slashes(scope)
        body = Body(self.incoming, receive)
        token = begin_request(request_id)
        try:
            answer = self._answer(scope["method"], scope["path"])
            direct = None if answer is None else await _direct(answer, scope, body, send, request_id)
            if direct is None:
                await self.app(scope, body, strict)
            else:
                status = direct
        finally:
            body.release()
            end_request(token)
            took_s = time.perf_counter() - began
            if self.measure is not None:
                self.measure(str(scope.get("path_template") or "unknown"), status, took_s)
            log_request(scope, status, took_s)

    def _answer(self, method: str, path: str) -> Answer | None:
        found = self.direct.get((method, path))
        return found or self.direct.get((method, path[: path.find("/", 1) + 1]))


async def _direct(answer: Answer, scope: Scope, receive: Receive, send: Send, request_id: str) -> int | None:
    """Answer without the framework; returns the status, or None where it was not answered."""
    try:
        reply = await answer(scope, receive)
    except Exception as error:
        reply = problem(scope, error)
    if reply is None:
        return None
    status, headers, body = reply
    scope.setdefault("path_template", scope["path"])
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": complete(headers, request_id)})
    await send({"type": "http.response.body", "body": body, "more_body": False})
    return status
