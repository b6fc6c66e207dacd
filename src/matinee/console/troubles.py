"""What a visitor is told when something goes wrong: a page for browsers, problem+json for programs."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response
from litestar.response import Redirect

from matinee.console.entrance import Entrance, ProfileNeededError, StaffNeededError
from matinee.console.rendering import Rendering
from matinee.console.visit import AnyRequest
from matinee.serve import problems
from matinee.serve.schemas import Problem

LOG = logging.getLogger("matinee.console")
ENTER, WATCH = "/console/enter", "/watch"
OURS = ("/watch", "/console")
SAID = (400, 401, 403, 404, 405, 410, 413, 429, 500, 503)
"""Statuses with a text of their own; others take that of 400 or 500."""


class Troubles:
    """Replies to errors.

    Parameters
    ----------
    rendering : Rendering
    entrance : Entrance
    """

    def __init__(self, rendering: Rendering, entrance: Entrance) -> None:
        self.rendering, self.entrance = rendering, entrance

    def respond(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """The reply for an error: at addresses of the pages a page, unless JSON is asked for."""
        if not is_page(request.scope["path"]) or wants_json(request):
            return problems.respond(request, error)
        if navigates(request):
            if isinstance(error, StaffNeededError):
                return Redirect(f"{ENTER}?{urlencode({'next': _back(request)})}", status_code=303)
            if isinstance(error, ProfileNeededError):
                return Redirect(WATCH, status_code=303)
        status, headers, body = problems.problem(request.scope, error)
        found = msgspec.json.decode(body, type=Problem)
        kept = {name.decode(): value.decode() for name, value in headers if name != b"content-type"}
        said = status if status in SAID else 500 if status >= 500 else 400
        try:
            self.entrance.visit(request)
            values = {"problem": found, "said": f"problem.{said}"}
            return self.rendering.page(request, "problem.html.jinja", values, status=status, headers=kept)
        except Exception:  # the error page must not hide the error
            LOG.exception("the page for an error cannot be made")
            return problems.respond(request, error)


def is_page(path: str) -> bool:
    """Whether an address belongs to the pages.

    Examples
    --------
    >>> is_page("/watch/title/t1"), is_page("/v1/events"), is_page("/watches")
    (True, False, False)
    """
    return path == "/" or any(path == ours or path.startswith(f"{ours}/") for ours in OURS)


def wants_json(request: AnyRequest) -> bool:
    """Whether the client asks for JSON rather than for a page, or, as no browser does, for nothing."""
    accepted = request.headers.get("accept", "")
    return not accepted or ("json" in accepted and "text/html" not in accepted)


def navigates(request: AnyRequest) -> bool:
    """Whether a browser goes to the address, and can be led elsewhere; a module that fetches cannot."""
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"


def _back(request: AnyRequest) -> str:
    if request.method != "GET":
        return WATCH
    query = request.scope["query_string"].decode("latin-1")
    return request.scope["path"] + (f"?{query}" if query else "")
