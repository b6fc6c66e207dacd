"""The addresses of the entrance: come in, leave, choose language and theme."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from matinee.console.entrance import ADMIN, ANYONE
from matinee.console.look import Look, theme_of
from matinee.console.origin import local
from matinee.console.parts import Console, Part
from matinee.console.visit import AnyRequest, visit_of
from matinee.serve.problems import ProblemError

PAGE = "enter.html.jinja"
WRONG = {401: "enter.wrong", 403: "enter.scope", 429: "enter.often"}
"""Status of a refusal -> what the visitor is told."""


@get("/", opt=ANYONE, sync_to_thread=False)
def start() -> Redirect:
    """The start of the pages."""
    return Redirect("/watch", status_code=303)


@get("/console", sync_to_thread=False)
def console_start(console: NamedDependency[Console]) -> Redirect:
    """The first page of the team."""
    own = (address for _, address in console.rendering.links if address.startswith("/console/"))
    return Redirect(next(own), status_code=303)


@get("/console/enter", opt=ANYONE, sync_to_thread=False)
def door(request: AnyRequest, console: NamedDependency[Console]) -> Response[Any]:
    """The form for the key; who needs none, or has shown it, goes on."""
    after = local(request.query_params.get("next"))
    if visit_of(request).session.staff:
        return Redirect(after, status_code=303)
    return console.rendering.page(request, PAGE, {"after": after, "wrong": None})


@post("/console/enter", opt=ANYONE)
async def enter(request: AnyRequest, console: NamedDependency[Console]) -> Response[Any]:
    """Look at the key, forget it, and let its owner in under a new session."""
    form = await request.form()
    after = local(str(form.get("next", "")))
    try:
        found = console.services.admission.admit_with(
            request.scope, ADMIN, f"Bearer {str(form.get('key', '')).strip()}"
        )
    except ProblemError as problem:
        if problem.status not in WRONG:
            raise
        values = {"after": after, "wrong": WRONG[problem.status]}
        return console.rendering.page(
            request, PAGE, values, status=problem.status, headers=_but_challenge(problem.headers)
        )
    console.entrance.come_in(request, found.key_id)
    return Redirect(after, status_code=303)


@post("/console/leave", opt=ANYONE, sync_to_thread=False)
def leave(request: AnyRequest, console: NamedDependency[Console]) -> Redirect:
    """End the session."""
    console.entrance.leave(request)
    return Redirect("/console/enter", status_code=303)


@post("/console/look", opt=ANYONE)
async def look(request: AnyRequest, console: NamedDependency[Console]) -> Redirect:
    """Keep the language and the theme that were chosen, and go back."""
    form = await request.form()
    worn: Look = visit_of(request).look
    if "theme" in form:
        worn = replace(worn, theme=theme_of(str(form["theme"])))
    if "language" in form:
        worn = replace(worn, language=str(form["language"]))
    console.entrance.wear(request, worn)
    return Redirect(local(str(form.get("next", ""))), status_code=303)


def _but_challenge(headers: dict[str, str]) -> dict[str, str]:
    """Without WWW-Authenticate, at which browsers open a window of their own."""
    return {name: value for name, value in headers.items() if name.lower() != "www-authenticate"}


PART = Part(routes=(start, console_start, door, enter, leave, look))
