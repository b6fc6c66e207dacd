"""Files of images from memory: those that were given out before, are cleared now, and asked for as usual."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from matinee.serve.files_kept import LARGEST, FilesKept, KeptFile
from matinee.serve.front import Reply
from matinee.serve.routes.artwork import PATH, ArtworkGiving

WITHDRAWN = {"gone.svg"}


def ask(path: str, query: bytes = b"") -> tuple[Reply | None, Any]:
    artwork = SimpleNamespace(shows=lambda name, at_us: name not in WITHDRAWN)
    giving = ArtworkGiving(SimpleNamespace(artwork=artwork, clock=SimpleNamespace(now_us=1)))  # type: ignore[arg-type]
    for name, width in (("a.svg", None), ("a.svg", 320), ("gone.svg", None)):
        giving.kept.put((name, width), KeptFile(f"{name} {width}".encode(), "image/svg+xml"))
    scope: Any = {"path": path, "query_string": query}

    async def nothing() -> Any:
        raise AssertionError("a GET has no body")

    return asyncio.run(giving(scope, nothing)), scope


@pytest.mark.parametrize(("query", "data"), [(b"", b"a.svg None"), (b"width=320", b"a.svg 320")])
def test_what_is_kept_and_cleared_is_answered(query: bytes, data: bytes) -> None:
    reply, scope = ask("/artwork/a.svg", query)
    assert reply is not None
    status, headers, body = reply
    assert (status, body, scope["path_template"]) == (200, data, PATH)
    assert dict(headers)[b"content-type"] == b"image/svg+xml"
    assert dict(headers)[b"content-security-policy"].startswith(b"default-src 'none'")
    assert b"immutable" in dict(headers)[b"cache-control"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/artwork/gone.svg", b""),
        ("/artwork/other.svg", b""),
        ("/artwork/a.svg/", b""),
        ("/artwork/a.svg", b"width=160"),
        ("/artwork/a.svg", b"width=321"),
        ("/artwork/a.svg", b"width=320&width=160"),
        ("/artwork/", b""),
    ],
)
def test_all_else_is_left_to_the_route(path: str, query: bytes) -> None:
    reply, scope = ask(path, query)
    assert reply is None
    assert "path_template" not in scope


def test_what_was_asked_for_last_is_kept_and_large_files_never() -> None:
    kept = FilesKept(most_bytes=2 * LARGEST)
    half = KeptFile(bytes(LARGEST), "image/png")
    kept.put(("a", None), half)
    kept.put(("b", None), half)
    assert kept.get(("a", None)) is half
    kept.put(("b", None), half)  # again: counted once
    kept.put(("large", None), KeptFile(bytes(LARGEST + 1), "image/png"))
    assert kept.get(("a", None)) is half
    kept.put(("c", 160), half)
    found = [kept.get(key) is not None for key in (("a", None), ("b", None), ("c", 160), ("large", None))]
    assert found == [True, False, True, False]
