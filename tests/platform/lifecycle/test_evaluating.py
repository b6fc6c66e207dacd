"""Evaluating: the report is kept with the code it belongs to, and changes nothing else."""

from __future__ import annotations

import pytest
from tests.platform.pipeline.modules import states
from tests.platform.toys import TOY, UNITS

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated
from matinee.platform.lifecycle.evaluating import evaluate
from matinee.platform.lifecycle.project import Project, open_project_of
from matinee.platform.lifecycle.running import fingerprint


def test_the_registry_holds_the_figure_its_interval_and_where_the_report_is(project: Project) -> None:
    found = evaluate(project)
    (row,) = project.registry.models.evaluations("toy")
    lift = found.evaluated.report.lift
    assert lift is not None
    assert (row.lift, row.lift_low, row.baseline) == (lift.mean, lift.low, "coin")
    assert row.metric == "worth of a decision"
    assert row.code == fingerprint(project, TOY.pipeline)
    kept = Evaluated.load(project.home.root / row.folder)
    assert kept.report == found.evaluated.report
    assert len(kept.values) == UNITS
    assert project.registry.models.versions("toy") == []
    assert not any(project.home.releases.iterdir())


def test_the_same_is_not_judged_twice_and_another_cut_is(project: Project) -> None:
    first, again = evaluate(project), evaluate(project)
    assert states(again.run) == {"judged": "cached"}
    assert again.evaluated.report == first.evaluated.report
    assert states(evaluate(project, cut=0.5).run) == {"judged": "ran"}


def test_other_settings_are_another_pipeline(
    project: Project, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(project)
    monkeypatch.setenv("MATINEE_TOY__BIAS", "1")
    with open_project_of(home, TOY) as other:
        evaluate(other)
        codes = {row.code for row in other.registry.models.evaluations("toy")}
    assert len(codes) == 2


@pytest.mark.parametrize("cut", [0.0, 1.0, -1.0, 2.0, float("nan")])
def test_a_cut_that_is_no_share_is_refused_before_anything_runs(project: Project, cut: float) -> None:
    with pytest.raises(InputError, match=r"cut is .*, expected a share between 0 and 1"):
        evaluate(project, cut=cut)
    assert project.registry.runs.latest("toy") == []
