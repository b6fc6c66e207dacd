"""Run the monitors of initiatives once; they open and close alerts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from matinee.cli.console import EXIT_FAILED, EXIT_OK, note, print_json, print_table, progress, say
from matinee.cli.context import find_home, recorded_at

if TYPE_CHECKING:
    from matinee.observe.home import Home
    from matinee.platform.watch.watching import Report, Seen

ORDER = ("alert", "ok", "not_measured")
SHOWN = {"alert": "ALERT", "ok": "ok", "not_measured": "not measured"}


def watch(
    initiative: str | None = None,
    *,
    log: str | None = None,
    reward: str | None = None,
    strict: bool = False,
    home: Path | None = None,
    at: str | None = None,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Look at the inputs, the decisions and the rewards of INITIATIVE, and open and close its alerts.

    Without INITIATIVE all that have a model in production are watched. An alert that is open stays one alert,
    however often it is seen; it closes when its monitor finds that all is well. [platform] webhook gets a
    message about what was opened and closed. Run it every hour or every day from any scheduler.

    Example: matinee watch homepage --home shop

    Example: matinee watch --home shop --strict

    Parameters
    ----------
    initiative
        What to watch; else all in production.
    log
        Name under which the decisions were logged; else the initiative's.
    reward
        Name of the reward in the log; else that of the initiative's declaration.
    strict
        Exit with 1 while an alert of high or critical severity is open.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Look at the log as of this time.
    data
        Look at the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_project, open_registry
    from matinee.platform.watch.severity import STRICT
    from matinee.platform.watch.watching import watch as look

    where = find_home(home)
    names = [initiative] if initiative else in_production(where)
    reports, severe = [], 0
    with progress("Watching", quiet=json) as told:
        for i, name in enumerate(names):
            told(name, i / len(names))
            with open_project(where, name, at=at, data=data) as project:
                reports.append(look(project, watched_us=recorded_at(None), log=log, reward=reward))
    with open_registry(where) as registry:
        alerts = [one for name in names for one in registry.alerts.open(name)]
    severe = sum(one.severity in STRICT for one in alerts)
    if json:
        print_json({"reports": reports, "open": alerts})
    else:
        for report in reports:
            show(report)
        if not names:
            note("Nothing is in production. Name an initiative to watch it all the same.")
        say(f"{len(alerts)} open alerts, {severe} of them high or critical." if alerts else "No open alert.")
    return EXIT_FAILED if strict and severe else EXIT_OK


def in_production(home: Home) -> list[str]:
    """Initiatives with a release, the most important first."""
    from matinee.platform.lifecycle.project import open_registry

    with open_registry(home) as registry:
        return [line.initiative.name for line in registry.portfolio.overview() if line.release is not None]


def show(report: Report) -> None:
    """Print a report, alerts first."""
    from matinee.types import format_at

    model = f"model {report.model}" if report.model else "no model in production"
    rows = [
        (one.monitor, SHOWN[one.finding.verdict], _severity(one), one.finding.text)
        for one in sorted(_short(report.seen), key=lambda one: ORDER.index(one.finding.verdict))
    ]
    title = f"{report.initiative} as of {format_at(report.at_us)}, {model}; {report.periods['now']} compared"
    print_table(rows, ["monitor", "verdict", "severity", "what it found"], title=title, left=4)
    if report.data == "simulated":
        say("The simulated service is no service: no alert was opened or closed.")
    for word, alerts in (("Opened", report.opened), ("Closed", report.closed)):
        if alerts:
            say(f"{word}: " + ", ".join(f"{one.monitor} {one.key}".rstrip() for one in alerts) + ".")
    if report.delivery is not None and not report.delivery.ok:
        note(f"The message was not delivered ({report.delivery.error}); it is sent with the next run.")


def _severity(one: Seen) -> str:
    return one.severity if one.finding.verdict == "alert" else ""


def _short(seen: list[Seen]) -> Iterator[Seen]:
    """Every alert; of what else a monitor found, one finding per verdict that names the others."""
    import msgspec

    groups: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        if one.finding.verdict == "alert":
            yield one
        else:
            groups.setdefault((one.monitor, one.finding.verdict), []).append(one)
    for alike in groups.values():
        nearest = max(alike, key=lambda one: (one.finding.figure or 0.0) / (one.finding.bound or 1.0))
        others = ", ".join(one.finding.key for one in alike if one is not nearest)
        text = nearest.finding.text + (f" Likewise {others}." if others else "")
        yield msgspec.structs.replace(nearest, finding=msgspec.structs.replace(nearest.finding, text=text))
