"""What a definition may not say of itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError
from matinee.prove.experiment.definition import Arm, Design, Experiment, Guardrail

TRIAL = Experiment(
    name="art-1",
    initiative="art",
    owner="ana",
    hypothesis="If we, then they.",
    arms=(Arm("old", 0.5), Arm("new", 0.5, "v2")),
    primary="watch",
    secondary=("plays",),
    guardrails=(Guardrail("watch"), Guardrail("errors")),
)


def test_a_whole_one() -> None:
    assert TRIAL.checked() is TRIAL
    assert (TRIAL.in_layer, TRIAL.control.name, TRIAL.until_share) == ("art", "old", 1.0)
    assert TRIAL.metrics == ("watch", "plays", "errors")
    again = msgspec.json.decode(msgspec.json.encode(TRIAL), type=Experiment)
    assert again == TRIAL
    assert again.digest == TRIAL.digest != msgspec.structs.replace(TRIAL, kept_out=0.1).digest


NAN = float("nan")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Art 1"}, 'experiment: name is "Art 1", expected small letters'),
        ({"name": "a"}, "2 to 60 of them"),
        ({"owner": " "}, "experiment art-1: owner is empty"),
        ({"hypothesis": ""}, "hypothesis is empty"),
        ({"arms": (Arm("a", 1.0),)}, r"arms are \['a'\], expected at least two"),
        ({"arms": (Arm("a", 0.5), Arm("a", 0.5))}, "each with its own name"),
        ({"arms": (Arm("a", 0.5), Arm("b", 0.5, ""))}, 'an arm answers "", expected a version'),
        ({"arms": (Arm("a", 0.5), Arm("b", 0.4))}, "a 0.5, b 0.4, expected above 0 with the sum 1"),
        ({"arms": (Arm("a", 1.0), Arm("b", 0.0))}, "a 1, b 0, expected above 0"),
        ({"arms": (Arm("a", NAN), Arm("b", NAN))}, "expected above 0 with the sum 1"),
        (
            {"kind": "interleaving", "arms": (Arm("a", 0.4), Arm("b", 0.3), Arm("c", 0.3))},
            "interleaving with 3 arms, expected two",
        ),
        ({"share": 0.0}, "share is 0, expected above 0 and at most 1"),
        ({"share": NAN}, "share is nan"),
        ({"from_share": -0.1}, "from_share is -0.1, expected from 0 to below 1"),
        ({"from_share": 0.5, "share": 0.6}, r"from_share \+ share is 1.1, expected at most 1"),
        ({"kept_out": 1.0}, "kept_out is 1, expected from 0 to below 1"),
        ({"covariate_days": -1}, "covariate_days is -1, expected 0 or more"),
        ({"design": Design(alpha=0.5)}, "design.alpha is 0.5, expected above 0 and below 0.5"),
        ({"design": Design(power=0.4)}, "design.power is 0.4"),
        ({"design": Design(effect=0.0)}, "design.effect is 0, expected above 0"),
        ({"design": Design(days=0)}, "design.days is 0, expected 1 or more"),
        ({"design": Design(looks=1_001)}, "design.looks is 1001, expected 1 to 1,000"),
        ({"guardrails": (Guardrail("x", margin=-1.0),)}, "margin of x is -1, expected 0 or more"),
        ({"guardrails": (Guardrail("x"), Guardrail("x"))}, 'guardrails name "x" twice'),
        ({"secondary": ("watch",)}, 'primary and secondary name "watch" twice, expected it once'),
        ({"segments": ("age",)}, 'unknown segment "age"'),
        ({"segments": ("kids", "kids")}, 'segments name "kids" twice'),
    ],
)
def test_contradictions_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        msgspec.structs.replace(TRIAL, **change).checked()
