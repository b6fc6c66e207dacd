"""Write the folder of a new initiative, which trains, evaluates and releases at once."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, say
from matinee.cli.context import find_home


def new_initiative(
    name: str,
    *,
    title: str | None = None,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Write HOME/initiatives/NAME/: a small initiative that works at once, to be changed file by file.

    It names one title to each member. It learns from the simulated service until its `data` says "home".

    Example: matinee new-initiative winback --home shop

    Parameters
    ----------
    name
        Lower-case letters, digits and _; its folder, its section of the settings, its name in commands.
    title
        A few words for the portfolio.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.scaffolding import scaffold

    where = find_home(home)
    folder = scaffold(where, name, title=title)
    written = sorted(path.name for path in folder.iterdir())
    if json:
        print_json({"initiative": name, "folder": str(folder), "files": written})
        return 0
    say(f"Wrote {folder}: {', '.join(written)}.")
    say("Next:")
    for command in ("train", "evaluate", "release"):
        say(f"  matinee {command} {name} --home {where.root}")
    say(f"  pytest {folder}")
    return 0
