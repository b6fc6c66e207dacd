"""The server with its web pages: the parts of the console over the services of one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from litestar import Router
from litestar.di import Provide
from litestar.types import ASGIApp

from matinee import settings
from matinee.console import entering, style
from matinee.console.config import ConsoleConfig
from matinee.console.entrance import Entrance
from matinee.console.parts import Console, Part
from matinee.console.preview import routes as previewing
from matinee.console.rendering import Rendering
from matinee.console.secret import signing_key
from matinee.console.session import Sessions
from matinee.console.static import Static, static
from matinee.console.texts import Texts
from matinee.console.troubles import Troubles
from matinee.console.visit import AnyRequest, send_cookies, session_of
from matinee.console.watch import routes as watching
from matinee.serve import app as server
from matinee.serve.services import Services

PARTS: tuple[Part, ...] = (
    entering.PART,
    watching.PART,
    previewing.PART,
    style.PART,
)
"""A new part of the console is one line here."""
LONGEST_FORM = 65_536
"""Bytes of a form. Taking one apart holds up the loop, and some are taken of people without a session."""


def open_console(services: Services, config: ConsoleConfig) -> Console:
    """The console over open services.

    Raises
    ------
    StorageError
        The key for the cookies cannot be made or read.
    """
    texts, files = Texts(), Static(reload=config.reload)
    sessions = Sessions(signing_key(services.home), config.session_h, config.session_most_h)
    links = tuple(link for part in PARTS for link in part.links)
    rendering = Rendering(texts, files, sessions, links=links, reload=config.reload)
    return Console(services, config, texts, rendering, Entrance(services, sessions, texts, config), files)


def create(services: Services, config: ConsoleConfig | None = None) -> ASGIApp:
    """The application over open services, with the pages if [console] enabled; closed with the services."""
    found = config or settings.load(services.home.settings, "console", ConsoleConfig)
    if not found.enabled:
        return server.create(services)
    console = open_console(services, found)
    pages = Router(
        "/",
        route_handlers=[route for part in PARTS for route in part.routes],
        before_request=_admit(console.entrance),
        dependencies={"session": Provide(session_of, sync_to_thread=False)},
        request_max_body_size=LONGEST_FORM,
        include_in_schema=False,
    )
    given: dict[str, object] = {"console": console, "files": console.files}
    for part in PARTS:
        given |= part.open(console)
    return server.create(
        services,
        further=[pages, static],
        given=given,
        told=Troubles(console.rendering, console.entrance).respond,
        before_send=[send_cookies],
        direct={} if found.reload else console.files.direct(),
    )


def from_environment() -> ASGIApp:
    """The application of a worker process, told by the environment what to serve."""
    return server.from_environment(create)


def _admit(entrance: Entrance) -> Callable[[AnyRequest], Awaitable[None]]:
    """A function, as Litestar copies whatever else it is given."""

    async def admit(request: AnyRequest) -> None:
        await entrance.admit(request)

    return admit
