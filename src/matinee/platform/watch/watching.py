"""Runs the monitors of an initiative once, opens and closes its alerts, and tells their owner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import msgspec

from matinee import settings
from matinee.errors import MatineeError, StorageError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_file
from matinee.platform.lifecycle.project import Project
from matinee.platform.registry.alerts import AlertRow
from matinee.platform.watch.config import WatchConfig
from matinee.platform.watch.discovery import monitors
from matinee.platform.watch.monitor import Finding, Monitor, not_measured
from matinee.platform.watch.severity import severity
from matinee.platform.watch.subject import Subject, subject_of
from matinee.platform.watch.webhook import Delivery, send
from matinee.types import HOUR_US, format_at

FOLDER = "watch"
QUIET_US = 24 * HOUR_US
"""An alert that comes back within this time of its end is opened, and nobody is called a second time."""
WEBHOOK = "webhook"
"""Name of the alert that messages do not arrive."""


class Seen(msgspec.Struct, frozen=True):
    """A finding and the monitor it comes from; `severity` is that of an alert."""

    monitor: str
    severity: str
    finding: Finding


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitors of an initiative found in one run.

    Attributes
    ----------
    at_us : int
        As of when the log was read, by the home's clock.
    watched_us : int
        When, by the wall clock.
    data : {"home", "simulated"}
        Of simulated data nothing is opened: nobody is called because of made-up members.
    seen : list of Seen
    opened, closed : list of AlertRow
        By this run.
    delivery : Delivery or None
        How the message went; None when there was none to send.
    """

    initiative: str
    at_us: int
    watched_us: int
    data: str
    model: str | None
    periods: dict[str, str]
    seen: list[Seen]
    opened: list[AlertRow] = []
    closed: list[AlertRow] = []
    delivery: Delivery | None = None

    def count(self, verdict: str) -> int:
        """Findings with a verdict."""
        return sum(one.finding.verdict == verdict for one in self.seen)


def watch(
    project: Project,
    *,
    watched_us: int,
    log: str | None = None,
    reward: str | None = None,
    asked: Sequence[Monitor] | None = None,
) -> Report:
    """Run the monitors once.

    Parameters
    ----------
    watched_us : int
        Now, by the wall clock: the time of the alerts.
    log, reward : str, optional
        Names under which decisions and reward were logged. Default: the initiative's, and its reward's.
    asked : sequence of Monitor, optional
        Default: all. Alerts of monitors that are not asked stay as they are.

    Raises
    ------
    ConfigError
        A setting is wrong.
    StorageError
        The lake or the registry cannot be read. A monitor that fails is reported as not measured.
    """
    initiative, registry = project.initiative, project.registry
    config = settings.load(project.home.settings, "watch", WatchConfig)
    release = registry.releases.current(initiative.name)
    model = None if release is None else registry.models.read(initiative.name, release.version)
    chosen = monitors() if asked is None else tuple(asked)
    with subject_of(
        initiative,
        project.lake,
        at_us=project.at_us,
        learned_us=None if model is None else model.at_us,
        config=config,
        own=project.config,
        log=log,
        reward=reward,
    ) as subject:
        seen = [
            Seen(one.name, severity(initiative.tier, one.sign), found)
            for one in chosen
            for found in _checked(one, subject)
        ]
        periods = {name: str(getattr(subject.periods, name)) for name in ("now", "learned", "before")}
    report = Report(
        initiative=initiative.name,
        at_us=project.at_us,
        watched_us=watched_us,
        data=project.data,
        model=None if model is None else model.version,
        periods=periods,
        seen=seen,
    )
    if project.data == "home":
        report = _tell(project, _keep(project, report, {one.name for one in chosen}))
    _write(project.home, report)
    return report


