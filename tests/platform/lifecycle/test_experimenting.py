"""Experiments from draft to end, on the toy initiative: what starts, what is refused, what a release asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.platform.toys import TOY, ToyForecaster

from matinee.errors import InputError, NotFoundError, VerdictError
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.platform.gates.experiment import ExperimentWon
from matinee.platform.gates.guardrails import Guardrail, Guardrails
from matinee.platform.initiative import Fallback
from matinee.platform.lifecycle.assigning import assigned
from matinee.platform.lifecycle.evaluating import evaluate
from matinee.platform.lifecycle.experimenting import (
    check_unchanged,
    is_changed,
    new_draft,
    ramp_experiment,
    start_experiment,
    stop_experiment,
)
from matinee.platform.lifecycle.project import Project, open_project_of
from matinee.platform.lifecycle.releasing import release
from matinee.platform.lifecycle.rolling_out import start_shadow
from matinee.platform.lifecycle.training import train
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.prove.experiment.assignment import assign
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.prove.experiment.draft import draft_path, read_draft
from matinee.prove.experiment.findings import Look
from matinee.prove.experiment.metrics.catalogue import known_metrics
from matinee.prove.experiment.reading import metrics_of
from matinee.types import DAY_US

GATED = dataclasses.replace(TOY, gates=(*TOY.gates, ExperimentWon()))
FORECASTS = dataclasses.replace(
    TOY, actions=None, target="points", open=ToyForecaster.open,
    fallback=Fallback("toy/none", ToyForecaster.without),
)  # fmt: skip


@pytest.fixture
def ready(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A version in production, and a newer one."""
    for bias in ("0", "1"):
        monkeypatch.setenv("MATINEE_TOY__BIAS", bias)
        with open_project_of(home, TOY) as project:
            evaluate(project)
            train(project)
            if bias == "0":
                assert release(project, released_us=1).release is not None
    with open_project_of(home, GATED) as project:
        yield project


def versions(project: Project) -> tuple[str, str]:
    """In production, newest."""
    current = project.registry.releases.current("toy")
    assert current is not None
    return current.version, project.registry.models.versions("toy")[0].version


def drafted(project: Project, **change: Any) -> Experiment:
    path = draft_path(project.home.root, "toy-1")
    if not path.exists():
        new_draft(project, "toy-1")
    return msgspec.structs.replace(read_draft(path), **change)


def started(project: Project, **change: Any) -> ExperimentRow:
    return start_experiment(project, drafted(project, **change), started_us=DAY_US, by="kim")


def look(verdict: Any, winner: str | None = None) -> Look:
    return Look(
        at_us=2 * DAY_US, until_us=2 * DAY_US, fraction=0.5, n={"control": 5, "treatment": 5},
        verdict=verdict, winner=winner, estimate={"treatment": 0.1},
        error={"treatment": 0.01}, bound={"treatment": 2.0},
    )  # fmt: skip


def test_from_draft_to_release(ready: Project) -> None:
    old, new = versions(ready)
    found = new_draft(ready, "toy-1")
    assert found.notes == ()
    draft = read_draft(found.path)
    assert draft == found.draft
    assert [arm.answers for arm in draft.arms] == ["production", new]
    assert start_experiment(ready, draft, started_us=DAY_US, dry_run=True).versions == (old, new)
    assert ready.registry.experiments.all() == []
    row = start_experiment(ready, draft, started_us=DAY_US, by="kim", salt="s1")
    assert (row.versions, row.definition.salt, row.started_by) == ((old, new), "s1", "kim")
    assert ready.registry.experiments.running() == [row]

    refused = release(ready, released_us=DAY_US)
    assert [gate.gate for gate in refused.refused] == ["experiment"]
    assert "Experiment toy-1 still runs with it" in refused.refused[0].text

    ready.registry.experiments.add_look("toy-1", look("ship", "treatment"))
    assert stop_experiment(ready.registry, "toy-1", ended_us=3 * DAY_US, dry_run=True).verdict == "ship"
    assert ready.registry.experiments.read("toy-1").state == "running"
    over = stop_experiment(ready.registry, "toy-1", ended_us=3 * DAY_US, by="kim")
    assert (over.verdict, over.winner, over.reason) == ("ship", "treatment", "the last look said: ship")
    assert over.result is not None
    assert over.result["look"]["estimate"] == {"treatment": 0.1}
    won = release(ready, released_us=4 * DAY_US)
    assert won.release is not None
    assert won.release.version == new
    with pytest.raises(InputError, match="toy-1: was stopped"):
        stop_experiment(ready.registry, "toy-1", ended_us=4 * DAY_US, dry_run=True)


