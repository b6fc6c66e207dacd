from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from typing import Any

import httpx
import pytest
from litestar.types import Receive, Scope

from matinee.serve.deadlines import Deadlines
from matinee.serve.front import Front, Reply
from matinee.serve.headers import complete
from matinee.serve.incoming import Body, Incoming
from matinee.serve.logging import set_up
from matinee.serve.problems import ProblemError


async def framework(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 203, "headers": [(b"Server", b"x")]})
    await send({"type": "http.response.body", "body": b"framework", "more_body": False})


def ask(front: Front, method: str, path: str) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=front)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path)

    return asyncio.run(go())


def test_what_is_answered_directly_is_like_any_other_reply() -> None:
    measured: list[tuple[str, int]] = []

    async def good(scope: Scope, receive: Receive) -> Reply:
        return 200, [(b"content-type", b"text/plain")], b"direct"

    async def bad(scope: Scope, receive: Receive) -> Reply:
        raise ProblemError(429, "too many", headers={"Retry-After": "3"})

    async def broken(scope: Scope, receive: Receive) -> Reply:
        raise RuntimeError("secret")

    direct = {("POST", "/good"): good, ("POST", "/bad"): bad, ("POST", "/broken"): broken}
    front = Front(framework, lambda route, status, _s: measured.append((route, status)), direct)
    replies = [ask(front, "POST", path) for path in ("/good", "/bad", "/broken")]
    assert [reply.status_code for reply in replies] == [200, 429, 500]
    assert replies[0].text == "direct"
    assert replies[1].headers["retry-after"] == "3"
    assert replies[1].headers["content-type"] == "application/problem+json"
    assert replies[1].json()["request_id"] == replies[1].headers["x-request-id"]
    assert "secret" not in replies[2].text
    other = ask(front, "GET", "/good")
    assert (other.status_code, other.text) == (203, "framework")
    assert "server" not in other.headers
    for reply in [*replies, other]:
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-frame-options"] == "DENY"
        assert len(reply.headers["x-request-id"]) == 32
    assert measured == [("/good", 200), ("/bad", 429), ("/broken", 500), ("unknown", 203)]


def test_what_lies_below_a_path_is_answered_directly_or_left_to_the_framework() -> None:
    asked: list[str] = []

    async def below(scope: Scope, receive: Receive) -> Reply | None:
        asked.append(scope["path"])
        if scope["path"] != "/files/mine":
            return None
        scope["path_template"] = "/files/{file}"
        return 200, [(b"content-type", b"text/plain")], b"direct"

    measured: list[tuple[str, int]] = []
    direct = {("GET", "/files/"): below}
    front = Front(framework, lambda route, status, _s: measured.append((route, status)), direct)
    found = [ask(front, "GET", path).text for path in ("/files/mine", "/files/a/b", "/files", "/other/mine")]
    assert found == ["direct", "framework", "framework", "framework"]
    assert ask(front, "POST", "/files/mine").text == "framework"
    assert asked == ["/files/mine", "/files/a/b"]
    assert measured == [("/files/{file}", 200), *[("unknown", 203)] * 4]


@pytest.mark.parametrize("given", [[], [(b"content-type", b"a"), (b"content-length", b"0")]])
def test_headers_that_are_set_stay(given: list[tuple[bytes, bytes]]) -> None:
    own = (b"Cache-Control", b"max-age=9")
    found = complete([*given, own], "0" * 32)
    assert found[: len(given) + 1] == [*given, own]
    assert [value for name, value in found if name.lower() == b"cache-control"] == [b"max-age=9"]
    plain = complete(given, "0" * 32)
    assert dict(plain)[b"cache-control"] == b"no-store"
    assert len(plain) == len({name for name, _ in plain})


