"""What the console consists of: each part brings its addresses, its link, and what its handlers work with.

A handler of a part:

    @get("/watch/search")
    async def search(request: AnyRequest, console: NamedDependency[Console]) -> Response[bytes]:
        member_id = watcher(request)
        return console.rendering.page(request, "watch/search.html.jinja", {"found": ...})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from litestar.types import ControllerRouterHandler

from matinee.console.config import ConsoleConfig
from matinee.console.entrance import Entrance
from matinee.console.rendering import Link, Rendering
from matinee.console.static import Static
from matinee.console.texts import Texts
from matinee.serve.services import Services


@dataclass(frozen=True, slots=True)
class Console:
    """What all pages work with; handlers take it by the name `console`.

    Attributes
    ----------
    services : Services
        Of the server: state, log, decisions, images.
    config : ConsoleConfig
    texts : Texts
    rendering : Rendering
        Makes pages: `console.rendering.page(request, "watch/page.html.jinja", {...})`.
    entrance : Entrance
        Changes the session: `console.entrance.choose(request, member_id)`.
    files : Static
    """

    services: Services
    config: ConsoleConfig
    texts: Texts
    rendering: Rendering
    entrance: Entrance
    files: Static


def nothing(_console: Console) -> Mapping[str, object]:
    """A part that works with the console alone."""
    return {}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the console.

    Attributes
    ----------
    routes : tuple of Litestar handlers
        They need a session of the staff, unless they say `opt=ANYONE` (`entrance`).
    links : tuple of (key of a text, address)
        In the head of each page.
    open : callable
        Is given the console when the server starts; returns what the part's handlers take by name
        (`titles: NamedDependency[Titles]`).
    """

    routes: tuple[ControllerRouterHandler, ...]
    links: tuple[Link, ...] = ()
    open: Callable[[Console], Mapping[str, object]] = nothing
