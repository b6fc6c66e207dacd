"""Releases: every gate is asked, one process wins, nothing in production changes when one says no."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import READS, TOY, counts

from matinee.errors import InputError, NotFoundError, StorageError, VerdictError
from matinee.observe.home import Home
from matinee.platform.gates.gate import Candidate, GateResult
from matinee.platform.gates.latency import Latency
from matinee.platform.lifecycle.evaluating import evaluate
from matinee.platform.lifecycle.project import Project, open_project_of
from matinee.platform.lifecycle.releasing import (
    UNITS_TRIED,
    UNKNOWN_UNIT,
    newest_evaluation,
    release,
    rollback,
    trial_units,
)
from matinee.platform.lifecycle.training import Trained, train
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step
from matinee.types import DAY_US


@pytest.fixture
def trained(project: Project) -> Trained:
    evaluate(project)
    return train(project)


class Story:
    """Trains, evaluates and releases with other settings each time."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.monkeypatch = home, monkeypatch

    def next(self, bias: int, day: int, lift: float = 0.2) -> str:
        self.monkeypatch.setenv("MATINEE_TOY__BIAS", str(bias))
        self.monkeypatch.setenv("MATINEE_TOY__LIFT", str(lift))
        with open_project_of(self.home, TOY) as project:
            evaluate(project)
            version = train(project).version
            assert release(project, released_us=day * DAY_US).release is not None
        return version