def last_report(home: Home, name: str) -> Report | None:
    """What the last `watch` of an initiative found; None if it was never watched, or by another version."""
    path = _path(home, name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _checked(one: Monitor, subject: Subject) -> list[Finding]:
    try:
        return one.check(subject)
    except (MatineeError, duckdb.Error) as problem:
        if isinstance(problem, StorageError):
            raise
        return [not_measured(f"the monitor failed, {type(problem).__name__}: {str(problem)[:300]}")]


def _keep(project: Project, report: Report, asked: set[str]) -> Report:
    """Open and close alerts, in one transaction."""
    initiative, alerts, now_us = project.initiative, project.registry.alerts, report.watched_us
    opened: list[AlertRow] = []
    with project.registry.transaction():
        before = {(row.monitor, row.key): row for row in alerts.open(initiative.name)}
        still = set()
        for one in report.seen:
            found = one.finding
            if found.verdict == "alert":
                row = AlertRow(
                    initiative=initiative.name,
                    monitor=one.monitor,
                    key=found.key,
                    severity=one.severity,
                    owner=initiative.owner,
                    text=found.text,
                    value=found.figure,
                    bound=found.bound,
                    opened_us=now_us,
                    seen_us=now_us,
                )
                kept = alerts.see(row)
                opened += [kept] if kept.n_seen == 1 else []
            if found.verdict != "ok":
                still.add((one.monitor, found.key))
        blind = {monitor for monitor, key in still if not key}  # it could not look: what it saw may go on
        over = [
            row
            for place, row in before.items()
            if place[0] in asked and place not in still and place[0] not in blind
        ]
        for row in over:
            alerts.close(row.id, closed_us=now_us)
    closed = [msgspec.structs.replace(row, state="closed", closed_us=now_us) for row in over]
    return msgspec.structs.replace(report, opened=opened, closed=closed)


def _tell(project: Project, report: Report) -> Report:
    """Send one message about what was opened and closed, and note when it did not arrive."""
    url, alerts, name = project.platform.webhook, project.registry.alerts, report.initiative
    if not url:
        alerts.clear(name, WEBHOOK, closed_us=report.watched_us)
        return report
    again = {
        (row.monitor, row.key)
        for row in alerts.history(name, limit=1_000)
        if row.closed_us is not None and row.closed_us < report.watched_us <= row.closed_us + QUIET_US
    }
    new = [row for row in report.opened if (row.monitor, row.key) not in again]
    open_now = alerts.open(name)
    for failed in (row for row in open_now if row.monitor == WEBHOOK):  # what nobody was told of is told now
        untold = (row for row in open_now if row.opened_us >= failed.opened_us and row.id != failed.id)
        new += [row for row in untold if row.id not in {one.id for one in new}]
    if not new and not report.closed:
        return report
    delivery = send(url, message(report, new))
    if delivery.ok:
        alerts.clear(name, WEBHOOK, closed_us=report.watched_us)
    else:
        alerts.see(
            AlertRow(
                initiative=name,
                monitor=WEBHOOK,
                severity=severity(project.initiative.tier, "early"),
                owner=project.initiative.owner,
                text=f"a message about {len(new)} alerts was not delivered: {delivery.error}.",
                opened_us=report.watched_us,
                seen_us=report.watched_us,
            )
        )
    return msgspec.structs.replace(report, delivery=delivery)


def message(report: Report, opened: Sequence[AlertRow]) -> dict[str, object]:
    """What the webhook gets: `text` for chats that show only that, and the alerts for programs."""
    lines = [
        f"{row.severity}: {row.initiative}, {row.monitor}: {row.text} (owner: {row.owner})" for row in opened
    ]
    lines += [f"over: {row.initiative}, {row.monitor} {row.key}".rstrip() for row in report.closed]
    return {
        "text": "\n".join(lines),
        "initiative": report.initiative,
        "at": format_at(report.at_us),
        "watched_at": format_at(report.watched_us),
        "opened": list(opened),
        "closed": report.closed,
    }


def _path(home: Home, name: str) -> Path:
    return home.work / FOLDER / f"{name}.json"


def _write(home: Home, report: Report) -> None:
    path = _path(home, report.initiative)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(report))
        sync_file(fresh)
        fresh.replace(path)
    except OSError as problem:
        raise StorageError(
            f"{path}: the report could not be written ({problem.strerror or problem}). The alerts are kept."
        ) from problem