def test_a_lost_one_stops_a_release_until_another_is_won(ready: Project) -> None:
    started(ready)
    ready.registry.experiments.add_look("toy-1", look("keep"))
    stop_experiment(ready.registry, "toy-1", ended_us=3 * DAY_US)
    (said,) = release(ready, released_us=3 * DAY_US).refused
    assert said.text.startswith("Experiment toy-1, stopped 1970-01-04T00:00:00Z, says: keep control")
    again = msgspec.structs.replace(drafted(ready), name="toy-2")
    start_experiment(ready, again, started_us=4 * DAY_US)
    assert stop_experiment(ready.registry, "toy-2", ended_us=5 * DAY_US).verdict == "undecided"
    (said,) = release(ready, released_us=6 * DAY_US).refused
    assert said.text.startswith("Experiment toy-1, stopped 1970-01-04T00:00:00Z, says: keep control")
    assert said.text.endswith("Experiment toy-2, stopped 1970-01-06T00:00:00Z, ended without a decision.")
    start_experiment(ready, msgspec.structs.replace(again, name="toy-3"), started_us=7 * DAY_US)
    ready.registry.experiments.add_look("toy-3", look("ship", "treatment"))
    stop_experiment(ready.registry, "toy-3", ended_us=9 * DAY_US)
    assert release(ready, released_us=9 * DAY_US).release is not None


def test_an_undecided_one_alone_stops_no_release(ready: Project) -> None:
    started(ready)
    assert stop_experiment(ready.registry, "toy-1", ended_us=5 * DAY_US).verdict == "undecided"
    assert release(ready, released_us=6 * DAY_US).release is not None


