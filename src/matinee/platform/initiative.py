"""The contract of an initiative: one ML use case, from what it decides to how it is switched off.

An initiative is data: it names its functions and settings, and the platform does the rest (train, evaluate,
gate, release, answer, watch). The ones that come with Matinee are declared in the same way as yours.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb

from matinee.errors import ConfigError, unknown_name
from matinee.learn.features.declaration import FeatureView
from matinee.observe.lake.tables import EVENTS, FACTS
from matinee.platform.deciding import (
    OpenForecaster,
    OpenForecasterWithoutModel,
    OpenModel,
    OpenWithoutModel,
    Surroundings,
)
from matinee.platform.evaluation import Evaluated
from matinee.platform.gates.gate import Gate
from matinee.platform.gates.guardrails import Guardrail
from matinee.platform.outcomes.explored import WriteExplored
from matinee.platform.outcomes.rule import FromPlays
from matinee.platform.pipeline.annotations import spell
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.settings import SECTIONS
from matinee.types import HOUR_US

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
Stage = Literal["idea", "built", "shadow", "experiment", "production", "retired"]
Data = Literal["home", "simulated"]
TIERS = {
    1: "what the business stands on",
    2: "large effect on members or revenue",
    3: "some effect; a fallback is acceptable for days",
    4: "an experiment",
}


@dataclass(frozen=True, slots=True)
class Reward:
    """What a good decision, or a right forecast, brings.

    Attributes
    ----------
    name : str
    unit : str
        "quality plays", "minor units of currency", "accounts".
    definition : str
        A sentence that lets two people compute the same number.
    window_h : float, above 0
        Hours after the decision within which the reward counts.
    from_events : FromPlays or None
        How it follows from what members do. None: it is reported (`POST /v1/decisions/{id}/reward`).
    grace_h : float, 0 or more
        Hours after the window in which what happened inside it may still arrive; then the outcome is final.
    low, high : float or None
        Bounds that hold for every value there could be, for proofs that a policy is better (`GainBound`,
        `matinee apprentice`). Rewards from events lie between 0 and 1. None: not known.
    """

    name: str
    unit: str
    definition: str
    window_h: float
    from_events: FromPlays | None = None
    grace_h: float = 24.0
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ConfigError(
                f"reward {self.name}: it lies between {self.low} and {self.high}, expected low below high."
            )
        if not self.window_h > 0:
            raise ConfigError(f"reward {self.name}: window_h is {self.window_h}, expected hours above 0.")
        if not self.grace_h >= 0:
            raise ConfigError(f"reward {self.name}: grace_h is {self.grace_h}, expected hours, 0 or more.")

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and largest value there could be; None where it is not known.

        Examples
        --------
        >>> Reward("plays", "plays", "it is played", 24, from_events=FromPlays()).bounds
        (0.0, 1.0)
        """
        if self.from_events is None:
            return self.low, self.high
        return (0.0 if self.low is None else self.low), (1.0 if self.high is None else self.high)

    @property
    def window_us(self) -> int:
        """`window_h` in microseconds."""
        return round(self.window_h * HOUR_US)

    @property
    def final_us(self) -> int:
        """Microseconds after the decision at which its outcome is final."""
        return round((self.window_h + self.grace_h) * HOUR_US)


@dataclass(frozen=True, slots=True)
class Input:
    """A table of the lake that the initiative reads, and what for. Reading another one is refused."""

    table: str
    why: str

    def __post_init__(self) -> None:
        if self.table not in {*EVENTS, *FACTS}:
            raise ConfigError(unknown_name("input", "table", self.table, {*EVENTS, *FACTS}))


