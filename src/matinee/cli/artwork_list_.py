"""Print images and whether they may be shown."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home


def list_(
    *,
    title: str | None = None,
    uncleared: bool = False,
    territory: str | None = None,
    limit: int = 100,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Print the images of a home, by title, and whether each may be shown now.

    Example: matinee artwork list --title t12 --home shop

    Example: matinee artwork list --uncleared --territory NL

    Parameters
    ----------
    title
        Only of this title.
    uncleared
        Only those that may not be shown now.
    territory
        Where; without it an image that is cleared somewhere counts as cleared.
    limit
        At most so many; 0: all.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        As it was known at this time.
    json
        Print machine-readable JSON.
    """
    from matinee.cli.artwork import act_us
    from matinee.observe.catalogue.artwork_listing import listing

    where = find_home(home)
    found = listing(where, act_us(where, at), title_id=title, territory=territory, uncleared=uncleared)
    shown = found if limit <= 0 else found[:limit]
    if json:
        print_json({"images": len(found), "listed": shown})
    elif shown:
        print_table(
            [(one.artwork_id, one.title_id, one.aspect, one.said, ", ".join(one.tags)) for one in shown],
            ["image", "title", "aspect", "may be shown", "tags"],
            left=5,
        )
        if len(found) > len(shown):
            say(f"{len(found) - len(shown):,} more: --limit 0 prints all.")
    else:
        say("No image matches." if title or uncleared else "No image is known: matinee import artwork PATH.")
    return 0
