"""A server that answers as the decision server does, as far as the world looks at it; without a model."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, Any, dict[str, str]]


@dataclass
class Fake:
    """What it says, and what it was sent.

    Attributes
    ----------
    at : str
        What time it is for it.
    page : callable
        Rows of a member's page: list of lists of title ids.
    before : callable
        Asked first with the method and the path; a status and headers end the request with them.
    """

    at: str = "2025-01-01T00:00:00Z"
    page: Callable[[str], list[list[str]]] = lambda _member: [["t00001", "t00002"], ["t00003"]]
    before: Callable[[str, str], tuple[int, dict[str, str]] | None] = lambda _method, _path: None
    reject: bool = False
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    queries: list[dict[str, list[str]]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Status, body and headers."""
        said = self.before(method, path)
        if said is not None:
            return said[0], {"detail": f"status {said[0]} it is"}, said[1]
        route = urlsplit(path)
        if route.path == "/readyz":
            return 200, {"status": "ready", "at": self.at}, {}
        if route.path == "/v1/events":
            return 200, self._take(json.loads(body)), {}
        member = route.path.split("/")[3]
        self.asked.append(member)
        self.queries.append(parse_qs(route.query))
        rows = [
            {"row": r, "kind": "k", "tiles": [{"col": c, "title_id": t} for c, t in enumerate(row, 1)]}
            for r, row in enumerate(self.page(member), 1)
        ]
        return (
            200,
            {"decision_id": f"d-{member}-{self.at}", "at": self.at, "rows": rows, "fallback": True},
            {},
        )

    def _take(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        if self.reject:
            return {"accepted": 0, "duplicate": 0, "rejected": [{"index": 0, "error": "play e: no good"}]}
        new = [one for one in events if one["event_id"] not in self.events]
        self.events |= {one["event_id"]: one for one in new}
        return {"accepted": len(new), "duplicate": len(events) - len(new), "rejected": []}


@contextmanager
def served(fake: Fake) -> Iterator[str]:
    """Its address while it runs, on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._do("GET")

        def do_POST(self) -> None:
            self._do("POST")

        def _do(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake.keys.add(self.headers.get("Authorization"))
            status, said, headers = fake.answer(method, self.path, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