@dataclass(frozen=True, slots=True)
class Fallback:
    """What answers when the model is missing, late or fails. It needs no model.

    Attributes
    ----------
    name : str
    open : callable
        Gets `Surroundings`, gives a `Decider` (or a `Forecaster`).
    without_state : bool
        It deals with a state of members that cannot be reached itself (`StorageError` of `MemberReader`).
        Others are told then that nobody is known and that the strictest limits hold.
    """

    name: str
    open: OpenWithoutModel | OpenForecasterWithoutModel
    without_state: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Initiative:
    """One ML use case.

    It decides (`actions` is given) or forecasts (`target` is given).

    Attributes
    ----------
    name : str
        Lower case letters, digits and `_`; its section in matinee.toml, its folder, its name in commands.
    title : str
        A few words for the portfolio.
    owner : str
        Team or address that gets the alerts.
    tier : int, 1 to 4
        By business impact, 1 is the highest (see `TIERS`). Tiers 1 and 2 need an approver for a release.
    hypothesis : str
        "If we ..., then ..., because ...".
    stage : str
        Where it stands: idea, built, shadow, experiment, production, retired.
    next_step : str
        What is planned; `matinee status` names it once a version was released.
    unit : str
        What a decision is about: "member", "account", "title".
    actions : sequence of str or None
        The possible actions, or one word for what they are ("titles"). None: it forecasts.
    target : str or None
        What is forecast, with its unit. None: it decides.
    reward : Reward
    guardrails : sequence of Guardrail
    inputs : sequence of Input
        Everything it reads from the lake.
    features : FeatureView or None
        Declared features of the unit; `matinee backfill` computes them.
    feature_tables : callable or None
        Makes the tables that the features name in a DuckDB connection, for `Surroundings`, where they are
        not the lake's own. None: they are.
    config : type
        Frozen dataclass of its settings; every field has a default.
    values : Path or None
        TOML file of its settings, beside its code; goes before the defaults of `config`.
    pipeline : Pipeline
        Its result is the model. Given: home, at_us, seed, config, progress.
    evaluation : Pipeline
        Its result is `Evaluated`. Given besides: cut (share of the events that is learned from).
    open : callable
        Gets the folder of a model and `Surroundings`, gives a `Decider` (or a `Forecaster`).
    baseline : str
        The maker in the evaluation that must be beaten.
    fallback : Fallback
    gates : sequence of Gate
        What must hold before a release; all are asked, the first that fails does not stop the others.
    latency_budget_ms : float, above 0
        For one answer, 95th percentile.
    data : {"home", "simulated"}
        Where training and evaluation read: the home's own lake, or the simulated service until there is one.
    refreshed_every_h : float, above 0
        A model older than this is stale.
    explored : callable or None
        Writes what was drawn at random in some slots of its decisions as a log for `matinee ope --explored`.

    Raises
    ------
    ConfigError
        A field is outside what is said above; the message names it.
    """

    name: str
    title: str
    owner: str
    tier: int
    hypothesis: str
    stage: Stage
    next_step: str
    unit: str
    reward: Reward
    inputs: Sequence[Input]
    config: type[Any]
    pipeline: Pipeline
    evaluation: Pipeline
    open: OpenModel | OpenForecaster
    baseline: str
    fallback: Fallback
    gates: Sequence[Gate]
    latency_budget_ms: float
    actions: Sequence[str] | None = None
    target: str | None = None
    guardrails: Sequence[Guardrail] = ()
    features: FeatureView | None = None
    feature_tables: Callable[[duckdb.DuckDBPyConnection, Surroundings], None] | None = None
    values: Path | None = None
    data: Data = "home"
    refreshed_every_h: float = 24 * 7
    explored: WriteExplored | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        for field in ("title", "owner", "hypothesis", "next_step", "unit", "baseline"):
            if not str(getattr(self, field)).strip():
                raise ConfigError(f"{self.name}: {field} is empty, expected a text for the portfolio.")
        if self.tier not in TIERS:
            raise ConfigError(f"{self.name}: tier is {self.tier}, expected 1 to 4 (1 has the most impact).")
        if self.stage not in get_args(Stage):
            raise ConfigError(unknown_name(self.name, "stage", str(self.stage), get_args(Stage)))
        if (self.actions is None) == (self.target is None):
            raise ConfigError(
                f"{self.name}: actions is {self.actions!r} and target is {self.target!r}, expected one of "
                "the two: actions for an initiative that decides, target for one that forecasts."
            )
        if self.reward.from_events is not None and (self.unit != "member" or self.actions is None):
            raise ConfigError(
                f'{self.name}: reward {self.reward.name} follows from plays and the unit is "{self.unit}", '
                'expected decisions about the unit "member". Leave from_events away and report the reward.'
            )
        if self.data not in get_args(Data):
            raise ConfigError(f'{self.name}: data is "{self.data}", expected home or simulated.')
        for field, unit in (("latency_budget_ms", "milliseconds"), ("refreshed_every_h", "hours")):
            if not getattr(self, field) > 0:
                raise ConfigError(f"{self.name}: {field} is {getattr(self, field)}, expected {unit} above 0.")
        if not dataclasses.is_dataclass(self.config):
            raise ConfigError(f"{self.name}: config is {self.config!r}, expected a frozen dataclass.")
        for what, names in (("gate", [gate.name for gate in self.gates]), ("input", list(self.tables))):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ConfigError(
                    f"{self.name}: {what} {', '.join(sorted(twice))} stands twice, expected it once."
                )
        self._check_reads()
        judge = self.evaluation[self.evaluation.result]
        if judge.returns is not Evaluated:
            raise ConfigError(
                f"{self.name}, evaluation: step {judge.name} ({judge.place}) returns {spell(judge.returns)}, "
                "expected Evaluated. Its result is what the gates read."
            )

    def _check_reads(self) -> None:
        declared = set(self.tables)
        for pipeline in (self.pipeline, self.evaluation):
            for step in pipeline.steps:
                for table in step.reads:
                    if table not in declared:
                        raise ConfigError(
                            f"{self.name}, step {step.name}: reads {table}, which is not declared. Add "
                            f'Input("{table}", why) to inputs. Declared: {", ".join(sorted(declared))}.'
                        )

    @property
    def kind(self) -> Literal["decides", "forecasts"]:
        """What it does."""
        return "forecasts" if self.actions is None else "decides"

    @property
    def tables(self) -> tuple[str, ...]:
        """Declared tables of the lake."""
        return tuple(one.table for one in self.inputs)


def check_name(name: str) -> None:
    """Refuse what cannot be the name of an initiative: it is a folder, a section and a word in commands.

    Raises
    ------
    ConfigError
        It has other letters, or is a word of Python or a section of the settings.

    Examples
    --------
    >>> check_name("winback")
    >>> check_name("class")
    Traceback (most recent call last):
    matinee.errors.ConfigError: initiative: name is "class", a word of Python. Choose another name.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f'initiative: name is "{name}", expected 2 to 40 lower-case letters, digits or _, beginning with '
            "a letter."
        )
    for taken, what in (
        (iskeyword(name), "a word of Python"),
        (name in SECTIONS, "a section of the settings"),
    ):
        if taken:
            raise ConfigError(f'initiative: name is "{name}", {what}. Choose another name.')
