"""Put a trained model in production, if every gate of its initiative agrees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from matinee.cli.console import EXIT_FAILED, EXIT_OK, print_json, print_table, say
from matinee.cli.context import find_home, recorded_at

if TYPE_CHECKING:
    from matinee.platform.lifecycle.releasing import Attempt

SIGNS = {"passed": "yes", "failed": "NO", "not_measured": "not measured"}


def release(
    initiative: str,
    *,
    version: str | None = None,
    approver: str | None = None,
    note: str = "",
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Ask the gates of INITIATIVE about its newest model and, if none says no, put the model in production.

    Each gate names a figure and its bound. What they said is kept with the release, also when they refuse.

    Example: matinee release homepage --home shop --approver kim

    Parameters
    ----------
    initiative
        What to release.
    version
        This version instead of the newest one; `matinee history` lists them.
    approver
        Who takes the responsibility; tiers 1 and 2 need somebody.
    note
        Why; it stands in the history.
    dry_run
        Ask the gates and change nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Answer and record as of this time.
    data
        Read the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_project
    from matinee.platform.lifecycle.releasing import release as put

    where = find_home(home)
    with open_project(where, initiative, at=at, data=data) as project:
        found = put(
            project,
            released_us=recorded_at(at),
            version=version,
            approver=approver,
            note=note,
            dry_run=dry_run,
        )
    if json:
        print_json({"initiative": initiative, "released": found.release is not None, "attempt": found})
    else:
        show_attempt(initiative, found, dry_run=dry_run)
    return EXIT_FAILED if found.refused else EXIT_OK


def show_attempt(initiative: str, found: Attempt, *, dry_run: bool = False) -> None:
    """Print what the gates said and what came of it."""
    rows = [(one.gate, SIGNS[one.verdict], one.text) for one in found.gates]
    print_table(rows, ["gate", "passes", "what it found"], title=f"{initiative} {found.version}", left=3)
    if found.refused:
        names = ", ".join(one.gate for one in found.refused)
        say(f"Not released: {names} said no. What is in production stays there.")
    elif dry_run:
        say("Every gate agrees. Nothing was released (--dry-run).")
    else:
        assert found.release is not None
        say(f"In production: {initiative} {found.version} (release {found.release.id}).")
