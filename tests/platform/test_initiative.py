"""The contract: what is wrong in a declaration is named when it is made."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.platform.toys import READS, TOY, Nothing, ToyForecaster, judged

from matinee.errors import ConfigError
from matinee.observe.home import Home
from matinee.platform.gates.approval import Approval
from matinee.platform.gates.beats_baseline import BeatsBaseline
from matinee.platform.initiative import Fallback, Initiative, Input, Reward
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step


def toy(**changes: Any) -> Initiative:
    return dataclasses.replace(TOY, **changes)


def test_what_it_does_follows_from_what_it_names() -> None:
    assert (TOY.kind, TOY.tables) == ("decides", READS)
    forecasts = toy(
        actions=None,
        target="plays in 30 days",
        open=ToyForecaster.open,
        fallback=Fallback("zero", ToyForecaster.without),
    )
    assert forecasts.kind == "forecasts"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "9x"}, 'name is "9x", expected 2 to 40 lower-case letters'),
        ({"name": "Home"}, 'name is "Home", expected'),
        ({"name": "x"}, 'name is "x", expected'),
        ({"name": "a" * 41}, "expected 2 to 40"),
        ({"owner": " "}, "toy: owner is empty"),
        ({"hypothesis": ""}, "toy: hypothesis is empty"),
        ({"tier": 0}, "toy: tier is 0, expected 1 to 4"),
        ({"stage": "prod"}, 'toy: unknown stage "prod"'),
        ({"actions": None}, "expected one of the two"),
        ({"target": "plays"}, "expected one of the two"),
        ({"latency_budget_ms": 0}, "latency_budget_ms is 0, expected milliseconds above 0"),
        ({"latency_budget_ms": float("nan")}, "latency_budget_ms is nan"),
        ({"refreshed_every_h": 0}, "refreshed_every_h is 0, expected hours above 0"),
        ({"config": dict}, "expected a frozen dataclass"),
        ({"data": "real"}, 'data is "real", expected home or simulated'),
        ({"gates": (Approval(), BeatsBaseline(), Approval(1))}, "gate approval stands twice"),
        ({"inputs": [Input("plays", "why"), Input("plays", "again")]}, "input plays stands twice"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_value(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as failure:
        toy(**changes)
    assert text in str(failure.value)


def test_a_table_that_does_not_exist_and_a_window_of_zero_are_refused() -> None:
    with pytest.raises(ConfigError, match=r'unknown table "palys"\. Did you mean "plays"'):
        Input("palys", "why")
    for window_h in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match=f"reward worth: window_h is {window_h}"):
            Reward("worth", "points", "what counts", window_h)


def peeps(home: Home) -> int:
    return 1


def test_a_step_that_reads_what_is_not_declared_is_named() -> None:
    reads = step(peeps, reads=("plays", "members"))
    said = r"toy, step peeps: reads members, .*Add Input\(\"members\", why\)"
    with pytest.raises(ConfigError, match=said):
        toy(pipeline=Pipeline("toy.train", [reads]))
    with pytest.raises(ConfigError, match=said):
        toy(evaluation=Pipeline("toy.evaluate", [reads, step(judged, reads=READS)]))


def counts() -> int:
    return 1


def test_an_evaluation_that_gives_something_else_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"toy, evaluation: step counts .* returns int, expected Evaluated"):
        toy(evaluation=Pipeline("toy.evaluate", [counts]))


def test_two_with_the_same_fields_are_two() -> None:
    assert toy() != TOY
    assert {TOY: 1}[TOY] == 1
    assert Fallback("nothing", Nothing.open).name == "nothing"
