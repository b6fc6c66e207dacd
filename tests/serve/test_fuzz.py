"""Malformed requests by the thousand: no failure of ours, no leak, replies as they are described."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from malformed import LEAKS, Reply, ask, broken, check, hostile
from running import Running, make_home, play, serving

SETTINGS = "\n[serve]\nmax_body_mb = 0.5\nrefresh_s = 3600\n"
QUICK, MANY, MANY_HOSTILE = 400, 7_500, 6_000
"""Requests of each test. A route without parameters has few that differ, so fewer are made than asked."""
SLOW_OPERATIONS = ("DELETE /v1/members/{member_id}", "GET /v1/decisions/{decision_id}", "GET /metrics")
"""Each looks through the whole log and lake, or through all counters: asked less often."""
UNFINISHED = (
    "endless header",
    "length too long",
    "length huge",
    "chunk without end",
    "chunk too short",
    "chunk size huge",
    "tls",
)
"""The server waits for the rest of these, as it should."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(make_home(tmp_path_factory.mktemp("fuzz") / "home", SETTINGS)) as running:
        yield running


def unharmed(server: Running) -> None:
    """It serves everybody else, and its log has no trace of an error that nobody foresaw."""
    assert server.http.get("/healthz").status_code == 200
    assert server.page("m1")["rows"]
    assert server.send(play(f"well{random.random()}", "m3", "t4"))["accepted"] == 1
    log = server.log.read_text(encoding="utf-8")
    assert "unforeseen error" not in log, log[log.index("unforeseen error") - 500 :][:3000]


def test_what_breaks_http_is_refused(server: Running) -> None:
    statuses: Counter[int | None] = Counter()
    for what, request in broken().items():
        for close in (True, False):
            if not close and what in UNFINISHED:
                continue
            reply = ask(server.address, request, close=close)
            statuses[None if reply is None else reply.status] += 1
            if reply is not None:
                check(reply, what)
    unharmed(server)
    print(f"{sum(statuses.values())} requests that break HTTP: {dict(statuses)}")


def test_hostile_requests_are_refused(server: Running) -> None:
    statuses = hostile_requests(server, QUICK, seed=1)
    print(f"{QUICK} hostile requests: {dict(statuses)}")


@pytest.mark.slow
def test_many_hostile_requests_are_refused(server: Running) -> None:
    statuses = hostile_requests(server, MANY_HOSTILE, seed=2)
    print(f"{MANY_HOSTILE} hostile requests: {dict(statuses)}")


def hostile_requests(server: Running, n: int, seed: int) -> Counter[int | None]:
    rng = random.Random(seed)
    statuses: Counter[int | None] = Counter()
    for _ in range(n):
        request = hostile(rng)
        reply = ask(server.address, request, close=False)
        statuses[None if reply is None else reply.status] += 1
        if reply is not None:
            check(reply, request)
    unharmed(server)
    return statuses


def test_what_the_description_permits_is_answered_as_it_says(server: Running) -> None:
    counts = described(server, QUICK)
    print(f"{sum(counts.values())} requests from /openapi.json: {dict(counts)}")


@pytest.mark.slow
def test_many_requests_made_from_the_description(server: Running) -> None:
    counts = described(server, MANY)
    assert sum(counts.values()) + MANY_HOSTILE >= 10_000
    print(f"{sum(counts.values())} requests from /openapi.json: {dict(sorted(counts.items()))}")


def described(server: Running, n: int) -> Counter[int]:
    """Have schemathesis make requests, good and bad ones, from our own description, and judge the replies."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable

    schema = schemathesis.openapi.from_dict(server.http.get("/openapi.json").json())
    schema.config.update(base_url=server.address)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 9
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    statuses: Counter[int] = Counter()
    slow = [one for one in operations if one.label in SLOW_OPERATIONS]
    each = n // (len(operations) - len(slow)) + 1
    share = {one.label: n // 100 if one in slow else each for one in operations}
    with httpx.Client(base_url=server.address, timeout=60) as http:

        def judge(case: Any) -> None:
            arguments = case.as_transport_kwargs()
            arguments.pop("cookies", None)  # none of our routes reads any
            if isinstance(arguments.get("data"), str | bytes):
                arguments["content"] = arguments.pop("data")
            reply = http.request(**arguments)
            statuses[reply.status_code] += 1
            check(Reply(reply.status_code, dict(reply.headers), reply.content), case)
            known = case.operation.definition.raw["responses"]
            assert str(reply.status_code) in {*known, "405"}, (
                f"{case.operation.label}: {reply.status_code} is not described: {reply.text[:300]}"
            )
            case.operation.validate_response(schemathesis.Response.from_any(reply))

        for operation in operations:
            for mode in modes:
                limits = settings(
                    max_examples=max(5, share[operation.label] // 2),
                    database=None,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                with suppress(Unsatisfiable):  # a route that takes nothing cannot be asked wrongly
                    seeded(7)(limits(given(operation.as_strategy(generation_mode=mode))(judge)))()
    unharmed(server)
    return statuses


def test_leaks_are_found() -> None:
    for text in (b"Traceback (most recent", b'File "/usr', b"x/app.py", b"<A object at 0x7f>"):
        assert LEAKS.search(text)
    assert not LEAKS.search(b"no such address, expected one of those in /openapi.json.")
