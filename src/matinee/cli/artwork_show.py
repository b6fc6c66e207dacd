"""Print everything that is known about an image."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, print_table
from matinee.cli.context import find_home


def show(
    artwork_id: str,
    *,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Print what is known about an image, its clearance, and every change of it.

    Example: matinee artwork show t12-hero --home shop

    Parameters
    ----------
    artwork_id
        As `matinee artwork list` shows it.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        As it was known at this time.
    json
        Print machine-readable JSON.
    """
    from matinee.cli.artwork import act_us
    from matinee.observe.catalogue.artwork_listing import told
    from matinee.types import format_at

    where = find_home(home)
    found = told(where, artwork_id, act_us(where, at))
    if json:
        print_json(found)
        return 0
    rows = [(name.removesuffix("_us"), _words(name, value)) for name, value in found.facts.items()]
    print_table([("may be shown", found.said), ("path", found.path), *rows], ["what", "value"], left=2)
    print_table(
        [(format_at(one.from_us), ", ".join(one.changed)) for one in found.history],
        ["since", "what changed"],
        left=2,
    )
    return 0


def _words(name: str, value: object) -> str:
    """A fact for people."""
    from matinee.types import format_at

    if isinstance(value, list) and name == "embedding":
        return f"{len(value)} numbers"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or ("everywhere" if name == "territories" else "-")
    if isinstance(value, int) and name.endswith("_us") and name != "source_frame_us":
        return format_at(value)
    return "-" if value is None else str(value)
