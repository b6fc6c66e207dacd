from __future__ import annotations

import asyncio
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
from litestar import Litestar, Request, delete, get
from litestar.params import FromPath, FromQuery
from litestar.types import ASGIApp

from matinee.serve.front import Front
from matinee.serve.paths import restore_path
from matinee.serve.problems import respond

MEASURED: list[str] = []


@get("/v1/members/{member_id:str}/homepage", sync_to_thread=False)
def page(member_id: FromPath[str], request: Request[Any, Any, Any], rows: FromQuery[int] = 6) -> list[str]:
    return [member_id, request.scope["path"]]


@delete("/v1/members/{member_id:str}", status_code=200, sync_to_thread=False)
def forget(member_id: FromPath[str]) -> list[str]:
    return [member_id]


@get("/watch/title/{title_id:path}", sync_to_thread=False)
def title(title_id: FromPath[str]) -> list[str]:
    return [title_id]


async def restored(request: Request[Any, Any, Any]) -> None:
    restore_path(request.scope)


APP = Front(
    cast(
        ASGIApp,
        Litestar(
            [page, forget, title],
            before_request=restored,
            exception_handlers={Exception: respond},
            openapi_config=None,
            logging_config=None,
        ),
    ),
    lambda route, _status, _s: MEASURED.append(route),
)


def ask(path: str, method: str = "GET") -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=APP)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path)

    return asyncio.run(go())


@pytest.mark.parametrize(
    "member_id",
    [
        *("m1", "a/b", "/", "//", "a/", "/a", "a/b/homepage", "homepage"),
        *("a%2Fb", "a%2Fb/c", "%", "%25", "%25/", "%2f", "a%252Fb/"),
        *(" a/b ", "äöü/ß", "日/" * 128, "\U0001f600/", "\ufffd", "\ufffd/\uffff"),
        *("..", "../..", ".", "?", "a?b/c", "#", "a#b/", "a+b&c=d;e/"),
    ],
)
def test_an_id_in_a_path_is_the_one_that_was_encoded(member_id: str) -> None:
    segment = quote(member_id, safe="").replace(".", "%2E")  # the client would resolve ".."
    address = f"/v1/members/{segment}/homepage"
    assert ask(address).json() == [member_id, f"/v1/members/{member_id}/homepage"]
    assert ask(address.replace("%2F", "%2f")).json()[0] == member_id
    assert ask(f"/v1/members/{segment}", "DELETE").json() == [member_id]
    assert ask(f"{address}?rows=many").status_code == 400
    assert ask(f"{address}/more").status_code == 404
    assert ask(address, "PUT").status_code == 405


def test_a_slash_that_is_not_encoded_parts_segments() -> None:
    assert ask("/v1/members/a/b/homepage").status_code == 404
    assert ask("/v1/members/a/b", "DELETE").status_code == 404
    assert ask("/watch/title/a%2Fb").json() == ask("/watch/title/a/b").json() == ["/a/b"]


def test_what_is_measured_names_nobody() -> None:
    MEASURED.clear()
    for path in ("/v1/members/a%2Fb/homepage", "/v1/members/a%2Fb", "/v1/members/a%2Fb/nothing"):
        ask(path, "DELETE")
    assert MEASURED == ["unknown", "/v1/members/{member_id}", "unknown"]


@pytest.mark.parametrize("segment", ["M%FCller", "%FF%2F", "%ED%B0%AF"])
def test_an_id_that_is_not_utf8_is_refused(segment: str) -> None:
    for reply in (ask(f"/v1/members/{segment}", "DELETE"), ask(f"/v1/members/{segment}/homepage")):
        assert reply.status_code == 400
        assert "is not UTF-8, expected ids whose UTF-8 is percent-encoded" in reply.json()["detail"]


def test_an_empty_id_is_told() -> None:
    reply = ask("/v1/members//homepage")
    assert (reply.status_code, reply.headers["content-type"]) == (405, "application/problem+json")
    assert "No id is empty" in reply.json()["detail"]
    assert ask("/v1/members/", "DELETE").status_code == 404
