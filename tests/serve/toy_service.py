"""A home with versions of the toy whose behaviour a test chooses, and a service over it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import TOY, Nothing, ToyDecider, home_with_plays

from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.platform.deciding import Decided, Decider, Request, Surroundings
from matinee.platform.initiative import Fallback, Initiative
from matinee.platform.lifecycle.project import open_project_of, open_registry
from matinee.platform.lifecycle.training import train
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.platform.registry.rollouts import RolloutRow
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.serve.config import ServeConfig
from matinee.serve.moment import Moment
from matinee.serve.opening import Opener
from matinee.serve.released import Released

Behaviour = Callable[[Request], Decided]


class Counters:
    """Counters that all processes share, in memory."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, add: int = 1) -> int:
        with self._lock:
            self.values[name] = self.values.get(name, 0) + add
            return self.values[name]


@dataclass
class Acting:
    """A decider that does what the test says, else what the toy does; its answers name its version."""

    version: str
    toy: ToyDecider
    behaviours: dict[str, Behaviour]
    at_us: int
    policy: str = "toy/acting"

    def decide(self, request: Request) -> Decided:
        behaviour = self.behaviours.get(self.version)
        return self.toy.decide(request) if behaviour is None else behaviour(request)


@dataclass
class Service:
    """Versions of the toy in a home; `behaviours` says what a version does when it is asked."""

    home: Home
    versions: list[str]
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    count: Counters = field(default_factory=Counters)
    opened: list[str] = field(default_factory=list)
    at_us: int = 0
    fallback: Callable[[Surroundings], Any] = Nothing.open

    @property
    def initiative(self) -> Initiative:
        def open_model(folder: Path, around: Surroundings) -> Decider:
            self.opened.append(folder.name)
            return Acting(folder.name, ToyDecider.open(folder, around), self.behaviours, around.at_us)

        return replace(TOY, open=open_model, fallback=Fallback("toy/nothing", self.fallback))

    def made(self, number: int) -> str:
        return self.versions[number]

    def release(self, version: str) -> None:
        self.at_us += 1
        with open_registry(self.home) as registry:
            last = registry.releases.current("toy")
            row = registry.releases.release(
                "toy", version, expected_previous=last.id if last else None, released_us=self.at_us
            )
            registry.rollouts.settle(row)

    def rollback(self) -> None:
        self.at_us += 1
        with open_registry(self.home) as registry:
            last = registry.releases.current("toy")
            assert last is not None
            row = registry.releases.rollback("toy", expected_previous=last.id, released_us=self.at_us)
            registry.rollouts.settle(row)

    def rollout(self, version: str, kind: str, share: float = 0.5) -> RolloutRow:
        self.at_us += 1
        row = RolloutRow(
            initiative="toy", version=version, kind=kind, share=share, salt="salt", started_us=self.at_us
        )
        with open_registry(self.home) as registry:
            return registry.rollouts.start(row)

    def experiment(self, *answers: str, name: str = "toy-one", **more: Any) -> ExperimentRow:
        """Start an experiment with arms "A", "B", ... of equal shares."""
        self.at_us += 1
        return begin(self.home, "toy", answers, name=name, started_us=self.at_us, **more)

    @contextmanager
    def served(
        self, *, members: Any = None, log: Any = None, holdout: float = 0.0, **settings: Any
    ) -> Iterator[Released]:
        options = {"budget_ms": 400.0, "threads": 2, "refresh_s": 600, **settings}
        opener = Opener(self.home, self.initiative, Moment.open(self.home), members)
        found = Released.over(opener, ServeConfig(**options), count=self.count, log=log, holdout=holdout)
        try:
            yield found
        finally:
            found.close()


def begin(home: Home, initiative: str, answers: tuple[str, ...], *, name: str, **more: Any) -> ExperimentRow:
    """Start an experiment without the checks of the command: arms "A", "B", ... answer with `answers`."""
    started_us = more.pop("started_us", 1)
    shares = more.pop("shares", [1 / len(answers)] * len(answers))
    given = {
        "owner": "kim",
        "hypothesis": "It is better.",
        "primary": "plays",
        "salt": f"salt of {name}",
        **more,
    }
    arms = tuple(
        Arm("ABCD"[i], share, answer) for i, (share, answer) in enumerate(zip(shares, answers, strict=True))
    )
    definition = Experiment(name=name, initiative=initiative, arms=arms, **given)
    with open_registry(home) as registry:
        return registry.experiments.start(definition, digest=definition.digest, started_us=started_us)


def a_service(folder: Path, factory: pytest.TempPathFactory) -> Service:
    """A copy of a home with four trained versions, which is made once in a session."""
    made = factory.getbasetemp() / "home-of-toys"
    if not made.exists():
        home = home_with_plays(made)
        for bias in range(4):
            with (
                pytest.MonkeyPatch.context() as patch,
                open_project_of(home, patched(patch, bias)) as project,
            ):
                train(project)
    home = Home(Path(shutil.copytree(made / "home", folder / "home")))
    with open_registry(home) as registry:
        return Service(home, [row.version for row in reversed(registry.models.versions("toy"))])


def patched(patch: pytest.MonkeyPatch, bias: int) -> Initiative:
    patch.setenv("MATINEE_TOY__BIAS", str(bias))
    return TOY


def asked(unit_id: str = "m1", **more: Any) -> Request:
    return Request(unit_id, 1_000, **more)


def sleeping(seconds: float) -> Behaviour:
    def behave(_request: Request) -> Decided:
        time.sleep(seconds)
        return one("mail")

    return behave


def raising(problem: Exception) -> Behaviour:
    def behave(_request: Request) -> Decided:
        raise problem

    return behave


def one(action: str, propensity: float = 1.0) -> Decided:
    return Decided((Slot(action, propensity),), ("call", "mail", "nothing"))


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it did not come to that in time"
        time.sleep(0.01)
