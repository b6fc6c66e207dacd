"""How the server is: alive, ready, and in figures."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.types import Scope

from matinee.serve.openapi import TAG_OPERATE, problems
from matinee.serve.schemas import Health, Readiness
from matinee.serve.services import Services

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@get(
    "/healthz", summary="Is the process alive", tags=[TAG_OPERATE], opt={"scope": None}, sync_to_thread=False
)
def healthz(services: NamedDependency[Services]) -> Response[Health]:
    """200 while the process can do its work, 503 when its writer has ended: restart it then."""
    if services.ingestor.alive:
        return Response(Health("ok"))
    return Response(Health("the writer of the log has ended"), status_code=503)


@get("/readyz", summary="Can the server do its work", tags=[TAG_OPERATE], opt={"scope": None})
async def readyz(services: NamedDependency[Services], scope: Scope) -> Response[Readiness]:
    """200 when events can be taken and decisions made, else 503; with an admin key it says what is wrong."""
    found = await services.readiness(scope)
    return Response(found, status_code=200 if found.status == "ready" else 503)


@get(
    "/metrics",
    summary="Figures for Prometheus",
    tags=[TAG_OPERATE],
    opt={"scope": "admin"},
    media_type=PROMETHEUS,
    responses=problems(401, 403),
)
async def metrics(services: NamedDependency[Services]) -> bytes:
    """Counters, histograms and gauges in the text format."""
    return await services.metrics_text()
