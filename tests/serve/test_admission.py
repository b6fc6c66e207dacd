"""Admission, headers and the log together, in an application like the server's: what gets in and out."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get, post
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ASGIApp

from matinee.errors import StorageError
from matinee.platform.registry.api_keys import ApiKeyRow
from matinee.serve.admission import Admission
from matinee.serve.front import Front
from matinee.serve.keys import Keys
from matinee.serve.limits import STRANGER_BURST
from matinee.serve.logging import set_up
from matinee.serve.problems import problem, respond
from matinee.serve.tokens import Token

MEMBER = "member-4711-anna"


class Store:
    """Keys without a registry."""

    def __init__(self, rows: list[ApiKeyRow]) -> None:
        self.rows = rows

    def all(self) -> list[ApiKeyRow]:
        return self.rows

    def used(self, days: dict[str, int]) -> None:
        """Not kept."""


@get("/v1/members/{member_id:str}/homepage", opt={"scope": "decide"}, sync_to_thread=False)
def homepage(request: Request[Any, Any, Any]) -> dict[str, str]:
    member_id = request.path_params["member_id"]
    if member_id.endswith("!"):
        try:
            raise KeyError(member_id)
        except KeyError as problem:
            raise RuntimeError(f"no page for {member_id}") from problem
    return {"member": member_id}


@post("/v1/events", opt={"scope": "ingest"}, status_code=200)
async def events(request: Request[Any, Any, Any]) -> int:
    return len(await request.body())


@get("/healthz", opt={"scope": None}, sync_to_thread=False)
def healthz() -> str:
    return "ok"


class Client:
    """Asks an application without a server between."""

    def __init__(self, app: ASGIApp) -> None:
        self.transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="http://server") as http:
                return await http.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


@pytest.fixture
def keys() -> tuple[list[ApiKeyRow], Token]:
    token = Token.make()
    row = ApiKeyRow(
        key_id=token.key_id, name="app", secret_hash=token.hash, scopes=["decide"], rate=20.0, created_us=0
    )
    return [row], token


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = set_up("json", stream=stream)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def client(keys: tuple[list[ApiKeyRow], Token], log: io.StringIO) -> Client:
    found = Keys(Store(keys[0]), "0.0.0.0")  # type: ignore[arg-type]
    found.load()
    admission = Admission(found)

    def admit(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        admission.admit(connection.scope, handler.opt["scope"])

    app = Litestar(
        [homepage, events, healthz], exception_handlers={Exception: respond}, guards=[admit],
        logging_config=None, openapi_config=None,
    )  # fmt: skip
    return Client(Front(app))


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    for handler in logging.getLogger().handlers:
        handler.flush()  # lines of requests are written together
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_one_line_per_request(client: Any, keys: Any, log: io.StringIO) -> None:
    token = keys[1]
    reply = client.get(
        f"/v1/members/{MEMBER}/homepage?territory=AT", headers={"Authorization": f"Bearer {token.text}"}
    )
    assert reply.status_code == 200
    (line,) = lines(log)
    assert line["time"].endswith("Z")
    assert line["ms"] > 0
    told = {name: line[name] for name in ("level", "method", "route", "status", "request_id", "key_id")}
    assert told == {
        "level": "info", "method": "GET", "route": "/v1/members/{member_id}/homepage", "status": 200,
        "request_id": reply.headers["x-request-id"], "key_id": token.key_id,
    }  # fmt: skip


def test_nothing_about_people_and_no_secret_is_in_the_log(client: Any, keys: Any, log: io.StringIO) -> None:
    token = keys[1]
    good = {"Authorization": f"Bearer {token.text}"}
    guess = Token.make().text
    secrets = [MEMBER, token.secret, guess, "the-query", "the-body"]
    everywhere = {**good, "X-Request-Id": MEMBER, "Referer": MEMBER, "User-Agent": MEMBER, "Cookie": MEMBER}
    page = f"/v1/members/{MEMBER}/homepage"
    for path in (page, f"{page}!", f"{page}/{MEMBER}", f"/{MEMBER}", f"/v1/members/{MEMBER}!/homepage"):
        for headers in (
            good,
            everywhere,
            {},
            {"Authorization": f"Bearer {guess}"},
            {"Authorization": MEMBER},
        ):
            client.get(f"{path}?device=the-query&key={token.text}", headers=headers)
    client.post("/v1/events", content=f"the-body {MEMBER}", headers=everywhere)
    client.request(MEMBER.upper().replace("-", ""), page, headers=good)
    logging.getLogger("uvicorn.access").info("%s", page)
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task %s>", MEMBER)
    text = log.getvalue()
    assert len(lines(log)) > 25
    for secret in [*secrets, MEMBER.upper(), MEMBER.upper().replace("-", "")]:
        assert secret not in text, secret


def test_an_unforeseen_error_is_traced_in_the_log_and_not_in_the_reply(
    client: Any, keys: Any, log: io.StringIO
) -> None:
    reply = client.get(f"/v1/members/{MEMBER}!/homepage", headers={"Authorization": f"Bearer {keys[1].text}"})
    assert reply.status_code == 500
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    for word in ("Traceback", "RuntimeError", "KeyError", "test_admission.py", MEMBER):
        assert word not in reply.text
    trace, request = lines(log)
    assert trace["request_id"] == request["request_id"] == reply.headers["x-request-id"]
    assert [one["error"] for one in trace["errors"]] == ["RuntimeError", "KeyError"]
    assert trace["errors"][0]["places"][-1].endswith(" homepage")
    assert (request["level"], request["status"]) == ("error", 500)


def test_messages_of_exceptions_are_told_at_debug_only(client: Any, keys: Any) -> None:
    for level, told in (("info", False), ("debug", True)):
        for form in ("json", "text"):
            stream = io.StringIO()
            handler = set_up(form, level, stream=stream)  # type: ignore[arg-type]
            client.get(f"/v1/members/{MEMBER}!/homepage", headers={"Authorization": f"Bearer {keys[1].text}"})
            logging.getLogger().removeHandler(handler)
            assert (f"no page for {MEMBER}" in stream.getvalue()) is told
            assert "RuntimeError" in stream.getvalue()
            assert "GET /v1/members/{member_id}/homepage 500" in stream.getvalue() or form == "json"


def test_replies_have_strict_headers_and_an_id(client: Any, log: io.StringIO) -> None:
    for path in ("/healthz", "/v1/members/m1/homepage", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert len(headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("5f1d7f0e2a9b4c3d8e7f6a5b4c3d2e1f", True),
        ("5f1d7f0e-2a9b-4c3d-8e7f-6a5b4c3d2e1f", True),
        ("anna", False),
        ("1234567", False),
        ("a" * 65, False),
        ("5f1d7f0e\n5f1d7f0e", False),
    ],
)
def test_a_request_id_is_taken_over_if_it_is_safe(client: Any, given: str, taken: bool) -> None:
    reply = client.get("/healthz", headers={b"X-Request-Id": given.encode()})
    assert (reply.headers["x-request-id"] == given) is taken


def test_keys_scopes_and_rates_decide(client: Any, keys: Any) -> None:
    headers = {"Authorization": f"Bearer {keys[1].text}"}
    assert client.get("/healthz").status_code == 200
    told = client.get("/v1/members/m1/homepage")
    assert (told.status_code, told.headers["www-authenticate"]) == (401, 'Bearer realm="matinee"')
    assert told.headers["content-type"] == "application/problem+json"
    assert client.post("/v1/events", content=b"", headers=headers).status_code == 403
    replies = [client.get("/v1/members/m1/homepage", headers=headers) for _ in range(60)]
    statuses = {reply.status_code for reply in replies}
    assert statuses == {200, 429}
    late = next(reply for reply in replies if reply.status_code == 429)
    assert late.headers["retry-after"] == "1"
    assert "more than 20 requests per second" in late.json()["detail"]


def test_guesses_are_slowed_down_and_valid_keys_are_not(client: Any, keys: Any) -> None:
    def guess() -> Any:
        return client.get("/v1/members/m1/homepage", headers={"Authorization": f"Bearer {Token.make().text}"})

    statuses = [guess().status_code for _ in range(STRANGER_BURST + 20)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert "retry-after" in guess().headers
    good = {"Authorization": f"Bearer {keys[1].text}"}
    assert client.get("/v1/members/m1/homepage", headers=good).status_code == 200


def test_the_form_follows_the_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, starts in ((Terminal(), "warning"), (io.StringIO(), "{")):
        handler = set_up("auto", stream=stream)
        logging.getLogger("matinee.serve").warning("hello")
        logging.getLogger().removeHandler(handler)
        assert starts in stream.getvalue()
        assert "hello" in stream.getvalue()


def test_a_reply_does_not_tell_where_things_lie() -> None:
    for text, told in (
        ("/srv/shop/log/1-a.ndjson: could not be written.", "1-a.ndjson: could not be written."),
        ("[serve] state redis://:pw@10.0.0.5:6379/0 is gone.", "[serve] state redis: is gone."),
        ("Look at /readyz, ask DELETE /v1/members/{id}.", "Look at /readyz, ask DELETE /v1/members/{id}."),
    ):
        status, _, body = problem({"state": {}}, StorageError(text))  # type: ignore[typeddict-item]
        assert (status, json.loads(body)["detail"]) == (503, told)
