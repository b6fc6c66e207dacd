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
from matinee.serve.schemas import EventsReply, Problem

PATH = "/openapi.json"
EVENTS_PATH = "/v1/events"
TAG_INGEST, TAG_DECIDE, TAG_ADMIN, TAG_OPERATE = "events", "decisions", "members", "operations"
_TAGS = {
    TAG_INGEST: "What members do.",
    TAG_DECIDE: "What they are shown, and why.",
    TAG_ADMIN: "What is kept about them.",
    TAG_OPERATE: "How the server is.",
}
IN_A_PATH = "Percent-encoded from UTF-8 as one segment: a slash is %2F."
EVENTS_TEXT = (
    "A JSON array of events, one event, or one event per line (application/x-ndjson); gzip is welcome. Each "
    "is judged on its own. When the answer comes, accepted events are on disk and count in the next "
    "decision. An event that is sent again under its `event_id` counts once."
)


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
    """Add POST /v1/events, which Litestar does not look into."""
    refs, components = msgspec.json.schema_components(
        [list[Event], Event, EventsReply, Problem], ref_template="#/components/schemas/{name}"
    )
    many, one, reply, _ = refs
    schema["components"]["schemas"] |= components
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    failures = {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem}
        for status in (400, 401, 403, 408, 413, 415, 429, 503)
    }
    operation = {
        "tags": [TAG_INGEST],
        "summary": "Send events",
        "description": EVENTS_TEXT,
        "operationId": "SendEvents",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [many, one]}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
            },
        },
        "parameters": [
            {
                "name": "Content-Encoding",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "enum": ["gzip", "identity"]},
            }
        ],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": reply}}},
            **failures,
        },
    }
    schema["paths"] = {EVENTS_PATH: {"post": operation}, **schema["paths"]}
    return schema


def operations(schema: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """Method and path of everything described."""
    return [(method, path) for path, methods in schema["paths"].items() for method in methods]
