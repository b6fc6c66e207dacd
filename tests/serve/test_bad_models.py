"""Models that sleep, raise, exit or lie, in a server that runs: the fallback answers, flagged and counted."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from load import until
from running import Running, serving
from trained import moody_home

pytestmark = pytest.mark.slow
BUDGET_MS = 200.0
SETTINGS = f"\n[serve]\nrefresh_s = 3600\nbudget_ms = {BUDGET_MS}\nthreads = 3\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = moody_home(tmp_path_factory, tmp_path_factory.mktemp("bad") / "home", SETTINGS)
    with serving(home) as running:
        until(lambda: well(running), "the model answers")
        yield running


def ask(server: Running, do: str, **more: Any) -> dict[str, Any]:
    reply = server.http.post("/v1/decisions/moody", json={"unit_id": "m1", "context": {"do": do}, **more})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def well(server: Running) -> bool:
    """Whether the model answers."""
    return not ask(server, "good")["fallback"]


def counted(server: Running) -> dict[str, float]:
    """Answers of the fallback of "moody" by reason."""
    text = server.http.get("/metrics").text
    found = re.findall(r'matinee_fallbacks_total\{initiative="moody",reason="([^"]+)"\} (\S+)', text)
    return {reason: float(n) for reason, n in found}


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ("sleeps", "late"),
        ("raises", "raised"),
        ("exits", "raised"),
        ("recurses", "raised"),
        ("propensity", "broke its contract"),
        ("unpermitted", "broke its contract"),
    ],
)
def test_the_fallback_answers_for_a_bad_model(server: Running, do: str, reason: str) -> None:
    until(lambda: well(server), "the model answers")
    before = counted(server).get(reason, 0.0)
    began = time.monotonic()
    answers = [ask(server, do) for _ in range(4)]
    took_s = (time.monotonic() - began) / 4
    for answer in answers:
        assert answer["fallback"]
        assert answer["fallback_reason"]
        assert answer["policy"] == "toy/nothing"
        assert [slot["action"] for slot in answer["slots"]] == ["nothing"]
        assert "/secret/path" not in str(answer)
    if do == "sleeps":  # a model that is late may be refused next time: its threads are taken
        assert sum(counted(server).values()) >= before + 4
    else:
        assert counted(server)[reason] == before + 4
    rested_s = until(lambda: well(server), "the model answers again")
    print(f"{do}: 4 of 4 by the fallback, {1e3 * took_s:.0f} ms each; well again after {rested_s:.1f} s")


def test_a_model_that_always_sleeps_holds_up_nobody(server: Running) -> None:
    until(lambda: well(server), "the model answers")
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(ask, server, "sleeps") for _ in range(60)]
        pages = [server.page(f"m{n % 9}") for n in range(20)]
        assert all(page["rows"] for page in pages)
        assert all(one.result()["fallback"] for one in slow)
    assert server.http.get("/healthz").status_code == 200
    rested_s = until(lambda: well(server), "the model answers again")
    assert not ask(server, "good")["fallback"]
    print(f"60 late answers of 8 clients, 20 pages beside them; well again after {rested_s:.1f} s")
