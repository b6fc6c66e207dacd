"""List the experiments of a home."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home


def list_(
    *,
    initiative: str | None = None,
    running: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Print experiments that were started, the latest first, and drafts that were not.

    Example: matinee experiment list --running --home shop

    Parameters
    ----------
    initiative
        Only those of this one.
    running
        Only those that assign units now.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry
    from matinee.prove.experiment.draft import FOLDER
    from matinee.types import format_at

    where = find_home(home)
    with open_registry(where) as registry:
        rows = registry.experiments.all()
    started = {row.name for row in rows}
    found = [
        row
        for row in rows
        if initiative in (None, row.initiative) and (not running or row.state == "running")
    ]
    files = sorted((where.root / FOLDER).glob("*.toml"))
    drafts = [] if running or initiative else [path.stem for path in files if path.stem not in started]
    if json:
        print_json({"experiments": [{"state": row.state, **_fields(row)} for row in found], "drafts": drafts})
        return 0
    if found:
        lines = [
            (
                row.name,
                row.initiative,
                row.state,
                f"{row.layer} {row.current.from_share:.4g}-{row.current.until_share:.4g}",
                format_at(row.started_us),
                "-" if row.verdict is None else f"ship {row.winner}" if row.winner else row.verdict,
            )
            for row in found
        ]
        print_table(lines, ["experiment", "initiative", "state", "layer", "started", "verdict"], left=6)
    else:
        say("No experiment runs." if running else "No experiment was started.")
    if drafts:
        say(f"Drafts: {', '.join(drafts)}. Start one: matinee experiment start NAME")
    return 0


def _fields(row: object) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(row)
    return found
