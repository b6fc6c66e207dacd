"""The contract suite: what `new-initiative` writes passes it, and each broken promise fails a test."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.platform.toys import (
    ACTIONS,
    READS,
    TOY,
    ToyConfig,
    ToyDecider,
    ToyForecaster,
    ToyModel,
    counts,
    model,
    noise,
)

from matinee.errors import MatineeError
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.platform.forecasting import Forecast
from matinee.platform.initiative import Fallback, Initiative
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step
from matinee.platform.scaffolding import scaffold
from matinee.testing.initiatives import InitiativeContract


class Changed(ToyDecider):
    """The toy's decider with one thing wrong."""

    @classmethod
    def opened(cls, folder: Path, around: Surroundings) -> Any:
        return cls(ToyModel.load(folder).weights)


class Boasts(Changed):
    def decide(self, request: Request) -> Decided:
        right = super().decide(request)
        (slot,) = right.slots
        return Decided((Slot(slot.action, min(1.0, 1.5 * slot.propensity)),), right.permitted)


class Overflows(Changed):
    def decide(self, request: Request) -> Decided:
        (slot,) = super().decide(request).slots
        return Decided((Slot(slot.action, 1.5),), ACTIONS)


class Forgets(Changed):
    turns = itertools.count()

    def decide(self, request: Request) -> Decided:
        return super().decide(dataclasses.replace(request, seed=next(self.turns)))


class Ignores(Changed):
    def decide(self, request: Request) -> Decided:
        return super().decide(dataclasses.replace(request, actions=None))


class Knows(Changed):
    def decide(self, request: Request) -> Decided:
        if not request.unit_id.startswith("m"):
            raise KeyError(request.unit_id)
        return super().decide(request)


def dice(seed: int) -> NDArray[np.float64]:
    return np.frombuffer(os.urandom(3), np.uint8) + 1.0


def learned(counts: dict[str, int], dice: NDArray[np.float64], config: ToyConfig) -> ToyModel:
    return ToyModel(dice)


def peeps(home: Home, at_us: int) -> dict[str, int]:
    home.check_readable(["".join(["mem", "bers"])])
    return counts(home, at_us)


def peeped(peeps: dict[str, int], noise: NDArray[np.float64], config: ToyConfig) -> ToyModel:
    return model(peeps, noise, config)


def unreadable(folder: Path, around: Surroundings) -> Any:
    raise ValueError("no weights")


def careless(folder: Path, around: Surroundings) -> Any:
    return ToyDecider(np.ones(len(ACTIONS)))


@dataclasses.dataclass(frozen=True)
class NoLift:
    """Section [toy]."""

    bias: float = 0.0
    lift: float = 0.0


def toy(**changes: Any) -> Initiative:
    return dataclasses.replace(TOY, **changes)


class ManyForecasts(ToyForecaster):
    def forecast(self, unit_ids: Sequence[str], at_us: int) -> list[Forecast]:
        return super().forecast([*unit_ids, "one more"], at_us)

    @staticmethod
    def opened(folder: Path, around: Surroundings) -> Any:
        return ManyForecasts(1.0)


FORECASTS: dict[str, Any] = {
    "actions": None,
    "target": "plays",
    "open": ToyForecaster.open,
    "fallback": Fallback("zero", ToyForecaster.without),
}
BROKEN: dict[str, tuple[Callable[[], Initiative], str]] = {
    "wrong propensity": (
        lambda: toy(open=Boasts.opened),
        "test_actions_come_as_often_as_their_propensity_says",
    ),
    "propensity above 1": (
        lambda: toy(open=Overflows.opened),
        "test_the_model_answers_and_not_the_fallback",
    ),
    "unseeded draws": (lambda: toy(open=Forgets.opened), "test_the_same_question_gets_the_same_answer"),
    "a wider answer": (lambda: toy(open=Ignores.opened), "test_a_request_narrows_what_may_be_chosen"),
    "unknown units": (lambda: toy(open=Knows.opened), "test_an_unknown_unit_is_answered_and_not_stored"),
    "unseeded training": (
        lambda: toy(pipeline=Pipeline("toy.train", [step(counts, reads=READS), dice, learned])),
        "test_same_seed_same_result",
    ),
    "undeclared read": (
        lambda: toy(pipeline=Pipeline("toy.train", [step(peeps, reads=READS), noise, peeped])),
        "test_it_trains_and_what_it_learned_opens",
    ),
    "baseline not beaten": (lambda: toy(config=NoLift), "test_it_beats_its_named_baseline"),
    "another baseline": (lambda: toy(baseline="dice"), "test_it_beats_its_named_baseline"),
    "does not open": (lambda: toy(open=unreadable), "test_it_trains_and_what_it_learned_opens"),
    "opens anything": (lambda: toy(open=careless), "test_a_damaged_model_is_noticed"),
    "slow": (lambda: toy(latency_budget_ms=1e-6), "test_it_stays_in_its_latency_budget"),
    "too many forecasts": (
        lambda: toy(**{**FORECASTS, "open": ManyForecasts.opened}),
        "test_the_model_answers_and_not_the_fallback",
    ),
}


def suite(initiative: Initiative) -> InitiativeContract:
    return type("TestIt", (InitiativeContract,), {"initiative": initiative})()


def promises() -> list[str]:
    return [name for name in dir(InitiativeContract) if name.startswith("test_")]


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, FORECASTS], ids=["decides", "forecasts"])
def test_one_that_keeps_its_promises_passes(changes: dict[str, Any]) -> None:
    it = suite(toy(**changes))
    for name in promises():
        getattr(it, name)()


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_promise_is_noticed(fault: str) -> None:
    make, name = BROKEN[fault]
    with pytest.raises((AssertionError, MatineeError)):
        getattr(suite(make()), name)()


@pytest.mark.slow
def test_what_new_initiative_writes_passes_its_own_suite(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "shop")
    home.settings.write_text("", encoding="utf-8")
    folder = scaffold(home, "winback")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(command, cwd=home.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"{len(promises())} passed" in done.stdout
