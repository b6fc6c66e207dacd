"""Put an earlier release back in production."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, say
from matinee.cli.context import find_home, recorded_at


def rollback(
    initiative: str,
    *,
    to: str | None = None,
    approver: str | None = None,
    note: str = "",
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Put the version that the current one replaced back in production. The history gets a new row.

    No gate is asked, so that it works on the worst day; the model's files are checked.

    Example: matinee rollback homepage --home shop --note "empty rows in NL"

    Parameters
    ----------
    initiative
        What to roll back.
    to
        This version, which was in production before.
    approver
        Who decided.
    note
        Why; it stands in the history.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Record it at this time.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry
    from matinee.platform.lifecycle.releasing import rollback as back

    where = find_home(home)
    with open_registry(where) as registry:
        row = back(
            where, registry, initiative, released_us=recorded_at(at), version=to, approver=approver, note=note
        )
    if json:
        print_json({"initiative": initiative, "release": row})
    else:
        say(f"In production: {initiative} {row.version} (rollback, release {row.id}).")
    return 0
