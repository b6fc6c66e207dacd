"""Clients that go on while a test breaks something: what they sent, were promised, and got."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from killing import MEMBERS, Found, event
from running import Running

from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.observe.state.store import StateStore

BATCH = 5
PAUSE_S = 0.03
"""Between two requests of a client: the machine is to be busy, not choked."""


class Client(threading.Thread):
    """Asks again and again on one connection until it is told to stop.

    Attributes
    ----------
    statuses : Counter of int
        Replies by status; 0 where the connection broke.
    slowest_s : float
    """

    def __init__(self, server: Running, ask: Callable[[httpx.Client, int], httpx.Response]) -> None:
        super().__init__(daemon=True)
        self.address, self.ask = server.address, ask
        self.headers: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.bad: list[str] = []
        self.slowest_s = 0.0
        self.failure: BaseException | None = None
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            with httpx.Client(base_url=self.address, headers=self.headers, timeout=60.0) as http:
                for number in range(1_000_000):
                    if self.stopping.wait(PAUSE_S):
                        return
                    began = time.monotonic()
                    try:
                        reply = self.ask(http, number)
                    except httpx.ConnectError:
                        return  # nobody listens any more
                    except httpx.TransportError as problem:
                        self.statuses[0] += 1
                        self.bad.append(repr(problem))
                        continue
                    self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                    self.statuses[reply.status_code] += 1
                    if reply.status_code >= 300:
                        self.bad.append(f"{reply.status_code} {reply.text[:300]}")
        except BaseException as problem:
            self.failure = problem


class Events(Client):
    """Sends batches of events; `acknowledged` are those that the server promised to keep."""

    def __init__(self, server: Running, label: str) -> None:
        super().__init__(server, self._send)
        self.label = label
        self.sent: list[str] = []
        self.acknowledged: list[str] = []

    def _send(self, http: httpx.Client, number: int) -> httpx.Response:
        names = [f"{self.label}-{number}-{k}" for k in range(BATCH)]
        self.sent += names
        reply = http.post(
            "/v1/events", json=[event(name, BATCH * number + k) for k, name in enumerate(names)]
        )
        if reply.status_code == 200:
            assert reply.json()["accepted"] == BATCH, reply.text
            self.acknowledged += names
        return reply


class Pages(Client):
    """Asks for pages of members in turn; `pages` is what came."""

    def __init__(self, server: Running, members: Sequence[str]) -> None:
        super().__init__(server, self._page)
        self.members = members
        self.pages: list[Any] = []

    def _page(self, http: httpx.Client, number: int) -> httpx.Response:
        reply = http.get(f"/v1/members/{self.members[number % len(self.members)]}/homepage")
        if reply.status_code == 200:
            self.pages.append(reply.json())
        return reply


class Decisions(Client):
    """Asks an initiative about many units; `answers` is what came."""

    def __init__(self, server: Running, initiative: str, **context: Any) -> None:
        super().__init__(server, self._decide)
        self.initiative, self.context = initiative, context
        self.answers: list[Any] = []

    def _decide(self, http: httpx.Client, number: int) -> httpx.Response:
        body = {"unit_id": f"u{number}", "context": self.context}
        reply = http.post(f"/v1/decisions/{self.initiative}", json=body)
        if reply.status_code == 200:
            self.answers.append(reply.json())
        return reply

    @property
    def versions(self) -> list[str]:
        """Versions in the order in which they answered, each change once."""
        seen = [answer["model"] for answer in self.answers]
        return [one for n, one in enumerate(seen) if n == 0 or seen[n - 1] != one]


@contextmanager
def asking(*clients: Client) -> Iterator[None]:
    """Let clients ask; stopped at the end. What failed in one of them fails the test."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(90)
    for client in clients:
        if client.failure is not None:
            raise client.failure


def until(true: Callable[[], bool], what: str, patience_s: float = 60.0) -> float:
    """Wait; returns the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + patience_s, f"it did not come to that in time: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def in_order(server: Running) -> bool:
    """Whether the state is reachable and lacks nothing, told over several connections: of any process."""
    found = [httpx.get(f"{server.address}/readyz", timeout=30).json()["state"] for _ in range(6)]
    return set(found) == {"ok"}


def compare(home: Home, store: StateStore, clients: Sequence[Events]) -> tuple[int, int]:
    """Nothing acknowledged is lost or doubled, in lake and log and in the state; acknowledged and sent."""
    found = Found()
    with connect() as con:
        open_events(con, home, "plays")
        rows = con.execute("SELECT event_id, count(*) FROM plays GROUP BY event_id").fetchall()
        found.logged.update({str(event_id): n for event_id, n in rows})
    for number in range(MEMBERS):
        record = store.record(f"m{number}")
        found.state.update([play.title_id for play in record.plays] + record.older)
    acknowledged = [name for client in clients for name in client.acknowledged]
    sent = [name for client in clients for name in client.sent]
    lost = [name for name in acknowledged if not found.logged[f"e-{name}"]]
    missing = [name for name in acknowledged if not found.state[f"t-{name}"]]
    doubled = [name for name in sent if found.logged[f"e-{name}"] > 1 or found.state[f"t-{name}"] > 1]
    assert not lost, (len(lost), lost[:5])
    assert not missing, (len(missing), missing[:5])
    assert not doubled, (len(doubled), doubled[:5])
    assert acknowledged
    return len(acknowledged), len(sent)
