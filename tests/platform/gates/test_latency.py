from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.platform.gates.candidates import candidate

from matinee.platform.gates import latency
from matinee.platform.gates.latency import Latency


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that only an answer spends."""
    now = [0.0]
    monkeypatch.setattr(latency.time, "perf_counter", lambda: now[0])
    return now


def opened(clock: list[float], spends_s: Callable[[int], float], fallback: bool = False):
    asked: list[tuple[str, int]] = []

    def ask(unit_id: str, turn: int) -> bool:
        asked.append((unit_id, turn))
        clock[0] += spends_s(turn)
        return fallback

    return candidate(open=lambda: ask, latency_budget_ms=50.0), asked


def test_inside_the_budget(clock: list[float]) -> None:
    given, asked = opened(clock, lambda turn: 0.040)
    found = Latency().check(given)
    assert found.verdict == "passed"
    assert found.figure == pytest.approx(40.0)
    assert found.bound == 50.0
    assert "is 40.0 ms, inside the budget of 50 ms" in found.text
    assert [unit_id for unit_id, _ in asked[:3]] == ["m1", "nobody", "m1"]
    assert len(asked) == 60


def test_over_the_budget(clock: list[float]) -> None:
    given, _ = opened(clock, lambda turn: 0.001 if turn % 10 else 0.2)
    found = Latency().check(given)
    assert found.verdict == "failed"
    assert "expected at most the budget of 50 ms" in found.text


def test_the_first_answers_warm_up(clock: list[float]) -> None:
    given, _ = opened(clock, lambda turn: 3.0 if turn < 6 else 0.01)
    assert Latency().check(given).verdict == "passed"


def test_answers_of_the_fallback_are_counted(clock: list[float]) -> None:
    given, _ = opened(clock, lambda turn: 0.01, fallback=True)
    assert "60 of 60 answers came from the fallback." in Latency().check(given).text
