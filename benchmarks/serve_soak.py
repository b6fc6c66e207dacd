"""Mixed requests for a long time, and what they do to the memory of the server.

Clients wait for each reply before they send the next request. Of 1,000 requests about 450 are events (one in
five a play, which makes the member's next page a new one), 400 pages, 90 further rows, 40 decisions, 15
rewards, 3 explanations and 2 readings of `/metrics`.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from benchmarks.serve_client import ask, request

CONNECTIONS = 8
MOST_GROWTH = 0.05
WARM = 0.4
"""Share of a run after which caches are full."""
SEEN = 50
"""Decisions that a client remembers; it asks about the oldest."""
SAMPLES = 300
"""Most readings of the memory."""
SHARES = {
    "events": 0.45,
    "page": 0.40,
    "further": 0.09,
    "decide": 0.04,
    "reward": 0.015,
    "why": 0.003,
    "metrics": 0.002,
}
REFUSALS = (404, 410)
"""What the mix brings about by itself: a cursor of a page that was replaced, a decision not written yet."""


@dataclass(frozen=True)
class People:
    """Who asks, for what.

    Attributes
    ----------
    member_ids, title_ids : list of str
    """

    member_ids: list[str]
    title_ids: list[str]


@dataclass
class Soaked:
    """What came of it.

    Attributes
    ----------
    samples : list of (int, float)
        Requests so far, and MB then.
    statuses : Counter
        Replies by kind of request and status.
    """

    samples: list[tuple[int, float]] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    @property
    def errors(self) -> int:
        """Replies that nobody should get."""
        return sum(n for (_, code), n in self.statuses.items() if code != 200 and code not in REFUSALS)

    def slope_mb(self) -> float:
        """MB per request after the warm-up: median of the slopes of all pairs (Theil (1950), Sen (1968))."""
        warm = self._warm()
        pairs = [
            (b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(warm) for b in warm[i + 1 :] if b[0] > a[0]
        ]
        return statistics.median(pairs) if pairs else 0.0

    def growth(self) -> float:
        """By how much the memory grew from the warm-up to the end, as a share, along that slope."""
        warm = self._warm()
        return self.slope_mb() * (warm[-1][0] - warm[0][0]) / warm[0][1]

    def _warm(self) -> list[tuple[int, float]]:
        since = WARM * self.requests
        return [sample for sample in self.samples if sample[0] >= since] or self.samples[-2:]


def soak(
    port: int,
    people: People,
    rss_mb: Callable[[], float],
    *,
    minutes: float = 0.0,
    requests: int = 0,
    tell: Callable[[str], None] | None = None,
) -> Soaked:
    """Send requests for some minutes, or so many of them.

    Parameters
    ----------
    rss_mb : callable
        Reads the memory of the server.
    """
    return asyncio.run(_Soak(port, people, rss_mb, minutes, requests, tell).run())


class _Soak:
    def __init__(
        self,
        port: int,
        people: People,
        rss_mb: Callable[[], float],
        minutes: float,
        requests: int,
        tell: Callable[[str], None] | None,
    ) -> None:
        self.port, self.people, self.rss_mb, self.tell = port, people, rss_mb, tell
        self.requests, self.seconds = requests, 60 * minutes
        self.done, self.out = 0, Soaked()
        self.began = time.perf_counter()
        self.numbers = count()
        self.run_id = f"{random.SystemRandom().getrandbits(48):012x}"

    def share_done(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.requests:
            return self.done / self.requests
        return (time.perf_counter() - self.began) / self.seconds

    async def run(self) -> Soaked:
        watching = asyncio.create_task(self.watch())
        await asyncio.gather(*(self.client(n) for n in range(CONNECTIONS)))
        await watching
        self.out.seconds = time.perf_counter() - self.began
        return self.out

    async def watch(self) -> None:
        told = 0
        while (share := self.share_done()) < 1:
            if share * SAMPLES >= len(self.out.samples):
                self.out.samples.append((self.done, self.rss_mb()))
            if self.tell is not None and share * 10 >= told + 1:
                told = int(share * 10)
                self.tell(f"{share:.0%}: {self.done:,} requests, {self.out.samples[-1][1]:.0f} MB")
            await asyncio.sleep(0.2)
        self.out.samples.append((self.done, self.rss_mb()))

    async def client(self, number: int) -> None:
        """One client: sends a request, looks at the reply, sends the next."""
        rng = random.Random(number)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        kinds, weights = list(SHARES), list(SHARES.values())
        memory = _Memory()
        while self.share_done() < 1:
            kind = rng.choices(kinds, weights)[0]
            data = self.make(kind, rng, memory)
            if data is None:
                kind, data = "page", self.page(rng, memory)
            code, body = await ask(reader, writer, data)
            self.done += 1
            self.out.statuses[kind, code] += 1
            if kind in ("page", "further", "decide") and code == 200:
                memory.take(kind, json.loads(body))
        writer.close()

    def make(self, kind: str, rng: random.Random, memory: _Memory) -> bytes | None:
        """A request; None if it needs something that this client has not got yet."""
        if kind == "events":
            return None if memory.at is None else self.events(rng, memory.at)
        if kind == "further":
            if memory.cursor is None:
                return None
            member_id, cursor = memory.member_id, memory.cursor
            return request("GET", f"/v1/members/{member_id}/homepage?cursor={cursor}")
        if kind == "decide":
            body = {"unit_id": rng.choice(self.people.member_ids), "context": {"rows": 3, "cols": 10}}
            return request("POST", "/v1/decisions/homepage", json.dumps(body).encode())
        if kind in ("why", "reward"):
            if len(memory.decisions) < SEEN:
                return None
            decision_id, action = memory.decisions[0]
            path = f"/v1/decisions/{decision_id}"
            if kind == "why":
                return request("GET", path)
            return request("POST", f"{path}/reward", json.dumps({"value": 1, "action": action}).encode())
        return request("GET", "/metrics") if kind == "metrics" else self.page(rng, memory)

    def page(self, rng: random.Random, memory: _Memory) -> bytes:
        """The first screen of somebody."""
        memory.member_id = rng.choice(self.people.member_ids)
        return request("GET", f"/v1/members/{memory.member_id}/homepage?rows=6&cols=10")

    def events(self, rng: random.Random, at: str) -> bytes:
        """What a member did on a page: saw some titles, or watched one."""
        whose = {"member_id": rng.choice(self.people.member_ids), "at": at, "device": "tv"}
        if rng.random() < 0.2:
            some: list[dict[str, Any]] = [{"type": "play", "watch_s": rng.randrange(6_000)}]
        else:
            some = [
                {"type": "impression", "row": 1, "col": k + 1, "dwell_ms": rng.randrange(9_000)}
                for k in range(6)
            ]
        for event in some:
            event.update(whose, event_id=f"{self.run_id}-{next(self.numbers)}")
            event["title_id"] = rng.choice(self.people.title_ids)
        return request("POST", "/v1/events", json.dumps(some).encode())


class _Memory:
    """What one client remembers of the replies."""

    def __init__(self) -> None:
        self.at: str | None = None
        self.member_id = ""
        self.cursor: str | None = None
        self.decisions: deque[tuple[str, str]] = deque(maxlen=SEEN)

    def take(self, kind: str, reply: dict[str, Any]) -> None:
        """Remember a page or a decision."""
        self.at = reply["at"]
        if kind != "decide":
            self.cursor = reply["next_cursor"]
        if reply["sticky_of"] is None:
            first = (
                reply["slots"] if kind == "decide" else [one for row in reply["rows"] for one in row["tiles"]]
            )
            if first:
                self.decisions.append((reply["decision_id"], first[0].get("action") or first[0]["title_id"]))
