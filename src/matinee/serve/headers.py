"""Headers that every reply has: an id of the request, and what browsers and caches must not do with it."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = b"x-request-id"
SAFE = re.compile(rb"[0-9a-fA-F]{8}[0-9a-fA-F-]{0,56}")
"""A request id that is taken over: hexadecimal (as of nginx, or a UUID). Free text could be a name."""
API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
UNLESS_SET = ((b"content-security-policy", API_POLICY), (b"cache-control", b"no-store"))
"""A page of the console names its own policy, and files that are the same for everybody may be cached."""
NEVER = frozenset({b"server", b"x-powered-by"})
_CURRENT: ContextVar[str | None] = ContextVar("matinee_request_id", default=None)


class Headers:
    """ASGI middleware: request ids in, strict headers out.

    The id of a request stands in `scope["state"]["request_id"]`, in the reply's `X-Request-Id`, in every line
    of the log about it, and in the body of an error. One that the client or a proxy sent is taken over if it
    is hexadecimal and short.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        own = (*ALWAYS, (REQUEST_ID, request_id.encode()))

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [
                    (bytes(name), bytes(value))
                    for name, value in message.get("headers", [])
                    if name.lower() not in NEVER
                ]
                names = {name.lower() for name, _ in given}
                given += [header for header in UNLESS_SET if header[0] not in names]
                given += [header for header in own if header[0] not in names]
                message["headers"] = given
            await send(message)

        token = _CURRENT.set(request_id)
        try:
            await self.app(scope, receive, strict)
        finally:
            _CURRENT.reset(token)


def current_request_id() -> str | None:
    """Id of the request that is being answered here; None outside of one."""
    return _CURRENT.get()


def _request_id(scope: Scope) -> str:
    """The id that came with the request, if it is safe, else a new one of 32 hexadecimal digits."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and SAFE.fullmatch(value):
            return value.decode("ascii")
    return secrets.token_hex(16)
