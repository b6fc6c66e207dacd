"""Errors, headers and files of the pages, over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import get
from tests.console.door import Door, opened

from matinee.console import app
from matinee.console.parts import Part
from matinee.console.rendering import POLICY
from matinee.console.visit import AnyRequest


@get("/console/failing", sync_to_thread=False)
def failing(request: AnyRequest) -> str:
    raise RuntimeError(f"secret of {request.url}")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "PARTS", (*app.PARTS, Part((failing,))))
        with opened(tmp_path_factory.mktemp("pages")) as found:
            yield found


def test_a_browser_is_told_in_a_page(door: Door) -> None:
    reply = door.get("/console/nothing", accept="text/html,*/*;q=0.8")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is nothing at this address." in reply.text
    assert reply.headers["x-request-id"] in reply.text


def test_a_program_is_told_in_json(door: Door) -> None:
    reply = door.get("/console/nothing", accept="application/json")
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert reply.json()["status"] == 404
    outside = door.get("/v1/nothing", accept="text/html")
    assert outside.headers["content-type"].startswith("application/problem+json")


def test_what_nobody_foresaw_is_told_without_its_text(door: Door) -> None:
    for accept in ("text/html", "application/json"):
        reply = door.get("/console/failing", accept=accept)
        assert reply.status_code == 500
        assert "secret" not in reply.text
        assert "Traceback" not in reply.text
        assert reply.headers["x-request-id"] in reply.text


def test_a_module_is_told_that_nobody_is_signed_in_and_not_led_to_the_door(door: Door) -> None:
    headers = {"host": "evil.example", "sec-fetch-mode": "cors"}
    assert door.get("/console/style", **headers).status_code == 401
    assert door.get("/console/style", host="evil.example", accept="application/json").status_code == 401
    assert door.get("/console/style", host="evil.example").status_code == 303


def test_addresses_in_messages_are_escaped(door: Door) -> None:
    reply = door.get("/console/enter?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", host="evil.example")
    assert reply.status_code == 200
    assert "<script>alert" not in reply.text


def test_pages_have_strict_headers(door: Door) -> None:
    for path in ("/console/style", "/console/nothing", "/console/failing"):
        headers = door.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "*" not in POLICY


def test_pages_are_packed_for_who_can_unpack(door: Door) -> None:
    packed = door.get("/console/style", **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = door.get("/console/style", **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]


def test_files_are_kept_for_ever_under_the_hash_of_all(door: Door) -> None:
    page = door.get("/console/style").text
    address = next(part for part in page.split('"') if part.endswith("/design.css"))
    reply = door.get(address)
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["content-type"] == "text/css; charset=utf-8"
    assert "set-cookie" not in reply.headers
    assert "--background:" in reply.text
    assert ".button {" in reply.text
    older = door.get("/console/static/000000000000/design.css")
    assert older.text == reply.text
    assert older.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "nothing.css", "../app.py", "..%2fapp.py", "%2e%2e/%2e%2e/settings.py", "/etc/passwd", "//etc/passwd",
        "README.md", "", ".", "tokens.css%00.js", "..\\app.py", "x" * 3_000,
    ],
)  # fmt: skip
def test_nothing_but_the_files_is_served(door: Door, path: str) -> None:
    reply = door.get(f"/console/static/0/{path}")
    assert reply.status_code == 404, reply.text[:200]
    assert "import" not in reply.text


def test_pages_are_not_in_the_description_of_the_api(door: Door) -> None:
    found: dict[str, Any] = door.get("/openapi.json").json()
    assert not [path for path in found["paths"] if path.startswith(("/console", "/watch")) or path == "/"]


def test_the_whole_of_a_packed_file_arrives(door: Door) -> None:
    with door.http.stream(
        "GET", "/console/static/0/design.css", headers={"accept-encoding": "gzip"}
    ) as reply:
        assert reply.headers["content-encoding"] == "gzip"
        raw = b"".join(reply.iter_raw())
    assert gzip.decompress(raw).decode() == door.get("/console/static/0/design.css").text
