"""Look at the alerts that monitors opened, and close them."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App, Parameter

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home, recorded_at
from matinee.errors import InputError
from matinee.types import format_at

alerts = App(
    name="alerts",
    help="Look at the alerts that monitors opened.\n\nExample: matinee alerts list --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)


@alerts.command(name="list")
def list_(
    initiative: str | None = None,
    *,
    closed: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Print the open alerts, the most severe and oldest first.

    Example: matinee alerts list --home shop

    Example: matinee alerts list homepage --closed --home shop

    Parameters
    ----------
    initiative
        Only of this one.
    closed
        Also those that are over, the latest first; needs INITIATIVE.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry

    if closed and initiative is None:
        raise InputError(
            "alerts list: --closed needs an initiative, as in: matinee alerts list NAME --closed"
        )
    with open_registry(find_home(home)) as registry:
        if initiative is not None:
            registry.releases.current(initiative)  # refuses an unknown name
        found = (
            registry.alerts.history(initiative) if closed and initiative else registry.alerts.open(initiative)
        )
    if json:
        print_json({"alerts": found})
    elif not found:
        say("No alert." if closed else "No open alert.")
    else:
        rows = [
            (
                str(one.id),
                one.severity if one.state == "open" else f"{one.severity}, over",
                f"{one.initiative} {one.monitor} {one.key}".rstrip(),
                one.owner,
                format_at(one.opened_us)[:16],
                f"{one.text} (seen {one.n_seen} times)" if one.n_seen > 1 else one.text,
            )
            for one in found
        ]
        heads = ["alert", "severity", "about", "owner", "since", "what was found"]
        print_table(rows, heads, left=len(heads))
    return 0


@alerts.command
def close(number: int, *, home: Path | None = None, json: bool = False) -> int:
    """Close an alert by hand; its monitor opens a new one if it still finds it.

    Example: matinee alerts close 12 --home shop

    Parameters
    ----------
    number
        As `matinee alerts list` shows it.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry

    with open_registry(find_home(home)) as registry:
        still = {one.id: one for one in registry.alerts.open()}
        registry.alerts.close(number, closed_us=recorded_at(None))
    if json:
        print_json({"closed": number, "was_open": number in still})
    elif number in still:
        say(f"Closed alert {number}: {still[number].initiative}, {still[number].monitor}.")
    else:
        say(f"Alert {number} was closed already.")
    return 0
