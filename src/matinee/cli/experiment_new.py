"""Write the draft of an experiment."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import note, print_json, say
from matinee.cli.context import find_home, in_home


def new(
    name: str,
    *,
    initiative: str,
    owner: str | None = None,
    interleaving: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Write HOME/experiments/NAME.toml: what is in production against the version that was trained last.

    Nothing starts by that. Change the file as you like, above all the hypothesis and the metrics; then
    `matinee experiment power` says how long it takes, and `matinee experiment start` starts it.

    Example: matinee experiment new art-2 --initiative homepage --home shop

    Example: matinee experiment new art-3 --initiative homepage --interleaving --home shop

    Parameters
    ----------
    name
        Small letters, digits and hyphens.
    initiative
        Whose versions are tried.
    owner
        Who answers for it; else the owner of the initiative.
    interleaving
        Every unit gets both arms' answers merged into one, and what they choose tells which they prefer: some
        tenth of the units of an A/B, and no figures of what follows from it.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.experimenting import new_draft
    from matinee.platform.lifecycle.project import open_project

    with open_project(find_home(home), initiative) as project:
        found = new_draft(project, name, owner=owner, kind="interleaving" if interleaving else "ab")
    following = f"matinee experiment start {name}{in_home(home)}"
    if json:
        print_json(
            {"path": str(found.path), "experiment": found.draft, "notes": found.notes, "next": following}
        )
        return 0
    say(f"Wrote {found.path}.")
    for one in found.notes:
        note(one)
    say(f"Write down the hypothesis and look at the metrics; then: {following}")
    return 0
