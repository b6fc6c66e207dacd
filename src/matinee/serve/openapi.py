"""The description of the routes (OpenAPI 3.1): what Litestar finds in the handlers, and the events."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request
from litestar.enums import OpenAPIMediaType
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from matinee import __version__
from matinee.observe.events.schema import Event
from matinee.serve.problems import MEDIA_TYPE
from matinee.serve.schemas import Problem

PATH = "/openapi.json"
EVENTS_PATH = "/v1/events"
TAG_INGEST, TAG_DECIDE, TAG_ADMIN, TAG_OPERATE = "events", "decisions", "members", "operations"
_TAGS = {
    TAG_INGEST: "What members do.",
    TAG_DECIDE: "What they are shown, and why.",
    TAG_ADMIN: "What is kept about them.",
    TAG_OPERATE: "How the server is.",
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Descriptions of the errors of a route."""
    return {
        status: ResponseSpec(
            data_container=Problem,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status in statuses
    }


class Description(OpenAPIRenderPlugin):
    """Serves the description as JSON, with the events that Litestar cannot see in the handler."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The description; made once."""
        del request
        if self._made is None:
            self._made = msgspec.json.encode(completed(openapi_schema))
        return self._made


def config() -> OpenAPIConfig:
    """What Litestar is told."""
    bearer = SecurityScheme(type="http", scheme="bearer", description="A key made by `matinee key create`.")
    return OpenAPIConfig(
        title="Matinee",
        version=__version__,
        summary="Events in, decisions out.",
        path=PATH,
        render_plugins=[Description()],
        components=Components(security_schemes={"key": bearer}),
        security=[{"key": []}, {}],
        tags=[Tag(name, text) for name, text in _TAGS.items()],
        use_handler_docstrings=True,
    )


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the body of POST /v1/events: a list, a single event, or one per line; gzip too."""
    refs, components = msgspec.json.schema_components(
        [list[Event], Event], ref_template="#/components/schemas/{name}"
    )
    many, one = refs
    schema["components"]["schemas"] |= components
    operation = schema["paths"][EVENTS_PATH]["post"]
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [many, one]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One event per line."}},
        },
    }
    operation.setdefault("parameters", []).append(
        {
            "name": "Content-Encoding",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "enum": ["gzip", "identity"]},
        }
    )
    return schema


def operations(schema: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """Method and path of everything described."""
    return [(method, path) for path, methods in schema["paths"].items() for method in methods]
