"""Errors as problem+json (RFC 9457): which thing and its value, what was expected, what to do."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Scope

from matinee.errors import InputError, MatineeError, NotFoundError, StorageError, VerdictError
from matinee.serve.schemas import Problem

MEDIA_TYPE = "application/problem+json"
LOG = logging.getLogger("matinee.serve")
UNAVAILABLE_RETRY_S = 2
PLACES = re.compile(
    r"\b[a-z+]+://[^\s,;()\"']*[^\s,;:.()\"']|(?<![A-Z] )(?<!\w)(?:/[^\s/:;,()\"']+)+/(?=[^\s/])"
)
"""Addresses, and the folders before a name: where things lie is not told to whoever asks."""


class ProblemError(MatineeError):
    """An answer other than success, with its status and headers."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers or {}


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The reply for an error; what nobody foresaw is logged with its trace and told without it."""
    status, headers, body = _told(request.scope, error)
    return Response(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def problem(scope: Scope, error: Exception) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """`respond` without the framework: status, headers and body."""
    status, headers, body = _told(scope, error)
    given = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return status, [(b"content-type", MEDIA_TYPE.encode()), *given], body


def _told(scope: Scope, error: Exception) -> tuple[int, dict[str, str], bytes]:
    status, detail, headers = _read(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, MatineeError):
        LOG.error("unforeseen error", exc_info=error)
    found = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=scope.get("state", {}).get("request_id"),
    )
    return status, headers, msgspec.json.encode(found)


def _read(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of an error."""
    status = getattr(error, "status", None)
    if isinstance(error, MatineeError) and isinstance(status, int):
        return status, str(error), dict(getattr(error, "headers", {}))
    if isinstance(error, RecursionError):
        return 400, "body: JSON is nested too deeply, expected what /openapi.json describes.", {}
    if isinstance(error, ValidationException):
        return 400, _validation(error), {}
    if isinstance(error, HTTPException):
        detail = error.detail or HTTPStatus(error.status_code).phrase
        return error.status_code, _ROUTING.get(error.status_code, detail), dict(error.headers or {})
    if isinstance(error, NotFoundError):
        return 404, str(error), {}
    if isinstance(error, InputError):
        return 400, str(error), {}
    if isinstance(error, StorageError):
        return 503, PLACES.sub(_only_kind, str(error)), {"Retry-After": str(UNAVAILABLE_RETRY_S)}
    if isinstance(error, VerdictError):
        return 409, str(error), {}
    return 500, "The server failed on this request. Its log has the trace under the request id.", {}


def _only_kind(place: re.Match[str]) -> str:
    """The kind of an address ("redis:"), and nothing of a folder."""
    kind, address, _ = place[0].partition("://")
    return f"{kind}:" if address else ""


_ROUTING = {
    404: "no such address, expected one of those in /openapi.json.",
    405: "this address does not take that method, expected one of those in /openapi.json. No id is empty.",
}


def _validation(error: ValidationException) -> str:
    """The parameters that were wrong, in one sentence each."""
    extra = error.extra if isinstance(error.extra, list) else []
    parts = []
    for one in extra:
        if isinstance(one, dict):
            name, text = one.get("key", ""), str(one.get("message", "is not as expected"))
            parts.append(f"{name}: {text}" if name else text)
    text = "; ".join(parts) or str(error.detail)
    return f"{text.rstrip('.')}. See /openapi.json for what this address takes."
