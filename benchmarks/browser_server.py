"""The decision server with one more page, `/bare?/artwork/x.svg`: a line of text and that image.

It has the headers of /watch.

Run by `serve_host.with_bare_page`, as `uvicorn --factory benchmarks.browser_server:create`.
"""

from __future__ import annotations

from litestar.types import ASGIApp, Receive, Scope, Send

from matinee.console.app import from_environment
from matinee.console.rendering import HEADERS

PATH = "/bare"
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Bare</title><p>One line of text</p>'
    '<img src="%s" width="200" height="300" alt=""></html>'
)


def create() -> ASGIApp:
    """The application of `matinee serve`, behind the page that it is compared with."""
    app = from_environment()
    of_pages = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await app(scope, receive, send)
            return
        body = (PAGE % scope["query_string"].decode()).encode()
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(body))]
        headers += of_pages
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer
