from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError
from matinee.platform.registry.alerts import AlertRow
from matinee.platform.registry.models import EvaluationRow
from matinee.platform.registry.runs import RunEnd
from matinee.types import DAY_US


@pytest.fixture
def three(story: Any) -> Any:
    """`art` (v1 on day 10, v2 on day 20, v3 never), `pay` (v1 on day 15), `new` (nothing)."""
    with story.registry.transaction():
        story.initiative("art", tier=2)
        story.initiative("pay", tier=1)
        story.initiative("new", tier=4)
        for day, version in ((9, "v1"), (19, "v2"), (29, "v3")):
            story.model("art", version, day=day)
        story.model("pay", "v1", day=5)
        story.release("art", "v1", 10)
        story.release("pay", "v1", 15)
        story.release("art", "v2", 20)
    return story


def alert(name: str, monitor: str, severity: str) -> AlertRow:
    return AlertRow(
        initiative=name, monitor=monitor, severity=severity, owner="ana", text="!", opened_us=1, seen_us=1
    )


def test_what_was_in_production_on_a_day(three: Any) -> None:
    def on(day: int | None) -> dict[str, str]:
        found = three.registry.portfolio.in_production(on_us=None if day is None else day * DAY_US)
        return {name: row.version for name, row in found.items()}

    assert on(9) == {}
    assert on(10) == {"art": "v1"}
    assert on(16) == {"art": "v1", "pay": "v1"}
    assert on(20) == on(None) == {"art": "v2", "pay": "v1"}


def test_stale_models_are_those_in_production_that_learned_long_ago(three: Any) -> None:
    stale = three.registry.portfolio.stale
    assert [(one.model.initiative, one.age_days) for one in stale(now_us=30 * DAY_US, older_than_days=7)] == [
        ("pay", 25.0),
        ("art", 11.0),
    ]
    assert [one.model.version for one in stale(now_us=30 * DAY_US, older_than_days=11)] == ["v1"]
    with pytest.raises(InputError, match="older_than_days is 0, expected days above 0"):
        stale(now_us=0, older_than_days=0)


def test_unused_models_never_were_or_are_no_more_in_production(three: Any) -> None:
    found = three.registry.portfolio.unused()
    assert [(one.model.initiative, one.model.version) for one in found] == [("art", "v3"), ("art", "v1")]
    assert found[0].last_release is None
    assert found[1].last_release.released_us == 10 * DAY_US


def test_alerted_models_are_those_in_production_with_open_alerts(three: Any) -> None:
    alerts = three.registry.alerts
    alerts.see(alert("art", "drift", "low"))
    alerts.see(alert("art", "volume", "high"))
    alerts.see(alert("new", "volume", "critical"))
    gone = alerts.see(alert("pay", "volume", "critical"))
    alerts.close(gone.id, closed_us=2)
    (one,) = three.registry.portfolio.alerted()
    assert (one.release.initiative, one.release.version, one.worst) == ("art", "v2", "high")
    assert [row.monitor for row in one.alerts] == ["drift", "volume"]


def test_the_overview_has_a_line_for_each_initiative(three: Any) -> None:
    registry = three.registry
    judged = EvaluationRow(
        initiative="art", code="code of v2", data="home", at_us=1, metric="ndcg", value=0.3,
        baseline="popular", lift=0.1, registered_us=2,
    )  # fmt: skip
    registry.models.evaluated(msgspec.structs.replace(judged, lift=0.05))
    registry.models.evaluated(judged)
    registry.models.evaluated(msgspec.structs.replace(judged, code="code of v3", lift=0.9))
    begun = three.run("r1", "art")
    registry.runs.end("r1", RunEnd(state="done", ended_us=1, cpu_s=2.0, cost_minor=30, currency="EUR"))
    for run_id, currency in (("r2", "EUR"), ("r3", "USD")):
        registry.runs.begin(msgspec.structs.replace(begun, run_id=run_id))
        registry.runs.end(
            run_id, RunEnd(state="failed", ended_us=1, cpu_s=1.0, cost_minor=12, currency=currency, error="x")
        )
    registry.runs.begin(msgspec.structs.replace(begun, run_id="r4"))
    registry.alerts.see(alert("art", "drift", "low"))
    pay, art, new = registry.portfolio.overview()
    assert [line.initiative.name for line in (pay, art, new)] == ["pay", "art", "new"]
    assert (art.release.version, art.model.version, art.evaluation.lift) == ("v2", "v2", 0.1)
    assert (art.cost_minor, art.cpu_s) == ({"EUR": 42, "USD": 12}, 4.0)
    assert [row.monitor for row in art.alerts] == ["drift"]
    assert (pay.release.version, pay.evaluation, pay.cost_minor, pay.alerts) == ("v1", None, {}, [])
    assert (new.release, new.model, new.evaluation) == (None, None, None)
