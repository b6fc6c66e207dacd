"""A small initiative for tests: it reads plays, learns in a moment, and how good it is is a setting.

`in_home` copies this file into a home as `initiatives/toy/`, so it imports nothing from tests. A step that
TOY_DIE names ends the process with SIGKILL; one that TOY_WAIT names waits until the file it gives is there.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.reader import Moment, open_events
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.platform.forecasting import Forecast
from matinee.platform.gates.approval import Approval
from matinee.platform.gates.beats_baseline import BeatsBaseline
from matinee.platform.gates.gate import Gate
from matinee.platform.gates.not_worse import NotWorse
from matinee.platform.initiative import Fallback, Initiative, Input, Reward
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step
from matinee.prove.stats.paired import paired_difference
from matinee.types import derive_seed

ACTIONS = ("call", "mail", "nothing")
BASELINE = "coin"
READS = ("plays",)
STEPS = ("counts", "noise", "model")
UNITS = 60
PLAYS = """member_id,title_id,at,watch_s
m1,t1,2024-11-03T20:15:00Z,5200
m1,t2,2024-11-04T20:15:00Z,300
m2,t1,2024-11-05T20:15:00Z,5200
m3,t3,2024-11-06T20:15:00Z,5200
"""


@dataclass(frozen=True, slots=True)
class ToyConfig:
    """Section [toy].

    Attributes
    ----------
    bias : float
        Another one makes another model.
    lift : float
        How much better than the baseline it is.
    """

    bias: float = 0.0
    lift: float = 0.2


@dataclass(frozen=True, slots=True)
class ToyModel:
    """Weight of each action."""

    weights: NDArray[np.float64]

    def save(self, folder: Path) -> None:
        np.save(folder / "weights.npy", self.weights, allow_pickle=False)

    @staticmethod
    def load(folder: Path) -> ToyModel:
        return ToyModel(np.load(folder / "weights.npy", allow_pickle=False))


def counts(home: Home, at_us: int) -> dict[str, int]:
    """Plays of each member."""
    disturbed("counts")
    with duckdb.connect() as con:
        open_events(con, home, "plays", moment=Moment(at_us))
        rows = con.sql("SELECT member_id, count(*) FROM plays GROUP BY 1 ORDER BY 1").fetchall()
    return {str(member): int(n) for member, n in rows}


def noise(seed: int) -> NDArray[np.float64]:
    """Something random."""
    disturbed("noise")
    return np.random.default_rng(seed).random(len(ACTIONS))


def model(counts: dict[str, int], noise: NDArray[np.float64], config: ToyConfig) -> ToyModel:
    """Learn."""
    disturbed("model")
    return ToyModel(noise + sum(counts.values()) + config.bias)


def judged(home: Home, at_us: int, cut: float, config: ToyConfig) -> Evaluated:
    """As good as the settings say."""
    n_plays = sum(counts(home, at_us).values())
    theirs = np.random.default_rng(n_plays).random(UNITS)
    ours = theirs + config.lift + 0.1 * np.random.default_rng(1).normal(size=UNITS)
    made = Evaluation(
        initiative="toy",
        cut_us=int(at_us * cut),
        metrics=[Metric("worth", "worth of a decision")],
        ours="toy",
        baseline=BASELINE,
        figures={"toy": {"worth": figure(ours)}, BASELINE: {"worth": figure(theirs)}},
        differences={BASELINE: {"worth": difference(ours, theirs)}},
    )
    return Evaluated(made, np.array([f"m{i:02}" for i in range(UNITS)]), ours)


def figure(values: NDArray[np.float64]) -> Figure:
    half = 1.96 * float(values.std()) / len(values) ** 0.5
    return Figure(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half, len(values))


def difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Figure:
    found = paired_difference(ours, theirs)
    return Figure(found.mean, found.low, found.high, found.n, found.p)


def disturbed(where: str) -> None:
    """What the test wants to happen in this step."""
    if os.environ.get("TOY_DIE") == where:
        os.kill(os.getpid(), signal.SIGKILL)
    name, _, path = os.environ.get("TOY_WAIT", "").partition(":")
    while name == where and not Path(path).exists():
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class ToyDecider:
    """Draws an action by the weights; the draw depends on seed, unit and moment only."""

    weights: NDArray[np.float64]
    policy: str = "toy/weights-1"

    @staticmethod
    def open(folder: Path, around: Surroundings) -> ToyDecider:
        return ToyDecider(ToyModel.load(folder).weights)

    def probabilities(self, request: Request) -> dict[str, float]:
        free = [i for i, name in enumerate(ACTIONS) if request.actions is None or name in request.actions]
        return {ACTIONS[i]: float(self.weights[i] / self.weights[free].sum()) for i in free}

    def decide(self, request: Request) -> Decided:
        free = [i for i, name in enumerate(ACTIONS) if request.actions is None or name in request.actions]
        if not free:
            return Decided((), (), "no_action_that_is_known")
        p = self.weights[free] / self.weights[free].sum()
        rng = np.random.default_rng(derive_seed(request.seed, request.unit_id, request.at_us))
        drawn = int(rng.choice(len(free), p=p))
        return Decided((Slot(ACTIONS[free[drawn]], float(p[drawn])),), tuple(ACTIONS[i] for i in free))


@dataclass(frozen=True, slots=True)
class Nothing:
    """Does nothing where that is permitted, else the first that is; needs no model."""

    policy: str = "toy/nothing"

    @staticmethod
    def open(around: Surroundings) -> Nothing:
        return Nothing()

    def decide(self, request: Request) -> Decided:
        permitted = ACTIONS if request.actions is None else request.actions
        action = "nothing" if "nothing" in permitted else permitted[0]
        return Decided((Slot(action, 1.0),), (action,))


@dataclass(frozen=True, slots=True)
class ToyForecaster:
    """Predicts the sum of the weights for everybody."""

    value: float

    @staticmethod
    def open(folder: Path, around: Surroundings) -> ToyForecaster:
        return ToyForecaster(float(ToyModel.load(folder).weights.sum()))

    @staticmethod
    def without(around: Surroundings) -> ToyForecaster:
        return ToyForecaster(0.0)

    def forecast(self, unit_ids: Sequence[str], at_us: int) -> list[Forecast]:
        return [Forecast(self.value, self.value - 1, self.value + 1) for _ in unit_ids]


GATES: tuple[Gate, ...] = (BeatsBaseline(), NotWorse(), Approval())
TOY = Initiative(
    name="toy",
    title="A toy",
    owner="tests",
    tier=4,
    stage="built",
    hypothesis="If the platform works, then this works, because it is simple.",
    next_step="none",
    unit="member",
    actions=ACTIONS,
    reward=Reward("worth", "points", "what the settings say", 24),
    inputs=[Input(table, "to count") for table in READS],
    config=ToyConfig,
    pipeline=Pipeline("toy.train", [step(counts, reads=READS), noise, model]),
    evaluation=Pipeline("toy.evaluate", [step(judged, reads=READS)]),
    open=ToyDecider.open,
    baseline=BASELINE,
    fallback=Fallback("toy/nothing", Nothing.open),
    gates=GATES,
    latency_budget_ms=1_000,
)


def home_with_plays(folder: Path, plays: str = PLAYS) -> Home:
    """A home whose clock stands at its last event."""
    home = Home.create(folder / "home")
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    (folder / "plays.csv").write_text(plays, encoding="utf-8")
    run_import(home, "events", folder / "plays.csv")
    return home


def in_home(home: Home, name: str = "toy") -> Path:
    """Put the toy into a home as its own initiative."""
    folder = home.initiatives / name
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__), folder / "__init__.py")
    return folder