def test_in_a_high_tier_gates_are_asked_about_what_members_would_see(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, new = versions(ready)
    rail = Guardrails((Guardrail("no_such_figure", "tests want it", at_least=1.0),))
    draft = drafted(ready)
    for gates, by, said in (
        (
            GATED.gates,
            None,
            f"1 gate says no to showing version {new} of toy (tier 1) to anybody. approval: ",
        ),
        (
            (*GATED.gates, rail),
            None,
            "2 gates say no .* approval: .* guardrails: The evaluation has no no_such",
        ),
        ((*GATED.gates, rail), "kim", "1 gate says no .* guardrails: "),
    ):
        with (
            open_project_of(ready.home, dataclasses.replace(GATED, tier=1, gates=gates)) as project,
            pytest.raises(VerdictError, match=said.replace("(", r"\(").replace(")", r"\)")),
        ):
            start_experiment(project, draft, started_us=1, by=by, dry_run=True)
    with open_project_of(ready.home, dataclasses.replace(GATED, tier=1)) as project:
        assert start_experiment(project, draft, started_us=1, by="kim").started_by == "kim"


def test_each_start_draws_its_own_salt(ready: Project) -> None:
    draft = drafted(ready, share=0.1)
    salts = {
        start_experiment(ready, msgspec.structs.replace(draft, name=f"x-{at}"), started_us=1).definition.salt
        for at in range(3)
    }
    assert len(salts) == 3


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"primary": "wach_hours"}, InputError, 'unknown metric "wach_hours". Did you mean "watch_hours"'),
        ({"secondary": ("nothing",)}, InputError, 'experiment toy-1: unknown metric "nothing"'),
        ({"unit": "account"}, InputError, 'unit is "account" and no member of .* has an account'),
        (
            {"arms": (Arm("a", 0.5), Arm("b", 0.5, "v9"))},
            NotFoundError,
            'unknown model version "v9"',
        ),
    ],
)
def test_what_cannot_start_is_told(ready: Project, change: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        started(ready, **change)
    assert ready.registry.experiments.all() == []


def test_an_account_is_a_unit_where_members_have_one(ready: Project, tmp_path: Path) -> None:
    table = tmp_path / "members.csv"
    table.write_text("member_id,account_id\nm1,a1\nm2,a1\nm3,a2\n", encoding="utf-8")
    run_import(ready.home, "members", table)
    row = started(ready, unit="account", kept_out=0.5)
    found = assigned(ready.home, row, ["m1", "m2", "m3", "m9"])
    assert found.unit_id.tolist() == ["a1", "a1", "a2", "m9"]
    assert found.arm[0] == found.arm[1]
    for unit_id, arm, kept_out in zip(found.unit_id, found.arm, found.kept_out, strict=True):
        one = assign(row.current, unit_id)
        assert one is not None
        assert (row.definition.arms[one.arm].name, one.kept_out) == (arm, kept_out)


def test_members_in_bulk(ready: Project) -> None:
    row = started(ready, share=0.5)
    ids = [f"m{number}" for number in range(2_000)]
    found = assigned(ready.home, row, ids, holdout=0.1)
    assert set(found.counts) == {"", "holdout", "control", "treatment"}
    assert 150 < found.counts["holdout"] < 250
    assert sum(found.counts.values()) == len(ids)
    mixed = msgspec.structs.replace(row.definition, kind="interleaving")
    both = assigned(ready.home, msgspec.structs.replace(row, definition=mixed, ramps=()), ids)
    assert set(both.counts) == {"", "both"}


def test_units_that_an_initiative_does_not_decide_about(home: Home) -> None:
    for unit, said in (
        ("title", 'unit is "member", expected "title".* It cannot be in an experiment'),
        ("account", 'expected "account": that is what toy decides about.* Write unit = "account"'),
    ):
        with open_project_of(home, dataclasses.replace(TOY, unit=unit)) as project:
            draft = msgspec.structs.replace(drafted(project), unit="member")
            with pytest.raises(InputError, match=said):
                start_experiment(project, draft, started_us=1)


def test_a_forecast_is_not_tried(home: Home) -> None:
    with (
        open_project_of(home, FORECASTS) as project,
        pytest.raises(InputError, match="experiment toy-1: toy forecasts, expected an initiative that"),
    ):
        new_draft(project, "toy-1")


def test_without_a_release_there_is_no_production(home: Home) -> None:
    with open_project_of(home, TOY) as project:
        found = new_draft(project, "toy-1")
        assert "train one (matinee train toy)" in found.notes[0]
        assert [arm.answers for arm in found.draft.arms] == ["fallback", "fallback"]
        assert started(project).versions == ()  # a comparison of two that are alike
        arms = (Arm("a", 0.5), Arm("b", 0.5, "fallback"))
        with pytest.raises(InputError, match='arm a answers "production" and no toy is in production'):
            start_experiment(
                project, msgspec.structs.replace(found.draft, name="toy-2", arms=arms), started_us=1
            )


def test_a_version_that_does_not_open_does_not_start(ready: Project) -> None:
    _, new = versions(ready)
    (ready.home.releases / "toy" / new / "weights.npy").write_bytes(b"damaged")
    with pytest.raises(VerdictError, match=f"version {new} does not answer .*Nothing was started"):
        started(ready)
    assert ready.registry.experiments.all() == []


def test_a_rollout_and_an_experiment_exclude_each_other(ready: Project) -> None:
    started(ready, share=0.1)
    with pytest.raises(InputError, match="toy: experiment toy-1 runs since"):
        start_shadow(ready, started_us=DAY_US)
    stop_experiment(ready.registry, "toy-1", ended_us=2 * DAY_US)
    start_shadow(ready, started_us=2 * DAY_US)
    with pytest.raises(InputError, match=r"toy: a shadow of .* runs since"):
        start_experiment(ready, msgspec.structs.replace(drafted(ready), name="toy-2"), started_us=3 * DAY_US)


def test_a_file_that_was_changed_after_the_start(ready: Project) -> None:
    row = started(ready)
    path = draft_path(ready.home.root, "toy-1")
    check_unchanged(ready.home, row)
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n# a comment changes nothing\n", encoding="utf-8")
    assert not is_changed(ready.home, row)
    for changed in (text.replace("alpha = 0.05", "alpha = 0.1"), "not TOML"):
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(InputError, match=r"was changed after the start of experiment toy-1.* as another"):
            ramp_experiment(ready.home, ready.registry, "toy-1", 0.9, at_us=2 * DAY_US)
    with pytest.raises(InputError, match="the name is taken by one that was started"):
        start_experiment(ready, drafted_from(path, text.replace("days = 28", "days = 9")), started_us=9)
    path.unlink()
    assert not is_changed(ready.home, row)


def drafted_from(path: Path, text: str) -> Experiment:
    path.write_text(text, encoding="utf-8")
    return read_draft(path)


def test_a_ramp(ready: Project) -> None:
    started(ready, share=0.2)
    row = ready.registry.experiments.read("toy-1")
    path = draft_path(ready.home.root, "toy-1")
    path.unlink()
    planned = ramp_experiment(ready.home, ready.registry, "toy-1", 0.5, at_us=2 * DAY_US, dry_run=True)
    assert planned.current.share == 0.5
    assert ready.registry.experiments.read("toy-1") == row
    done = ramp_experiment(ready.home, ready.registry, "toy-1", 0.5, at_us=2 * DAY_US, by="kim")
    assert [ramp.share for ramp in done.ramps] == [0.2, 0.5]


@pytest.mark.parametrize("name", ["Toy", "x", "../up", "a b"])
def test_names_that_cannot_be(ready: Project, name: str) -> None:
    with pytest.raises(InputError, match=f'name is "{name}", expected small letters'):
        new_draft(ready, name)
    assert not (ready.home.root / "experiments").exists()


def test_a_draft_is_never_written_over(ready: Project) -> None:
    started(ready)
    with pytest.raises(InputError, match=r"toy-1\.toml: is there already"):
        new_draft(ready, "toy-1")
    draft_path(ready.home.root, "toy-1").unlink()
    with pytest.raises(InputError, match="experiment toy-1: was started before, expected a new name"):
        new_draft(ready, "toy-1")


def test_a_metric_stays_what_it_was_at_the_start(ready: Project) -> None:
    folder = ready.home.root / "metrics"
    folder.mkdir()
    one = '[seen]\ntitle = "Titles seen"\nkind = "mean"\nof = { table = "plays" }\n'
    (folder / "seen.toml").write_text(one)
    row = started(ready, primary="seen")
    (folder / "seen.toml").write_text(one.replace("plays", "searches"))
    kept = ready.registry.experiments.read(row.name).definition
    assert known_metrics(ready.home)["seen"].of.table == "searches"
    assert metrics_of(ready.home, kept, ["seen"])["seen"].of.table == "plays"


def test_a_plan_that_ends_before_its_primary_metric_is_known(ready: Project) -> None:
    with pytest.raises(InputError, match=r"design\.days is 28, expected more than 35: so many days after"):
        started(ready, primary="retained_28d")
    assert started(ready, primary="retained_7d").definition.primary == "retained_7d"


def test_an_arm_that_was_stopped_by_itself_is_not_shipped(ready: Project) -> None:
    started(ready)
    experiments = ready.registry.experiments
    experiments.stop_arm("toy-1", "treatment", 2 * DAY_US, "errors")
    without = stop_experiment(ready.registry, "toy-1", ended_us=3 * DAY_US, dry_run=True)
    assert (without.verdict, without.reason) == ("keep", "arm treatment was stopped: errors")
    experiments.add_look("toy-1", look("ship", "treatment"))
    over = stop_experiment(ready.registry, "toy-1", ended_us=3 * DAY_US)
    assert (over.verdict, over.winner) == ("keep", None)
    assert [gate.gate for gate in release(ready, released_us=4 * DAY_US).refused] == ["experiment"]
