"""Running by hand and by a scheduler: the plan, single steps, the fingerprint, what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.platform.toys import STEPS, TOY, ToyConfig, model, noise

from matinee.errors import ConfigError, InputError, NotFoundError
from matinee.observe.home import Home
from matinee.platform.lifecycle.project import Project, open_project_of
from matinee.platform.lifecycle.running import (
    fingerprint,
    plan_pipeline,
    run_one_step,
    run_pipeline,
    workspace,
)
from matinee.platform.lifecycle.training import keep, train
from matinee.platform.pipeline.pipeline import Pipeline


def test_step_by_step_makes_the_version_of_a_whole_training(project: Project) -> None:
    for name in STEPS:
        record = run_one_step(project, TOY.pipeline, name, run_id="r")
    assert record.state == "done"
    kept = keep(project, workspace(project).store.folder(record.result), record)
    assert kept.version == train(project).version


def test_the_first_step_fixes_moment_and_seed(project: Project, home: Home) -> None:
    with open_project_of(home, TOY, at="2024-11-05") as earlier:
        run_one_step(earlier, TOY.pipeline, "noise", run_id="r", seed=4)
    with pytest.raises(ConfigError, match="run r: seed is 5, expected what the run began with"):
        run_one_step(project, TOY.pipeline, "counts", run_id="r", seed=5)
    with (
        open_project_of(home, TOY, at="2024-11-06") as other,
        pytest.raises(ConfigError, match="run r: at_us is 1730851200000000, expected what"),
    ):
        run_one_step(other, TOY.pipeline, "counts", run_id="r")
    for name in ("counts", "model"):
        record = run_one_step(project, TOY.pipeline, name, run_id="r")
    with open_project_of(home, TOY, at="2024-11-05") as earlier:
        whole = train(earlier, seed=4)
    assert record.seed == 4
    assert keep(project, workspace(project).store.folder(record.result), record).version == whole.version


def test_a_step_before_its_inputs_is_refused(project: Project) -> None:
    with pytest.raises(NotFoundError, match="input counts has not run in run r"):
        run_one_step(project, TOY.pipeline, "model", run_id="r")
    with pytest.raises(ConfigError, match=r'unknown step "modle"\. Did you mean "model"'):
        run_one_step(project, TOY.pipeline, "modle", run_id="r")


def test_the_plan_says_what_would_run_and_why(
    project: Project, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [one.cached for one in plan_pipeline(project, TOY.pipeline, seed=0)] == [False] * 3
    train(project)
    assert [one.cached for one in plan_pipeline(project, TOY.pipeline, seed=0)] == [True] * 3
    monkeypatch.setenv("MATINEE_TOY__BIAS", "1")
    with open_project_of(home, TOY) as changed:
        planned = plan_pipeline(changed, TOY.pipeline, seed=0)
    assert [one.why for one in planned] == ["", "", "config changed"]


def other_model(noise: list[float]) -> int:
    return 1


def test_the_fingerprint_is_of_code_and_settings(project: Project, home: Home) -> None:
    own = fingerprint(project, TOY.pipeline)
    assert own == fingerprint(project, TOY.pipeline)
    settings = replace(project, config=ToyConfig(bias=9))
    assert fingerprint(settings, TOY.pipeline) != own
    alone = Pipeline("toy.train", [noise])
    assert fingerprint(settings, alone) == fingerprint(project, alone)  # it takes no settings
    assert fingerprint(project, alone) != own
    assert model.__name__ in STEPS


def test_the_cost_of_a_run_is_its_price_times_its_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_PLATFORM__COST_MINOR_PER_CPU_HOUR", "360000000")
    monkeypatch.setenv("MATINEE_PLATFORM__CURRENCY", "SEK")
    with open_project_of(home, TOY) as project:
        record = run_pipeline(project, TOY.pipeline, seed=0).record
        row = project.registry.runs.read(record.run_id)
    assert record.cost is not None
    assert (row.currency, row.cost_minor) == ("SEK", round(record.cost.amount_minor))
    assert row.cpu_s == pytest.approx(record.cpu_s)


@pytest.mark.parametrize("run_id", ["../up", "a b", "", "x" * 300])
def test_a_run_id_that_is_no_name_is_refused(project: Project, run_id: str) -> None:
    with pytest.raises(InputError):
        run_one_step(project, TOY.pipeline, "noise", run_id=run_id)


def test_a_scheduler_may_start_a_run_that_is_done_once_more(project: Project) -> None:
    for name in STEPS:
        run_one_step(project, TOY.pipeline, name, run_id="r")
    before = project.registry.runs.read("r"), project.registry.runs.steps("r")
    assert run_one_step(project, TOY.pipeline, "counts", run_id="r").state == "done"
    assert run_pipeline(project, TOY.pipeline, seed=0, run_id="r").record.state == "done"
    assert (project.registry.runs.read("r"), project.registry.runs.steps("r")) == before
    other = replace(project, config=ToyConfig(bias=1))
    with pytest.raises(InputError, match="run r: config"):
        run_pipeline(other, TOY.pipeline, seed=0, run_id="r")
