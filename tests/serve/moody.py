"""An initiative for tests that does what the request tells it, however bad that is.

`trained.moody_home` copies this file into a home as `initiatives/moody/`, together with the toy, so it
imports nothing from tests.
`context["do"]` names what to do; a version whose temper is not "good" does that whenever
`context["live"]` is set, as a model that fails on what it meets in production only.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step

from . import toys

SLEEP_S = 2.0


@dataclass(frozen=True, slots=True)
class MoodyConfig:
    """Section [moody]. `temper`: what a version does on live requests."""

    temper: str = "good"


@dataclass(frozen=True, slots=True)
class MoodyModel:
    """A temper."""

    temper: str

    def save(self, folder: Path) -> None:
        (folder / "temper.txt").write_text(self.temper, encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> MoodyModel:
        return MoodyModel((folder / "temper.txt").read_text(encoding="utf-8"))


def model(counts: dict[str, int], config: MoodyConfig) -> MoodyModel:
    """Nothing is learned."""
    assert counts
    return MoodyModel(config.temper)


def counts(home: Home, at_us: int) -> dict[str, int]:
    """Plays of each member."""
    return toys.counts(home, at_us)


@dataclass(frozen=True, slots=True)
class MoodyDecider:
    """Mails, unless it is told otherwise."""

    temper: str
    policy: str = "moody/1"

    @staticmethod
    def open(folder: Path, around: Surroundings) -> MoodyDecider:
        return MoodyDecider(MoodyModel.load(folder).temper)

    def decide(self, request: Request) -> Decided:
        do = request.context.get("do") or (self.temper if request.context.get("live") else "good")
        match do:
            case "sleeps":
                time.sleep(SLEEP_S)
            case "raises":
                raise ValueError("/secret/path/model.bin does not say anything about this")
            case "propensity":
                return Decided((Slot("mail", 1.5),), toys.ACTIONS)
            case "unpermitted":
                return Decided((Slot("fire", 1.0),), toys.ACTIONS)
            case "exits":
                sys.exit(3)
            case "recurses":
                return self.decide(request)
        return Decided((Slot("mail", 1.0),), toys.ACTIONS)


MOODY = replace(
    toys.TOY,
    name="moody",
    config=MoodyConfig,
    pipeline=Pipeline("moody.train", [step(counts, reads=toys.READS), model]),
    open=MoodyDecider.open,
)
