"""The application: routes, errors, keys and limits put together over the services of one process."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from matinee import settings
from matinee.observe.home import Home
from matinee.serve import openapi
from matinee.serve.asking import Asking
from matinee.serve.config import ServeConfig
from matinee.serve.forgetting import Forgetting
from matinee.serve.headers import Headers
from matinee.serve.logging import RequestLog, set_up
from matinee.serve.pages import Pages
from matinee.serve.problems import respond
from matinee.serve.receiving import Receiver
from matinee.serve.routes.decisions import decide, reward, why
from matinee.serve.routes.events import events
from matinee.serve.routes.homepage import homepage
from matinee.serve.routes.members import forget
from matinee.serve.routes.operations import healthz, metrics, readyz
from matinee.serve.services import Services

HOME, OPTIONS = "MATINEE_SERVE_HOME", "MATINEE_SERVE_OPTIONS"
"""Environment variables through which `matinee serve` tells its worker processes what to serve, and how."""
ROUTES = (homepage, decide, why, reward, forget, healthz, readyz, metrics)


def create(services: Services) -> ASGIApp:
    """The application over open services; they are closed with it."""

    @asynccontextmanager
    async def life(_app: Litestar) -> AsyncIterator[None]:
        services.start()
        try:
            yield
        finally:
            await services.stop()

    given: dict[str, object] = {
        "services": services,
        "pages": Pages(services),
        "asking": Asking(services),
        "forgetting": Forgetting(services),
    }
    app = Litestar(
        [events(services, Receiver(services)), *ROUTES],
        dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in given.items()},
        exception_handlers={Exception: respond},
        before_request=_admit(services),
        lifespan=[life],
        openapi_config=openapi.config(),
        request_max_body_size=int(services.config.max_body_mb * 1_000_000),
        response_class=Response,
        logging_config=None,
        debug=False,
    )
    return RequestLog(Headers(_Timed(app, services)))


def from_environment() -> ASGIApp:
    """The application of a worker process, told by the environment what to serve."""
    home = Home(Path(os.environ[HOME]))
    options = msgspec.json.decode(os.environ.get(OPTIONS, "{}"), type=dict[str, Any])
    config = settings.load(home.settings, "serve", ServeConfig, options=options)
    set_up(config.log, config.log_level)
    return create(Services.open(home, config))


def _always(value: object) -> Any:
    def give() -> Any:
        return value

    return give


def _admit(services: Services) -> Any:
    """Before every route: the key has the scope that the route names, and has not used up its rate.

    Not one of Litestar's guards, since it copies the handler for each call of a guard. The description of the
    routes is for everybody.
    """

    async def admit(request: Request[Any, Any, Any]) -> None:
        scope = request.scope
        if scope.get("path_template") != openapi.PATH:
            services.admit(scope, scope["route_handler"].opt.get("scope", "admin"))

    return admit


class _Timed:
    """Counts and times every request by its route's template (a raw path holds the ids of members)."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app, self.services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            route = str(scope.get("path_template") or "unknown")
            self.services.measure(route, status, time.perf_counter() - began)
