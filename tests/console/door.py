"""The server with its pages in this process, with a client that behaves as a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from litestar.testing import TestClient

from matinee.console.app import create
from matinee.console.config import ConsoleConfig
from matinee.console.secret import signing_key
from matinee.console.session import Session, Sessions
from matinee.observe.clock import wall_us
from matinee.observe.home import Home
from matinee.platform.registry.api_keys import ApiKeyRow
from matinee.serve.config import ServeConfig
from matinee.serve.services import Services
from matinee.serve.tokens import Token

ADDRESS = "http://127.0.0.1"
_TOKEN = re.compile(r'<meta name="csrf" content="([^"]+)">')


@dataclass
class Door:
    """A server in this process."""

    services: Services
    http: TestClient[Any]

    @property
    def sessions(self) -> Sessions:
        """What signs its cookies."""
        config = ConsoleConfig()
        return Sessions(signing_key(self.services.home), config.session_h, config.session_most_h)

    def key(self, *scopes: str) -> str:
        """Make a key, at once known."""
        token = Token.make()
        row = ApiKeyRow(
            key_id=token.key_id,
            name=f"key{token.key_id}",
            secret_hash=token.hash,
            scopes=scopes,
            rate=100.0,
            created_us=wall_us(),
        )
        self.services.registry.api_keys.create(row)
        self.services.admission.keys.load()
        return token.text

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a page, and do not follow."""
        return self.http.get(path, headers=headers, follow_redirects=False)

    def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form, and do not follow."""
        return self.http.post(path, data=form, headers=headers, follow_redirects=False)

    def token(self, path: str = "/console/nothing") -> str:
        """The CSRF token that stands in a page."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"{path} has no token"
        return found[1]

    def fresh(self) -> None:
        """A browser without cookies."""
        self.http.cookies.clear()

    def wear(self, session: Session) -> None:
        """Come with this session."""
        self.fresh()
        self.http.cookies.set(self.sessions.name, self.sessions.cookie(session))


@contextmanager
def opened(folder: Path, config: ConsoleConfig | None = None, *, keys: bool = False) -> Iterator[Door]:
    """A server on an empty home; with `keys` one that needs them."""
    home = Home.create(folder / "home")
    home.settings.write_text("", encoding="utf-8")
    services = Services.open(home, ServeConfig(refresh_s=3600, compact_s=3600, budget_ms=20_000))
    with TestClient(create(services, config), base_url=ADDRESS) as http:
        door = Door(services, http)
        if keys:
            door.key("decide")
        yield door