def test_lines_of_requests_are_written_together_and_soon() -> None:
    stream = io.StringIO()
    handler = set_up("json", stream=stream)
    try:
        front = Front(framework)
        ask(front, "GET", "/a")
        assert stream.getvalue() == ""
        until = time.monotonic() + 10
        while not stream.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
        ask(front, "BREW", "/b")
        logging.getLogger("matinee.serve").warning("now")
        first, second, last = (json.loads(line) for line in stream.getvalue().splitlines())
        assert (first["method"], first["status"], first["route"]) == ("GET", 203, "unknown")
        assert (second["method"], second["key_id"]) == ("other", None)
        assert last["message"] == "now"
        ask(front, "GET", "/c")
        handler.close()
        assert len(stream.getvalue().splitlines()) == 4
    finally:
        logging.getLogger().removeHandler(handler)


def test_one_who_is_late_is_told_and_others_are_not() -> None:
    async def main() -> list[str]:
        deadlines = Deadlines(0.05)

        async def stay(seconds: float) -> str:
            try:
                with deadlines:
                    await asyncio.sleep(seconds)
            except TimeoutError:
                return "late"
            await asyncio.sleep(0)
            return "in time"

        found = await asyncio.gather(stay(5), stay(0), stay(0.01), stay(6))
        again = await stay(5)
        outside = asyncio.create_task(stay(5))
        await asyncio.sleep(0.01)
        outside.cancel()
        ended = await asyncio.gather(outside, return_exceptions=True)
        return [*found, again, type(ended[0]).__name__]

    assert asyncio.run(main()) == ["late", "in time", "in time", "late", "late", "CancelledError"]


def sends(parts: list[bytes], *, more: bool = False, wait_s: float = 0.0) -> Receive:
    left = list(parts)

    async def receive() -> Any:
        await asyncio.sleep(wait_s)
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": more or bool(left)}

    return receive


async def read(body: Body) -> int:
    size = 0
    while True:
        message = await body()
        size += len(message["body"])  # type: ignore[typeddict-item]
        if not message["more_body"]:  # type: ignore[typeddict-item]
            return size


def test_bodies_have_a_bound_together_until_they_are_answered() -> None:
    incoming = Incoming(most_bytes=100)

    async def main() -> None:
        first = Body(incoming, sends([b"x" * 60, b"x" * 60]))  # alone, it has room
        assert await read(first) == 120
        second = Body(incoming, sends([b"x"]))
        with pytest.raises(ProblemError, match="120 bytes of requests are held") as caught:
            await read(second)
        assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
        second.release()
        first.release()
        assert incoming.n_bytes == 0
        half = Body(incoming, sends([b"x" * 50, b""], more=True))
        await half()
        assert await read(Body(incoming, sends([b"x" * 50]))) == 50
        assert incoming.n_bytes == 100
        assert await read(Body(incoming, sends([b""]))) == 0

    asyncio.run(main())


@pytest.mark.parametrize("wait_s", [10.0, 0.02])
def test_a_body_that_is_slow_or_dribbles_in_is_refused(wait_s: float) -> None:
    async def main() -> None:
        body = Body(Incoming(limit_s=0.1), sends([b"x"] * 100, wait_s=wait_s))
        with pytest.raises(ProblemError, match=r"did not arrive within 0\.1 s") as caught:
            await read(body)
        assert caught.value.status == 408

    asyncio.run(main())


def test_the_bounds_hold_for_every_route_and_are_given_back() -> None:
    incoming, held = Incoming(most_bytes=10), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        held.append((len((await receive())["body"]), incoming.n_bytes))
        await framework(scope, receive, send)

    async def direct(scope: Scope, receive: Receive) -> Reply:
        held.append((len((await receive())["body"]), incoming.n_bytes))  # type: ignore[typeddict-item]
        if scope["method"] == "PUT":  # type: ignore[typeddict-item]
            raise RuntimeError
        return 200, [], b""

    async def go(front: Front) -> None:
        transport = httpx.ASGITransport(app=front)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            for method in ("POST", "PUT", "PATCH"):
                await client.request(method, "/a", content=b"12345678")
                assert incoming.n_bytes == 0

    asyncio.run(go(Front(app, None, {("POST", "/a"): direct, ("PUT", "/a"): direct}, incoming)))
    assert held == [(8, 8)] * 3
