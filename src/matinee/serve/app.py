"""The application: routes, errors, keys and limits put together over the services of one process."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Scope

from matinee import settings
from matinee.observe.home import Home
from matinee.platform.dressing import URL
from matinee.serve import openapi
from matinee.serve.asking import Asking
from matinee.serve.config import ServeConfig
from matinee.serve.forgetting import Forgetting
from matinee.serve.front import Answer, Front
from matinee.serve.logging import set_up
from matinee.serve.pages import Pages
from matinee.serve.paths import restore_path
from matinee.serve.problems import respond
from matinee.serve.receiving import Receiver
from matinee.serve.routes.artwork import ArtworkGiving, artwork
from matinee.serve.routes.decisions import decide, reward, why
from matinee.serve.routes.events import EventsTaking, events
from matinee.serve.routes.homepage import homepage
from matinee.serve.routes.members import forget
from matinee.serve.routes.operations import healthz, metrics, readyz
from matinee.serve.services import Services

HOME, OPTIONS = "MATINEE_SERVE_HOME", "MATINEE_SERVE_OPTIONS"
"""Environment variables through which `matinee serve` tells its worker processes what to serve, and how."""
SWITCH_S = 0.001
GARBAGE = (50_000, 20, 100)
"""`gc.set_threshold`: a group of a thousand events alone makes more objects than the default of 700."""
ROUTES = (homepage, artwork, decide, why, reward, forget, healthz, readyz, metrics)


Told = Callable[[Request[Any, Any, Any], Exception], Response[Any]]
"""Makes the reply for an error."""
BeforeSend = Callable[[Message, Scope], Awaitable[None]]


def create(
    services: Services,
    *,
    further: Sequence[ControllerRouterHandler] = (),
    given: Mapping[str, object] | None = None,
    told: Told = respond,
    before_send: Sequence[BeforeSend] = (),
    direct: Mapping[tuple[str, str], Answer] | None = None,
) -> ASGIApp:
    """The application over open services; they are closed with it.

    Parameters
    ----------
    further : sequence of Litestar handlers or routers
        Addresses besides the server's own. Each needs a key of the scope that it names in `opt["scope"]`
        (admin, if it names none; None: no key), unless it has a `before_request` of its own.
    given : mapping of str to object, optional
        What the handlers of `further` may take by name.
    told : callable
        Replies to what is raised on the way.
    before_send : sequence of callable
        Each may change a message of a reply before it is sent.
    direct : mapping, optional
        Further addresses that `Front` answers without the framework.
    """

    @asynccontextmanager
    async def life(_app: Litestar) -> AsyncIterator[None]:
        services.start()
        try:
            yield
        finally:
            await services.stop()

    taking, giving = EventsTaking(services, Receiver(services)), ArtworkGiving(services)
    all_given: dict[str, object] = {
        **(given or {}),
        "services": services,
        "pages": Pages(services),
        "asking": Asking(services),
        "forgetting": Forgetting(services),
        "giving": giving,
    }
    app = Litestar(
        [events(taking), *ROUTES, *further],
        dependencies={
            name: Provide(_always(value), sync_to_thread=False) for name, value in all_given.items()
        },
        exception_handlers={Exception: told},
        before_send=list(before_send),
        before_request=_admit(services),
        lifespan=[life],
        openapi_config=openapi.config(),
        request_max_body_size=int(services.config.max_body_mb * 1_000_000),
        response_class=Response,
        logging_config=None,
        debug=False,
    )
    at_once: dict[tuple[str, str], Answer] = {("POST", openapi.EVENTS_PATH): taking, ("GET", URL): giving}
    return Front(app, services.measure, at_once | dict(direct or {}))


def from_environment(make: Callable[[Services], ASGIApp] = create) -> ASGIApp:
    """The application of a worker process, told by the environment what to serve."""
    home = Home(Path(os.environ[HOME]))
    options = msgspec.json.decode(os.environ.get(OPTIONS, "{}"), type=dict[str, Any])
    config = settings.load(home.settings, "serve", ServeConfig, options=options)
    set_up(config.log, config.log_level)
    app = make(Services.open(home, config))
    _tune()
    return app


def _tune() -> None:
    """Settings of the interpreter for a process that only serves.

    Its threads hand the lock of the interpreter over after 1 ms, not 5: the loop waits for it after every
    call of the system. What was loaded so far stays, so it is not searched for garbage again and again.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _always(value: object) -> Any:
    def give() -> Any:
        return value

    return give


def _admit(services: Services) -> Any:
    """Before every route: the path is as it was sent, and the key has the scope that the route names, and has
    not used up its rate.

    Not one of Litestar's guards, since it copies the handler for each call of a guard. The description of the
    routes is for everybody.
    """

    async def admit(request: Request[Any, Any, Any]) -> None:
        scope = request.scope
        restore_path(scope)
        if scope.get("path_template") != openapi.PATH:
            services.admit(scope, scope["route_handler"].opt.get("scope", "admin"))

    return admit
