"""Every address of a server that has keys, asked by somebody who shows none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from litestar.types import ASGIApp
from tests.console import door
from tests.console.door import Door

from matinee.console import app

OPEN = {
    ("GET", "/"): 303,
    ("GET", "/console/enter"): 200,
    ("POST", "/console/enter"): 403,  # without the token of a session
    ("POST", "/console/leave"): 403,
    ("POST", "/console/look"): 403,
    ("GET", "/console/static/{version:str}/{file:path}"): 404,
    ("GET", "/artwork/{file:str}"): 404,
    ("GET", "/healthz"): 200,
    ("GET", "/readyz"): 200,
    ("GET", "/openapi.json"): 200,  # a description, the same for every service
}
"""What answers without a key or a session, and how. All else is refused."""


Address = tuple[str, str]
"""Method, and template of a path."""


@dataclass(frozen=True)
class Keyed:
    """A server that has keys, and all its addresses."""

    door: Door
    addresses: list[Address]

    def ask(self, method: str, template: str, **headers: str) -> httpx.Response:
        """Ask as a new visitor."""
        self.door.fresh()
        path = re.sub(r"\{[^}]*\}", "x", template)
        return self.door.http.request(method, path, follow_redirects=False, headers=headers)


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    made: list[Any] = []

    def create(*args: Any) -> ASGIApp:
        made.append(app.create(*args))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "create", create)
        with door.opened(tmp_path_factory.mktemp("doors"), keys=True) as found:
            routes = made[0].app.routes
            known = {(str(m), r.path) for r in routes for m in getattr(r, "methods", ["POST"])}
            yield Keyed(found, sorted(one for one in known if one[0] != "OPTIONS"))


def test_whoever_shows_nothing_gets_nothing(keyed: Keyed) -> None:
    assert {("GET", "/watch"), ("POST", "/watch/events"), ("GET", "/console/preview")} <= {*keyed.addresses}
    for method, template in keyed.addresses:
        reply = keyed.ask(method, template, **{"sec-fetch-mode": "cors"})
        status = OPEN.get((method, template), 401)
        if template == "/readyz":  # a probe, whatever it says
            status = reply.status_code
        assert reply.status_code == status, (method, template, reply.text[:300])


def test_a_browser_is_led_to_the_door_and_to_no_other_place(keyed: Keyed) -> None:
    for method, template in keyed.addresses:
        if template.startswith(("/watch", "/console")) and (method, template) not in OPEN:
            reply = keyed.ask(method, template, accept="text/html")
            assert reply.status_code == 303, (method, template)
            assert reply.headers["location"].startswith("/console/enter?next=%2F"), (method, template)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "QUERY"])
def test_other_methods_do_nothing(keyed: Keyed, method: str) -> None:
    for path in ("/watch", "/watch/act", "/console/enter"):
        assert keyed.ask(method, path).status_code == 405
