"""Similar titles and preferences: from what decides, and from the catalogue where that cannot say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from matinee.console.titles import Seen, Titles
from matinee.console.watch import asking
from matinee.console.watch.asking import preferences, similar
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.platform.deciding import Decided, Request
from matinee.serve.budget import Pool
from matinee.serve.guard import Guard

ROWS = [
    {"title_id": "a", "genres": ["Crime", "Drama"], "maturity": 0},
    {"title_id": "b", "genres": ["Crime", "Drama"], "maturity": 18},
    {"title_id": "c", "genres": ["Crime"], "maturity": 6},
    {"title_id": "d", "genres": ["Comedy"], "maturity": 6},
    {"title_id": "e", "genres": [], "maturity": 6},
]
CATALOGUE = Catalogue.from_rows(ROWS)
PLAYS = np.array([5, 9, 1, 7, 0], np.float32)
TITLES = Titles(CATALOGUE, PLAYS, PLAYS > 0)


@dataclass
class Knowing:
    """A decider with both abilities, which may be slow or fail."""

    sleeps_s: float = 0.0
    problem: Exception | None = None
    policy: str = "knowing@1"

    def decide(self, request: Request) -> Decided:
        return Decided((), (), "nothing")

    def similar(self, action: str, n: int) -> Sequence[str]:
        self._trouble()
        return ["b", "gone", "d", action, "c"][:n]

    def preferences(self, request: Request) -> Sequence[float]:
        self._trouble()
        return [{"d": 4.0, "e": 2.0}.get(one, 0.0) for one in request.actions or ()]

    def _trouble(self) -> None:
        time.sleep(self.sleeps_s)
        if self.problem is not None:
            raise self.problem


def services(decider: Any) -> Any:
    opened = SimpleNamespace(answering=SimpleNamespace(decider=decider), pool=Pool(1, name="asking"))
    released = SimpleNamespace(keeper=SimpleNamespace(now=SimpleNamespace(incumbent=opened)))
    return SimpleNamespace(released={"homepage": released})


def seen(limits: Limits | None = None) -> Seen:
    return Seen(TITLES, Guard(CATALOGUE), limits or Limits(), 1_000)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than a page would wait."""
    monkeypatch.setattr(asking, "ASK_S", 30.0)


@pytest.mark.usefixtures("patient")
def test_the_decider_is_asked_and_the_limits_hold() -> None:
    assert asyncio.run(similar(services(Knowing()), seen(), "a", 5)) == ["b", "d", "c"]
    assert asyncio.run(similar(services(Knowing()), seen(Limits(kids=True)), "a", 5)) == ["d", "c"]
    assert asyncio.run(similar(services(Knowing()), seen(), "a", 1)) == ["b"]


@pytest.mark.parametrize(
    "decider", [None, SimpleNamespace(), Knowing(problem=ValueError("no")), Knowing(sleeps_s=0.5)]
)
def test_shared_genres_answer_where_it_cannot(decider: Any) -> None:
    assert asyncio.run(similar(services(decider), seen(), "a", 5)) == ["b", "c"]
    assert asyncio.run(similar(services(decider), seen(), "e", 5)) == []
    assert asyncio.run(similar(SimpleNamespace(released={}), seen(), "c", 5)) == ["b", "a"]
    liked = asyncio.run(preferences(services(decider), TITLES, "m", ["a", "d", "x"], 1_000))
    assert liked.tolist() == pytest.approx([5 / 7, 1.0, 0.0])


@pytest.mark.usefixtures("patient")
def test_preferences_are_shares_of_the_best() -> None:
    liked = asyncio.run(preferences(services(Knowing()), TITLES, "m", ["a", "d", "e"], 1_000))
    assert liked.tolist() == [0.0, 1.0, 0.5]
    assert asyncio.run(preferences(services(Knowing()), TITLES, "m", [], 1_000)).tolist() == []
    assert asyncio.run(preferences(services(Knowing()), TITLES, "m", ["a"], 1_000)).tolist() == [0.0]
