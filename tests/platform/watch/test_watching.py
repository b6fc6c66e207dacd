"""Findings become alerts: opened once, closed when all is well, told once, whatever else goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.platform.config import PlatformConfig
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.registering import register
from matinee.platform.registry.registry import Registry
from matinee.platform.watch import watching
from matinee.platform.watch.discovery import monitors
from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.severity import severity
from matinee.platform.watch.subject import Subject
from matinee.platform.watch.watching import QUIET_US, WEBHOOK, last_report, watch
from matinee.platform.watch.webhook import Delivery

NOW_US = 1_000 * QUIET_US


class Told:
    """A monitor that finds what the test says."""

    name = "told"
    sign: Sign = "harm"

    def __init__(self) -> None:
        self.says: list[Finding] = []
        self.fails: Exception | None = None

    def check(self, subject: Subject) -> list[Finding]:
        if self.fails is not None:
            raise self.fails
        return self.says


def bad(key: str = "plays") -> Finding:
    return Finding("alert", f"{key} is wrong", key, 3.0, 1.0)


def good(key: str = "plays") -> Finding:
    return Finding("ok", f"{key} is well", key)


@pytest.fixture
def project(tmp_path: Path, make_initiative: Any) -> Iterator[Project]:
    home = Home.create(tmp_path)
    initiative = make_initiative("plays", tier=2)
    with Registry.open(home.meta_db) as registry:
        register(registry, initiative, now_us=0)
        config = initiative.config()
        yield Project(home, initiative, config, PlatformConfig(), registry, "home", home, 0)


def look(project: Project, told: Told, *, hours: float = 0.0) -> watching.Report:
    return watch(project, watched_us=NOW_US + int(hours * 3_600_000_000), asked=[told])


def test_one_fault_is_one_alert_however_often_it_is_seen(project: Project) -> None:
    told = Told()
    told.says = [bad()]
    assert [one.n_seen for one in look(project, told).opened] == [1]
    assert look(project, told, hours=1).opened == []
    (alert,) = project.registry.alerts.open("winback")
    assert (alert.monitor, alert.key, alert.severity, alert.owner) == ("told", "plays", "high", "growth")
    assert (alert.n_seen, alert.value, alert.bound, alert.text) == (2, 3.0, 1.0, "plays is wrong")
    assert alert.opened_us == NOW_US


def test_it_closes_when_all_is_well_and_stays_while_nothing_can_be_measured(project: Project) -> None:
    told = Told()
    told.says = [bad("plays"), bad("signals")]
    look(project, told)
    told.says = [not_measured("no events", "plays"), good("signals")]
    assert [one.key for one in look(project, told, hours=1).closed] == ["signals"]
    told.says = [not_measured("no events at all")]
    assert look(project, told, hours=2).closed == []
    told.says = [good()]
    assert [one.key for one in look(project, told, hours=3).closed] == ["plays"]
    assert project.registry.alerts.open() == []


def test_what_is_no_longer_looked_at_is_closed_but_not_what_others_look_at(project: Project) -> None:
    told, other = Told(), Told()
    told.says, other.says, other.name = [bad("a table that was declared")], [bad()], "other"
    watch(project, watched_us=NOW_US, asked=[told, other])
    told.says = []
    assert [one.monitor for one in look(project, told).closed] == ["told"]
    assert [one.monitor for one in project.registry.alerts.open()] == ["other"]


def test_a_monitor_that_fails_stops_nobody_and_closes_nothing(project: Project) -> None:
    told, other = Told(), Told()
    told.says, other.name, other.says = [bad()], "other", [good()]
    look(project, told)
    told.fails = InputError("labels: wrong")
    report = watch(project, watched_us=NOW_US, asked=[told, other])
    assert [one.finding.verdict for one in report.seen] == ["not_measured", "ok"]
    assert "InputError: labels: wrong" in report.seen[0].finding.text
    assert len(project.registry.alerts.open()) == 1


def test_of_a_simulated_service_nobody_is_told(project: Project) -> None:
    told = Told()
    told.says = [bad()]
    report = look(replace(project, data="simulated"), told)
    assert report.count("alert") == 1
    assert (report.opened, project.registry.alerts.open()) == ([], [])


def test_the_last_report_is_kept_for_the_status(project: Project) -> None:
    assert last_report(project.home, "winback") is None
    told = Told()
    told.says = [bad(), good("signals")]
    report = look(project, told)
    assert last_report(project.home, "winback") == report
    (project.home.work / "watch" / "winback.json").write_text("{}")
    assert last_report(project.home, "winback") is None


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Messages that were sent; they arrive unless the first one in the list is None."""
    messages: list[dict[str, Any]] = []

    def deliver(url: str, message: dict[str, Any]) -> Delivery:
        messages.append({"url": url, **message})
        return Delivery(ok="down" not in url, tries=1, error="refused" if "down" in url else "")

    monkeypatch.setattr(watching, "send", deliver)
    return messages


def test_the_webhook_gets_one_message_about_what_was_opened_and_closed(
    project: Project, sent: list[dict[str, Any]]
) -> None:
    project = replace(project, platform=PlatformConfig(webhook="https://chat/x"))
    told = Told()
    told.says = [bad("a"), bad("b")]
    report = look(project, told)
    assert report.delivery == Delivery(True, 1)
    look(project, told, hours=1)
    (message,) = sent
    assert message["url"] == "https://chat/x"
    assert message["text"].splitlines()[0] == "high: winback, told: a is wrong (owner: growth)"
    assert [one.key for one in message["opened"]] == ["a", "b"]
    told.says = []
    look(project, told, hours=2)
    assert sent[-1]["text"] == "over: winback, told a\nover: winback, told b"


def test_an_alert_that_comes_and_goes_calls_nobody_twice_within_a_day(
    project: Project, sent: list[dict[str, Any]]
) -> None:
    project = replace(project, platform=PlatformConfig(webhook="https://chat/x"))
    told = Told()
    for hours, findings in ((0, [bad()]), (1, [good()]), (2, [bad()]), (3, [good()]), (30, [bad()])):
        told.says = findings
        look(project, told, hours=hours)
    assert [len(one["opened"]) for one in sent] == [1, 0, 0, 1]


def test_a_message_that_fails_is_an_alert_itself_and_is_sent_with_the_next_run(
    project: Project, sent: list[dict[str, Any]]
) -> None:
    down = replace(project, platform=PlatformConfig(webhook="https://down/x"))
    told = Told()
    told.says = [bad()]
    report = look(down, told)
    assert report.delivery == Delivery(False, 1, "refused")
    failed = {one.monitor: one for one in project.registry.alerts.open()}[WEBHOOK]
    assert failed.text == "a message about 1 alerts was not delivered: refused."
    assert failed.severity == "medium"
    up = replace(project, platform=PlatformConfig(webhook="https://chat/x"))
    look(up, told, hours=1)
    assert [one.key for one in sent[-1]["opened"]] == ["plays"]
    assert [one.monitor for one in project.registry.alerts.open()] == ["told"]


def test_severity_falls_with_the_tier_and_early_signs_are_one_step_less() -> None:
    assert [severity(tier, "harm") for tier in (1, 2, 3, 4)] == ["critical", "high", "medium", "low"]
    assert [severity(tier, "early") for tier in (1, 2, 3, 4)] == ["high", "medium", "low", "low"]


def test_every_file_of_monitors_is_found_and_names_are_unique() -> None:
    names = [one.name for one in monitors()]
    folder = Path(watching.__file__).parent / "monitors"
    assert names == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
