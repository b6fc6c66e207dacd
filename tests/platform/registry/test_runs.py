from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.edges import run_node
from matinee.platform.registry.runs import RunEnd, StepRow


def step(name: str, **fields: Any) -> StepRow:
    row = StepRow(
        run_id="r1", name=name, key="k", artefact="h", state="ran", duration_s=1.5, cpu_s=1.0, peak_mb=20.0,
        attempts=1,
    )  # fmt: skip
    return msgspec.structs.replace(row, **fields)


def test_a_run_from_begin_to_end(story: Any) -> None:
    runs = story.registry.runs
    story.initiative("art")
    begun = story.run("r1", "art")
    assert runs.read("r1") == begun
    assert begun.state == "running"
    runs.record_step(step("fit", state="failed", artefact=None, error="no memory"))
    runs.record_step(step("fit", attempts=2))
    runs.record_step(step("cut", state="cached", attempts=0))
    runs.end("r1", RunEnd(state="done", ended_us=9, cpu_s=2.5, peak_mb=64.0, cost_minor=12, currency="EUR"))
    ended = runs.read("r1")
    assert (ended.state, ended.ended_us, ended.cpu_s, ended.peak_mb) == ("done", 9, 2.5, 64.0)
    assert (ended.cost_minor, ended.currency) == (12, "EUR")
    assert [(one.name, one.state, one.attempts, one.error) for one in runs.steps("r1")] == [
        ("cut", "cached", 0, ""),
        ("fit", "ran", 2, ""),
    ]


def test_the_first_end_counts(story: Any) -> None:
    runs = story.registry.runs
    story.initiative("art")
    story.run("r1", "art")
    runs.end("r1", RunEnd(state="failed", ended_us=1, error="boom"))
    runs.end("r1", RunEnd(state="done", ended_us=2))
    assert (runs.read("r1").state, runs.read("r1").error) == ("failed", "boom")


def test_a_run_that_did_not_finish_is_taken_up_again(story: Any) -> None:
    runs = story.registry.runs
    story.initiative("art")
    begun = story.run("r1", "art")
    runs.end("r1", RunEnd(state="killed", ended_us=1))
    runs.begin(msgspec.structs.replace(begun, host="other", pid=7, started_us=5))
    again = runs.read("r1")
    assert (again.state, again.host, again.pid, again.started_us, again.ended_us) == (
        "running",
        "other",
        7,
        5,
        None,
    )
    runs.end("r1", RunEnd(state="done", ended_us=9))
    with pytest.raises(InputError, match="run r1: is done, expected one that did not finish"):
        runs.begin(begun)


def test_one_run_id_is_one_question(story: Any) -> None:
    story.initiative("art")
    begun = story.run("r1", "art")
    with pytest.raises(
        InputError, match=r"run r1: config is {'k': 11}, expected {'k': 10}, as registered before"
    ):
        story.registry.runs.begin(msgspec.structs.replace(begun, config={"k": 11}))
    with pytest.raises(InputError, match="run r1: seed is 1, expected 0"):
        story.registry.runs.begin(msgspec.structs.replace(begun, seed=1))


def test_the_latest_runs_come_first(story: Any) -> None:
    runs = story.registry.runs
    story.initiative("art")
    story.initiative("pay")
    begun = story.run("r1", "art")
    for number, name in enumerate(("art", "pay", "art"), start=2):
        runs.begin(msgspec.structs.replace(begun, run_id=f"r{number}", initiative=name, started_us=number))
    runs.end("r2", RunEnd(state="failed", ended_us=3, error="x"))
    assert [row.run_id for row in runs.latest()] == ["r4", "r3", "r2", "r1"]
    assert [row.run_id for row in runs.latest("art", limit=2)] == ["r4", "r2"]
    assert [row.run_id for row in runs.latest(state="failed")] == ["r2"]


def test_a_run_knows_its_datasets(story: Any) -> None:
    story.source("plays")
    story.dataset("d1", "plays")
    story.initiative("art")
    story.run("r1", "art", "d1")
    graph = story.registry.lineage.upstream(run_node("r1"))
    assert (graph.of("dataset"), graph.of("source")) == (["d1"], ["plays"])
    with pytest.raises(NotFoundError, match=r'run r1: unknown dataset "d2". Known: d1'):
        story.registry.runs.use_dataset("r1", "d2", since_us=0)


def test_unknown_names_and_words_are_told(story: Any) -> None:
    runs = story.registry.runs
    with pytest.raises(NotFoundError, match='run r1: unknown initiative "art"'):
        story.run("r1", "art")
    story.initiative("art")
    begun = story.run("r1", "art")
    with pytest.raises(NotFoundError, match=r'unknown run "r2". Known: r1'):
        runs.read("r2")
    with pytest.raises(NotFoundError, match='unknown run "rr"'):
        runs.end("rr", RunEnd(state="done", ended_us=1))
    with pytest.raises(NotFoundError, match='step fit: unknown run "r2"'):
        runs.record_step(step("fit", run_id="r2"))
    with pytest.raises(InputError, match=r'run r1, step fit: unknown state "run". Did you mean "ran"'):
        runs.record_step(step("fit", state="run"))
    with pytest.raises(InputError, match=r'run r9: unknown pipeline "trian". Did you mean "train"'):
        runs.begin(msgspec.structs.replace(begun, run_id="r9", pipeline="trian"))
    with pytest.raises(InputError, match=r'run r9: unknown data "house". Did you mean "home"'):
        runs.begin(msgspec.structs.replace(begun, run_id="r9", data="house"))


def test_figures_that_are_not_finite_are_stored_as_null_in_json(story: Any) -> None:
    story.initiative("art")
    begun = story.run("r1", "art")
    story.registry.runs.begin(msgspec.structs.replace(begun, run_id="r2", config={"b": float("nan"), "a": 1}))
    assert story.registry.runs.read("r2").config == {"a": 1, "b": None}
