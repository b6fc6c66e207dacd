"""Gate: the version won its experiment."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.platform.gates.candidates import candidate

from matinee.platform.gates.experiment import ExperimentWon
from matinee.platform.registry.experiment_rows import ArmStop, ExperimentRow
from matinee.prove.experiment.definition import Arm, Experiment

ARMS = (Arm("old", 0.5, "v1"), Arm("new", 0.25, "v2"), Arm("other", 0.25, "v3"))
ROW = ExperimentRow(
    name="toy-1",
    initiative="toy",
    owner="ana",
    layer="toy",
    definition=Experiment(
        name="toy-1", initiative="toy", owner="ana", hypothesis="h", arms=ARMS, primary="watch", salt="s"
    ),
    digest="d",
    started_us=0,
    ended_us=5,
    verdict="undecided",
)


def row(**change: Any) -> ExperimentRow:
    return msgspec.structs.replace(ROW, **change)


def said(*rows: ExperimentRow, version: str = "v2", required: bool = False) -> tuple[str, str]:
    found = ExperimentWon(required).check(candidate(version=version, experiments=lambda: rows))
    return found.verdict, found.text


@pytest.mark.parametrize(
    ("change", "version", "verdict", "text"),
    [
        ({"verdict": "ship", "winner": "new"}, "v2", "passed", "says: ship new (v2)."),
        ({"verdict": "ship", "winner": "other"}, "v2", "failed", "says: ship other (v3)."),
        ({"verdict": "ship", "winner": "new"}, "v1", "failed", "says: ship new (v2)."),
        ({"verdict": "keep"}, "v2", "failed", "says: keep old (v1)."),
        ({"verdict": "keep"}, "v1", "passed", "says: keep old (v1)."),
        ({"verdict": "undecided"}, "v2", "not_measured", "ended without a decision."),
        ({"verdict": "refused"}, "v2", "not_measured", "could not be believed."),
        ({"verdict": None, "ended_us": None}, "v2", "failed", "Experiment toy-1 still runs with it"),
    ],
)
def test_what_the_verdict_means(change: Any, version: str, verdict: str, text: str) -> None:
    found = said(row(**change), version=version)
    assert found[0] == verdict
    assert text in found[1]


def test_the_latest_counts_and_other_versions_do_not() -> None:
    won, lost = row(verdict="ship", winner="new", ended_us=9), row(verdict="keep", ended_us=5)
    assert said(won, lost)[0] == said(lost, won)[0] == "passed"
    assert said(won, version="v9") == ("not_measured", "No experiment had it as an arm.")


@pytest.mark.parametrize("later", ["undecided", "refused"])
def test_the_last_decided_word_holds(later: str) -> None:
    lost, won = row(verdict="keep", ended_us=5), row(verdict="ship", winner="new", ended_us=5)
    after = row(name="toy-2", verdict=later, ended_us=9)
    verdict, text = said(lost, after)
    assert verdict == said(after, lost)[0] == "failed"
    assert "Experiment toy-1, stopped 1970-01-01T00:00:00Z, says: keep old (v1)." in text
    assert "Experiment toy-2, stopped" in text
    assert said(won, after, required=True)[0] == "passed"
    assert said(lost, after, version="v1")[0] == "passed"


def test_a_version_whose_arm_was_stopped_has_lost() -> None:
    stopped = {"new": ArmStop(3, "watch_hours is worse")}
    verdict, text = said(row(stopped_arms=stopped))
    assert verdict == "failed"
    assert "stopped arm new (v2): watch_hours is worse." in text
    assert said(row(stopped_arms=stopped), version="v3")[0] == "not_measured"
    assert said(row(stopped_arms=stopped, verdict="keep"), version="v1")[0] == "passed"


def test_an_interleaving_counts_and_is_called_one() -> None:
    merged = msgspec.structs.replace(ROW.definition, kind="interleaving")
    found = said(row(definition=merged, verdict="ship", winner="new"))
    assert found[0] == "passed"
    assert found[1].startswith("Interleaving toy-1, stopped")


def test_it_can_be_required() -> None:
    assert said(required=True)[0] == "failed"
    assert "matinee experiment new NAME" in said(required=True)[1]
    assert said(row(verdict="ship", winner="new"), required=True)[0] == "passed"
