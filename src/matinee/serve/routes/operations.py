"""How the server is: alive, ready, and in figures."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from matinee.serve.openapi import TAG_OPERATE, problems
from matinee.serve.schemas import Health, Readiness
from matinee.serve.services import Services

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@get(
    "/healthz", summary="Is the process alive", tags=[TAG_OPERATE], opt={"scope": None}, sync_to_thread=False
)
def healthz() -> Health:
    """The process answers: restart it if this does not."""
    return Health("ok")


@get("/readyz", summary="Can the server do its work", tags=[TAG_OPERATE], opt={"scope": None})
async def readyz(services: NamedDependency[Services]) -> Response[Readiness]:
    """200 when events can be taken and decisions made, else 503; troubles are named in both."""
    found = await services.readiness()
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
