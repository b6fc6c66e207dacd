"""What `serve_ingest.py` compares with: an endpoint that appends the bytes of a request and syncs in groups.

    python benchmarks/serve_ingest_bare.py FILE PORT [starlette|asgi]

Nothing is decoded, checked, told from duplicates or kept as state. Run by an interpreter that has uvicorn,
and Starlette for the first of the two. Requests are answered when a group is on disk; one thread writes, all
that waits is a group, and the event loop is woken once for it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

REPLY = b'{"accepted":20,"duplicate":0,"rejected":[]}'
Waiting = tuple[bytes, "asyncio.Future[None]", asyncio.AbstractEventLoop]


class GroupWriter:
    """Appends to a file; a future is done when its bytes are on disk."""

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.queue: SimpleQueue[Waiting] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def append(self, data: bytes) -> asyncio.Future[None]:
        """Hand bytes over."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.queue.put((data, future, loop))
        return future

    def _run(self) -> None:
        while True:
            group = [self.queue.get()]
            while not self.queue.empty():
                group.append(self.queue.get_nowait())
            os.write(self.handle, b"".join(data + b"\n" for data, _, _ in group))
            os.fdatasync(self.handle)
            group[0][2].call_soon_threadsafe(_answer, [future for _, future, _ in group])


def _answer(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def starlette_app(writer: GroupWriter) -> Any:
    """The endpoint in Starlette."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def events(request: Request) -> Response:
        await writer.append(await request.body())
        return Response(REPLY, media_type="application/json")

    return Starlette(routes=[Route("/v1/events", events, methods=["POST"])])


def asgi_app(writer: GroupWriter) -> Any:
    """The endpoint without a framework: no routing, no request object."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(REPLY)).encode())]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await writer.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": REPLY})

    return app


def main(path: str, port: str, kind: str = "starlette") -> None:
    """Serve until the process is ended."""
    import uvicorn

    writer = GroupWriter(Path(path))
    app = starlette_app(writer) if kind == "starlette" else asgi_app(writer)
    uvicorn.run(app, port=int(port), lifespan="off", access_log=False, log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
