"""What is said of arms that cannot be compared, that break a guardrail late, or that fail altogether."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from tests.prove.experiment.homes import EXPERIMENT, START_US, add_rows, at, decision, new_home, play

from matinee.prove.experiment.definition import Arm, Design, Guardrail
from matinee.prove.experiment.findings import Comparison, GuardrailFinding, Look
from matinee.prove.experiment.guardrails import guardrails_broken
from matinee.prove.experiment.looking import Window
from matinee.prove.experiment.verdict import Judged, judge

PLANNED = Design(days=28)
THREE = msgspec.structs.replace(
    EXPERIMENT, arms=(Arm("control", 0.4), Arm("bold", 0.4), Arm("rare", 0.2)), design=PLANNED
)


def compared(arm: str, shows: Any) -> Comparison:
    lift = 0.5 if shows == "better" else -0.5
    return Comparison(
        metric="plays", title="", kind="mean", unit="", good="up", arm=arm, control=1.0, treated=1 + lift,
        lift=lift, low=lift - 0.1, high=lift + 0.1, difference=lift, difference_low=lift - 0.1,
        difference_high=lift + 0.1, error=0.02, z=lift / 0.02, p=None, interval="", shows=shows,
    )  # fmt: skip


def judged(experiment: Any, primary: list[Comparison], **more: Any) -> Judged:
    given = {"refusals": [], "guardrails": [], "stopped": {}} | more
    return judge(experiment, Window.of(experiment, START_US, at(14)), primary=primary, **given)


def test_an_arm_that_cannot_be_compared_yet_keeps_it_running() -> None:
    worse = compared("bold", "worse")
    assert judged(THREE, [worse]).verdict == "keep running"
    assert judged(THREE, [worse, compared("rare", "worse")]).verdict == "do not ship"
    assert judged(THREE, [worse], stopped={"rare": "errors"}).verdict == "do not ship"


def test_an_arm_that_breaks_a_guardrail_after_it_was_to_be_shipped() -> None:
    two = msgspec.structs.replace(EXPERIMENT, design=PLANNED)
    look = Look(
        at_us=at(10), until_us=at(10), fraction=0.4, n={}, estimate={}, error={}, bound={}, verdict="ship",
        winner="bold",
    )  # fmt: skip
    rail = GuardrailFinding(
        metric="watch_hours", title="", arm="bold", margin=0.02, good="up", standing="broken", stops=False,
        text="bold: watch_hours is worse by more than 2 %.",
    )  # fmt: skip
    assert judged(two, [], past=[look]).verdict == "ship"
    found = judged(two, [], past=[look], guardrails=[rail])
    assert (found.verdict, found.arm) == ("do not ship", None)
    assert found.reasons == [
        "bold was better at the look of 2024-10-14 00:00. But bold: watch_hours is worse by more than 2 %."
    ]


def test_an_arm_that_fails_for_everybody_breaks_its_guardrail(tmp_path: Path) -> None:
    """Neither arm varies then: 0 of all decisions, and all of them."""
    for name, failing, broken in (("arm", "bold", ["bold"]), ("control", "control", [])):
        home = new_home(tmp_path / name)
        units = [(f"m{i}", ("control", "bold")[i % 2]) for i in range(400)]
        rows = [decision(unit, arm, 0.1, fallback=arm == failing) for unit, arm in units]
        add_rows(home, "decisions", rows)
        add_rows(home, "plays", [play(unit, 1.0) for unit, _ in units])
        guarded = msgspec.structs.replace(
            EXPERIMENT, design=PLANNED, guardrails=(Guardrail("fallback_rate", 0.1),)
        )
        assert [one.arm for one in guardrails_broken(home, guarded, START_US, at(5))] == broken