@pytest.fixture
def story(home: Home, monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(home, monkeypatch)


def test_a_release_is_a_row_with_its_evidence(project: Project, trained: Trained) -> None:
    found = release(project, released_us=7, approver="kim", note="first")
    assert found.release is not None
    assert [one.verdict for one in found.gates] == ["passed"] * 3
    row = project.registry.releases.current("toy")
    assert row == found.release
    assert (row.version, row.approver, row.note, row.released_us) == (trained.version, "kim", "first", 7)
    assert [one["gate"] for one in row.evidence["gates"]] == [gate.name for gate in TOY.gates]
    assert row.evidence["at"] == trained.card.at
    kept = project.registry.releases.gates("toy", row.attempt_id)
    assert [(one.gate, one.verdict, one.figure) for one in kept] == [
        (one.gate, one.verdict, one.figure) for one in found.gates
    ]


def test_a_gate_that_says_no_stops_the_release_and_is_kept(project: Project) -> None:
    train(project)
    found = release(project, released_us=7)
    assert found.release is None
    assert [one.gate for one in found.refused] == ["beats_baseline"]
    assert "Run: matinee evaluate toy" in found.refused[0].text
    assert project.registry.releases.history("toy") == []
    assert [one.verdict for one in project.registry.releases.gates("toy")] == ["failed", "passed", "passed"]


def test_a_worse_candidate_is_refused_and_production_stays(story: Story, home: Home) -> None:
    good = story.next(1, day=1, lift=0.3)
    story.monkeypatch.setenv("MATINEE_TOY__BIAS", "2")
    story.monkeypatch.setenv("MATINEE_TOY__LIFT", "0.1")
    with open_project_of(home, TOY) as worse:
        evaluate(worse)
        version = train(worse).version
        found = release(worse, released_us=2 * DAY_US)
        assert [one.gate for one in found.refused] == ["not_worse_than_released"]
        (refused,) = found.refused
        assert refused.figure is not None
        assert refused.bound is not None
        assert refused.figure < refused.bound < 0
        current = worse.registry.releases.current("toy")
    assert current is not None
    assert current.version == good != version


def test_an_evaluation_of_other_settings_or_data_does_not_count(
    project: Project, home: Home, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert newest_evaluation(project, trained.card.code, "home") is not None
    assert newest_evaluation(project, trained.card.code, "simulated") is None
    monkeypatch.setenv("MATINEE_TOY__BIAS", "5")
    with open_project_of(home, TOY) as other:
        train(other)
        assert [one.gate for one in release(other, released_us=7).refused] == ["beats_baseline"]


def test_an_evaluation_with_other_settings_of_the_policy_does_not_count(
    project: Project, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model does not depend on them, so its version and code stay; what it decides does."""
    careless = replace(TOY, pipeline=Pipeline("toy.train", [step(counts, reads=READS)]))
    with open_project_of(home, careless) as before:
        evaluate(before)
        version = train(before).version
        assert release(before, released_us=7, dry_run=True).refused == []
    monkeypatch.setenv("MATINEE_TOY__LIFT", "-1")
    with open_project_of(home, careless) as after:
        assert train(after).version == version
        assert [one.gate for one in release(after, released_us=7).refused] == ["beats_baseline"]


def test_an_older_evaluation_serves_where_the_newest_is_damaged(project: Project, trained: Trained) -> None:
    found = evaluate(project, cut=0.5)
    (found.folder / "evaluation.json").write_text("{")
    older = newest_evaluation(project, trained.card.code, "home")
    assert older is not None
    assert older.report.cut_us != found.evaluated.report.cut_us


def test_a_rehearsal_stores_nothing(project: Project, trained: Trained) -> None:
    found = release(project, released_us=7, dry_run=True)
    assert (found.release, found.refused) == (None, [])
    assert project.registry.releases.history("toy") == []
    assert project.registry.releases.gates("toy") == []


def test_nothing_trained_an_unknown_version_and_the_same_again_are_refused(project: Project) -> None:
    with pytest.raises(NotFoundError, match="no trained toy here"):
        release(project, released_us=7)
    evaluate(project)
    done = train(project)
    with pytest.raises(NotFoundError, match='unknown model version "v1"'):
        release(project, released_us=7, version="v1")
    release(project, released_us=7)
    with pytest.raises(InputError, match=f"version {done.version} is in production since"):
        release(project, released_us=8)
    assert len(project.registry.releases.history("toy")) == 1
    assert len(project.registry.releases.gates("toy")) == 3


def test_a_damaged_model_is_neither_released_nor_rolled_back_to(project: Project, trained: Trained) -> None:
    release(project, released_us=1)
    other = train(project, seed=1)
    (other.folder / "weights.npy").write_bytes(b"x")
    with pytest.raises(StorageError, match=r"weights\.npy: is changed"):
        release(project, released_us=2)
    third = train(project, seed=2)
    release(project, released_us=3)
    (trained.folder / "weights.npy").unlink()
    with pytest.raises(StorageError, match=r"weights\.npy: is missing"):
        rollback(project.home, project.registry, "toy", released_us=4)
    current = project.registry.releases.current("toy")
    assert current is not None
    assert current.version == third.version
    assert len(project.registry.releases.history("toy")) == 2


def test_a_clock_that_jumps_back_is_told_and_the_gates_are_not_half_registered(
    project: Project, trained: Trained
) -> None:
    release(project, released_us=10 * DAY_US)
    train(project, seed=1)
    with pytest.raises(InputError, match=r"the clock says .*, expected no time before the last release"):
        release(project, released_us=9 * DAY_US)
    with pytest.raises(VerdictError, match="nothing to roll back to"):
        rollback(project.home, project.registry, "toy", released_us=11 * DAY_US)
    assert len(project.registry.releases.history("toy")) == 1
    assert len(project.registry.releases.gates("toy")) == 3


def test_what_was_in_production_when(story: Story, home: Home) -> None:
    versions = [story.next(bias, day=bias) for bias in (1, 2, 3)]
    with open_project_of(home, TOY) as project:
        rollback(project.home, project.registry, "toy", released_us=20 * DAY_US, note="empty answers")
        releases = project.registry.releases
        found = releases.history("toy")
        assert [row.version for row in found] == [*versions, versions[1]]
        assert (found[-1].kind, found[-1].note) == ("rollback", "empty answers")
        days = {0: None, 1: versions[0], 2: versions[1], 19: versions[2], 20: versions[1]}
        for day, version in days.items():
            row = releases.current_on("toy", day * DAY_US + 1)
            assert (None if row is None else row.version) == version
        assert project.model()[0].name == versions[1]


def test_of_two_that_release_at_once_one_wins_and_the_other_is_told(home: Home) -> None:
    together = threading.Barrier(2)

    @dataclass(frozen=True)
    class Together:
        name: str = "together"

        def check(self, candidate: Candidate) -> GateResult:
            together.wait(30)
            return GateResult(self.name, "passed", "Both are here.")

    said: list[str] = []

    def put(version: str) -> None:
        with open_project_of(home, replace(TOY, gates=(Together(),))) as project:
            try:
                release(project, released_us=7, version=version)
                said.append("won")
            except VerdictError as problem:
                said.append(str(problem))

    with open_project_of(home, TOY) as project:
        # Trained beforehand: two trainings at once are refused, which is not the question here.
        versions = [train(project, seed=seed).version for seed in (0, 1)]
        threads = [threading.Thread(target=put, args=(version,)) for version in versions]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(project.registry.releases.history("toy")) == 1
        assert len(project.registry.releases.gates("toy")) == 1
    told = [text for text in said if text != "won"]
    assert len(said) == 2
    assert len(told) == 1
    assert "came first" in told[0]


def test_units_to_try_are_evaluated_ones_spread_out_and_one_that_nobody_knows(
    project: Project, trained: Trained
) -> None:
    evaluation = newest_evaluation(project, trained.card.code, "home")
    units = trial_units(project, evaluation)
    assert len(units) == UNITS_TRIED + 1
    assert units[:3] == ("m00", "m03", "m06")
    assert units[-1] == UNKNOWN_UNIT
    with open_project_of(project.home, replace(TOY, name="empty")) as nobody:
        assert trial_units(nobody, None) == (UNKNOWN_UNIT,)


@pytest.fixture
def broken(home: Home) -> Iterator[Project]:
    def fails(folder: Path, around: object) -> object:
        raise ValueError("no weights")

    with ExitStack() as stack:
        broken: Any = fails
        yield stack.enter_context(open_project_of(home, replace(TOY, open=broken, gates=(Latency(),))))


def test_a_model_that_does_not_open_is_not_released(broken: Project) -> None:
    train(broken)
    with pytest.raises(VerdictError, match=r"does not open \(ValueError: no weights\)"):
        release(broken, released_us=7)
    assert broken.registry.releases.history("toy") == []
