"""Headers that every reply has: an id of the request, and what browsers and caches must not do with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar, Token

from litestar.types import Scope

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
_STRICT = (*UNLESS_SET, *ALWAYS)
_PLAIN = {b"content-type", b"content-length"}
_CURRENT: ContextVar[str | None] = ContextVar("matinee_request_id", default=None)


def complete(given: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of a reply with those that every reply has."""
    out = [(name, value) for name, value in given if name.lower() not in NEVER]
    names = {name.lower() for name, _ in out}
    if names == _PLAIN:
        out += _STRICT
    else:
        out += [header for header in _STRICT if header[0] not in names]
    if REQUEST_ID not in names:
        out.append((REQUEST_ID, request_id.encode()))
    return out


def begin_request(request_id: str) -> Token[str | None]:
    """Have `current_request_id` tell it; give the token to `end_request`."""
    return _CURRENT.set(request_id)


def end_request(token: Token[str | None]) -> None:
    """The request is answered."""
    _CURRENT.reset(token)


def current_request_id() -> str | None:
    """Id of the request that is being answered here; None outside of one."""
    return _CURRENT.get()


def request_id_of(scope: Scope) -> str:
    """The id of a request: the one that came with it, if it is safe, else 32 new hexadecimal digits.

    It stands in `scope["state"]["request_id"]`, in the reply's `X-Request-Id`, in every line of the log about
    it, and in the body of an error. One that the client or a proxy sent is taken over if it is hexadecimal
    and short.
    """
    for name, value in scope["headers"]:
        if name == REQUEST_ID and SAFE.fullmatch(value):
            return value.decode("ascii")
    return os.urandom(16).hex()
