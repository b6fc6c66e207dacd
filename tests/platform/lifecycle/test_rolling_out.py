"""Rollouts: a canary passes the gates of a release, a shadow answers, a release or rollback ends them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.toys import TOY

from matinee.errors import InputError, VerdictError
from matinee.observe.home import Home
from matinee.platform.lifecycle.evaluating import evaluate
from matinee.platform.lifecycle.project import open_project_of
from matinee.platform.lifecycle.releasing import release, rollback
from matinee.platform.lifecycle.rolling_out import MONITOR, Begun, start_canary, start_shadow, stop_rollout
from matinee.platform.lifecycle.status import portfolio
from matinee.platform.lifecycle.training import train
from matinee.platform.registry.alerts import AlertRow
from matinee.platform.registry.rollouts import RolloutRow


class Story:
    """Trains versions of the toy and tries them; `bias` makes a version, `lift` says how good it is."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.monkeypatch = home, monkeypatch

    def settle_on(self, bias: int, lift: float = 0.2) -> None:
        self.monkeypatch.setenv("MATINEE_TOY__BIAS", str(bias))
        self.monkeypatch.setenv("MATINEE_TOY__LIFT", str(lift))

    def made(self, bias: int, lift: float = 0.2) -> str:
        self.settle_on(bias, lift)
        with open_project_of(self.home, TOY) as project:
            evaluate(project)
            return train(project).version

    def release(self, version: str | None = None, at_us: int = 10) -> None:
        with open_project_of(self.home, TOY) as project:
            assert release(project, released_us=at_us, version=version).release is not None

    def canary(self, share: float = 0.5, *, dry_run: bool = False, version: str | None = None) -> Begun:
        with open_project_of(self.home, TOY) as project:
            return start_canary(
                project, started_us=20, share=share, version=version, approver="kim", dry_run=dry_run
            )

    def shadow(self, version: str | None = None, *, dry_run: bool = False) -> Begun:
        with open_project_of(self.home, TOY) as project:
            return start_shadow(project, started_us=20, version=version, dry_run=dry_run)

    def rollouts(self) -> list[RolloutRow]:
        with open_project_of(self.home, TOY) as project:
            return project.registry.rollouts.history("toy")


@pytest.fixture
def story(home: Home, monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(home, monkeypatch)


def test_a_canary_passes_the_gates_and_a_release_of_it_ends_it(story: Story) -> None:
    story.made(0)
    story.release()
    better = story.made(1)
    assert story.canary(dry_run=True).rollout is None
    assert story.rollouts() == []
    begun = story.canary()
    assert begun.rollout is not None
    assert (begun.rollout.version, begun.rollout.share, begun.rollout.started_by) == (better, 0.5, "kim")
    with open_project_of(story.home, TOY) as project:
        kept = project.registry.releases.gates("toy", begun.rollout.attempt_id)
        assert [one.gate for one in kept] == [gate.name for gate in TOY.gates]
        assert project.registry.releases.current("toy").version != better  # type: ignore[union-attr]
    with pytest.raises(InputError, match="expected no rollout"):
        story.shadow()
    story.release(better, at_us=30)
    (over,) = story.rollouts()
    assert (over.verdict, over.ended_us) == ("released", 30)


def test_a_canary_that_a_gate_refuses_does_not_start_and_the_gates_are_kept(story: Story) -> None:
    story.made(0)
    story.release()
    story.made(1, lift=-0.3)
    found = story.canary()
    assert found.rollout is None
    assert "beats_baseline" in {one.gate for one in found.refused}
    assert story.rollouts() == []
    with open_project_of(story.home, TOY) as project:
        assert {one.verdict for one in project.registry.releases.gates("toy")} >= {"failed"}


def test_what_cannot_start_is_told_before_any_gate_is_asked(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = story.made(0)
    monkeypatch.setattr("matinee.platform.lifecycle.rolling_out.release", None)
    with pytest.raises(InputError, match="toy: nothing is in production, expected a release to hold"):
        story.canary()
    story.release()
    with pytest.raises(InputError, match=f"version {version} is in production since"):
        story.canary()
    with pytest.raises(InputError, match=r"share is 5, expected above 0 and at most 1: 0\.05"):
        story.canary(5)
    with (
        pytest.raises(VerdictError, match="toy: no rollout runs, expected one to stop"),
        open_project_of(story.home, TOY) as project,
    ):
        stop_rollout(project.registry, "toy", ended_us=1)


def test_a_shadow_needs_only_that_the_model_answers(story: Story) -> None:
    story.made(0)
    story.release()
    worse = story.made(1, lift=-0.3)
    assert story.shadow(dry_run=True).rollout is None
    begun = story.shadow()
    assert begun.gates == []
    assert begun.rollout is not None
    assert (begun.rollout.version, begun.rollout.kind, begun.rollout.share) == (worse, "shadow", 1.0)
    with open_project_of(story.home, TOY) as project:
        assert stop_rollout(project.registry, "toy", ended_us=40, by="ana", dry_run=True) == begun.rollout
        stop_rollout(project.registry, "toy", ended_us=40, by="ana", note="seen enough")
    (over,) = story.rollouts()
    assert (over.verdict, over.reason, over.ended_by) == ("stopped", "seen enough", "ana")


def test_a_shadow_that_does_not_load_is_refused(story: Story) -> None:
    story.made(0)
    story.release()
    version = story.made(1)
    weights: Path = story.home.releases / "toy" / version / "weights.npy"
    weights.write_bytes(b"damaged")
    with pytest.raises(VerdictError, match=r"does not answer \(StorageError: .*weights\.npy: is changed"):
        story.shadow()
    assert story.rollouts() == []


def test_a_rollback_ends_a_rollout_as_stopped_and_status_shows_one_that_runs(story: Story) -> None:
    story.made(0)
    story.release(at_us=5)
    story.made(1)
    story.release(at_us=10)
    tried = story.made(2)
    story.canary()
    (standing,) = (one for one in portfolio_of(story) if one.name == "toy")
    assert standing.rollout is not None
    assert standing.rollout.version == tried
    with open_project_of(story.home, TOY) as project:
        rollback(story.home, project.registry, "toy", released_us=30)
        assert project.registry.rollouts.running("toy") is None
    assert story.rollouts()[-1].verdict == "stopped"


def portfolio_of(story: Story) -> list:  # type: ignore[type-arg]
    from tests.platform.toys import in_home

    in_home(story.home)
    return portfolio(story.home)


def test_a_new_canary_closes_the_alert_of_the_one_before(story: Story) -> None:
    story.made(0)
    story.release()
    story.made(1)
    with open_project_of(story.home, TOY) as project:
        for monitor in (MONITOR, "drift"):
            project.registry.alerts.see(
                AlertRow(
                    initiative="toy",
                    monitor=monitor,
                    severity="high",
                    owner="ana",
                    text="x",
                    opened_us=1,
                    seen_us=1,
                )
            )
        story.canary()
        assert [one.monitor for one in project.registry.alerts.open("toy")] == ["drift"]
