"""What a run would do, and which results can go."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.pipeline.modules import artefacts, states

from matinee.errors import ConfigError, StorageError
from matinee.platform.pipeline.artefacts import CARD
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.plan import plan
from matinee.platform.pipeline.prune import prune, recent_artefacts
from matinee.platform.pipeline.runner import Outcome, run
from matinee.platform.pipeline.scratch import in_use, scratch
from matinee.platform.pipeline.step import step
from matinee.platform.pipeline.workspace import Workspace


def base(seed: int) -> list[int]:
    return [seed]


def twice(base: list[int], config: dict[str, int]) -> list[int]:
    return base * config["n"]


def once(seed: int) -> int:
    return seed


PIPELINE = Pipeline("p", (base, once, twice))


def ran(workspace: Workspace, seed: int = 1, n: int = 2) -> Outcome:
    return run(PIPELINE, {"seed": seed, "config": {"n": n}}, workspace=workspace, now=lambda: seed)


def reasons(workspace: Workspace, seed: int = 1, n: int = 2, pipeline: Pipeline = PIPELINE) -> dict[str, str]:
    planned = plan(pipeline, {"seed": seed, "config": {"n": n}}, workspace=workspace)
    return {one.name: "cached" if one.cached else one.why for one in planned.steps}


def test_a_plan_says_what_would_run_and_why_and_runs_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    never = "has not run before"
    assert reasons(workspace) == {"base": never, "once": never, "twice": f"base runs; {never}"}
    assert not workspace.root.exists()
    ran(workspace)
    assert reasons(workspace) == {"base": "cached", "once": "cached", "twice": "cached"}
    assert reasons(workspace, n=3) == {"base": "cached", "once": "cached", "twice": "config changed"}
    assert reasons(workspace, seed=2) == {
        "base": "seed changed",
        "once": "seed changed",
        "twice": "base runs",
    }
    newer = Pipeline("p", (base, once, step(twice, version="2")))
    assert reasons(workspace, pipeline=newer)["twice"] == "version 1 -> 2 changed"
    with pytest.raises(ConfigError, match="nothing is given under this name"):
        plan(PIPELINE, {}, workspace=workspace)


def test_a_plan_is_printed_as_a_table(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    ran(workspace)
    text = str(plan(PIPELINE, {"seed": 1, "config": {"n": 5}}, workspace=workspace))
    assert [line.split() for line in text.splitlines()] == [
        ["step", "from", "reads", "why"],
        ["base", "seed", "cached"],
        ["once", "seed", "cached"],
        ["twice", "base,", "config", "runs", "config", "changed"],
    ]


def test_pruning_keeps_what_is_named_and_is_dry_unless_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    old, new = ran(workspace, seed=1), ran(workspace, seed=2)
    names = workspace.store.names()
    keep = recent_artefacts(workspace, runs=1)
    assert keep == {*artefacts(new.record).values()}
    dry = prune(workspace, keep)
    assert workspace.store.names() == names
    assert dry.freed_bytes > 0
    done = prune(workspace, keep, dry_run=False)
    assert (done.removed, done.kept) == (dry.removed, len(keep))
    assert workspace.store.names() == sorted(keep)
    assert set(states(ran(workspace, seed=2).record).values()) == {"cached"}
    again = ran(workspace, seed=1)
    assert set(states(again.record).values()) == {"ran"}
    assert artefacts(again.record) == artefacts(old.record)


def test_pruning_removes_what_a_killed_removal_left(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first, *others = artefacts(ran(workspace).record).values()
    (workspace.store.root / first / CARD).unlink()  # goes first, the files after it
    (workspace.store.root / "note.txt").touch()
    done = prune(workspace, others, dry_run=False)
    assert (done.removed, done.kept) == ([first], len({*others} - {first}))
    assert not (workspace.store.root / first).exists()
    assert (workspace.store.root / "note.txt").exists()


def test_pruning_waits_for_runs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    ran(workspace)
    with (
        scratch(workspace.scratch),
        pytest.raises(StorageError, match=r"a run is going on here.*nothing was removed"),
    ):
        prune(workspace, set(), dry_run=False)
    assert len(workspace.store.names()) == 3


def test_scratch_folders_of_the_living_stay_and_those_of_the_dead_go(tmp_path: Path) -> None:
    dead = tmp_path / "0123"
    dead.mkdir()
    (dead / "half").touch()
    (tmp_path / "0123.lock").touch()
    with scratch(tmp_path) as mine:
        assert mine.is_dir()
        assert not dead.exists()
        with scratch(tmp_path) as other:
            assert mine.is_dir()
            assert other != mine
        assert in_use(tmp_path)
    assert [*tmp_path.iterdir()] == []
    assert not in_use(tmp_path)
