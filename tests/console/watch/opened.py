"""A server with its pages, in the process of the test, and a browser without JavaScript."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import uvicorn

from matinee.console.app import create
from matinee.console.config import ConsoleConfig
from matinee.observe.home import Home
from matinee.serve.config import ServeConfig
from matinee.serve.services import Services

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
START_S = 30.0


class Document(HTMLParser):
    """A page, read strictly: every element is closed where it must be, and ids stand once."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"
        ids = [a["id"] for _, a in self.elements if a.get("id")]
        assert len(ids) == len(set(ids)), f"ids stand twice: {sorted(ids)}"
        for _, attributes in self.elements:
            assert "style" not in attributes
            assert not any(name.startswith("on") for name in attributes)
            for name in ("aria-labelledby", "for"):
                for one in (attributes.get(name) or "").split():
                    assert one in ids, f"{name} names {one}, which is not there"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag}: an attribute stands twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Attributes of elements by tag and classes, ids and the like."""
        return [
            a
            for name, a in self.elements
            if name == tag
            and all(
                value in (a.get(key.rstrip("_").replace("_", "-")) or "").split()
                for key, value in wanted.items()
            )
        ]

    @property
    def titles(self) -> list[str]:
        """Title ids of all tiles, in order."""
        return [str(a["data-title"]) for a in self.all("li", class_="tile")]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@dataclass
class Browser:
    """Follows links and sends forms, with cookies."""

    http: httpx.Client
    csrf: str = ""
    last: httpx.Response | None = None

    def get(self, path: str, *, status: int = 200, **headers: str) -> Document:
        self.last = self.http.get(path, headers=headers, follow_redirects=True)
        assert self.last.status_code == status, (self.last.status_code, self.last.text[:3000])
        found = Document(self.last.text)
        tokens = [a["content"] for a in found.all("meta", name="csrf")]
        self.csrf = str(tokens[0]) if tokens else self.csrf
        return found

    def post(self, path: str, *, status: int = 303, **fields: Any) -> httpx.Response:
        self.last = self.http.post(path, data={"csrf": self.csrf, **fields})
        assert self.last.status_code == status, (self.last.status_code, self.last.text[:3000])
        return self.last

    def send(self, *events: dict[str, Any], status: int = 200, **headers: str) -> Any:
        told = {"X-CSRF-Token": self.csrf, "Accept": "application/json", **headers}
        self.last = self.http.post("/watch/events", json=list(events), headers=told)
        assert self.last.status_code == status, (self.last.status_code, self.last.text[:3000])
        return self.last.json()

    def choose(self, member_id: str) -> Document:
        self.get("/watch")
        self.post("/watch/profile", member_id=member_id)
        return self.get("/watch")

    def act(self, act: str, title_id: str, **fields: Any) -> httpx.Response:
        return self.post("/watch/act", act=act, title_id=title_id, **fields)


@dataclass
class Site:
    """A server that runs."""

    address: str
    services: Services
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, member_id: str | None = None) -> Browser:
        client = httpx.Client(base_url=self.address, timeout=30.0)
        self.browsers.append(client)
        found = Browser(client)
        if member_id is not None:
            found.choose(member_id)
        return found


@contextmanager
def site(home: Home, **settings: Any) -> Iterator[Site]:
    """Serve a home on a free port of this machine; patiently, as kernels are compiled at the first page."""
    patient = {"budget_ms": 20_000.0, "artwork_ms": 5_000.0}
    config = ServeConfig(**{"port": 0, "refresh_s": 3600, "log": "text", **patient, **settings})
    services = Services.open(home, config)
    server = uvicorn.Server(
        uvicorn.Config(create(services, ConsoleConfig()), port=0, log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + START_S
    while not server.started:
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    while not services.facts_known(None):
        assert time.monotonic() < end, "the state did not get the members"
        time.sleep(0.01)
    found = Site(f"http://127.0.0.1:{port}", services)
    try:
        yield found
    finally:
        for one in found.browsers:
            one.close()
        server.should_exit = True
        thread.join()


def hidden(html: str, name: str) -> str:
    """Value of a hidden field, the first of its name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, name
    return found[1]
