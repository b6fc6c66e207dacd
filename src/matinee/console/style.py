"""/console/style: every token and part of the design system, as it looks in both themes."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from matinee.console.parts import Console, Part
from matinee.console.visit import AnyRequest

PAGE = "style.html.jinja"


@get("/console/style", sync_to_thread=False)
def style(request: AnyRequest, console: NamedDependency[Console]) -> Response[bytes]:
    """The page."""
    return console.rendering.page(request, PAGE)


PART = Part(routes=(style,), links=(("common.style", "/console/style"),))
