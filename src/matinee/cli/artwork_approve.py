"""Clear images, so that they may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from matinee.cli.console import note, print_json, say
from matinee.cli.context import find_home


def approve(
    *ids: str,
    by: str,
    territories: str | None = None,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    end: Annotated[str | None, Parameter(name="--until")] = None,
    again: bool = False,
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Clear images: from now on they may be shown, where and when their facts permit.

    Example: matinee artwork approve t12-hero t12-city --by "Ada Lovelace" --home shop

    Example: matinee artwork approve t12-hero --by Ada --territories NL,BE --until 2027-01-01

    Parameters
    ----------
    ids
        As `matinee artwork list` shows them.
    by
        Who approves; it is kept with the image.
    territories
        Only there, separated by commas; "all": everywhere. Without it as the image's facts say.
    start
        First moment. Without it as the image's facts say.
    end
        First moment at which it may not be shown any more. Without it as the image's facts say.
    again
        Also images that were withdrawn.
    dry_run
        Only say what would be done.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        It happens at this time; else now.
    json
        Print machine-readable JSON.
    """
    from matinee.cli.artwork import act_us, some_ids
    from matinee.observe.catalogue import artwork_acts
    from matinee.types import parse_at

    where = find_home(home)
    done = artwork_acts.approve(
        where,
        some_ids("approve", ids),
        by=by,
        now_us=act_us(where, at),
        territories=_places(territories),
        start_us=None if start is None else parse_at(start),
        end_us=None if end is None else parse_at(end),
        again=again,
        dry_run=dry_run,
    )
    if json:
        print_json({"approved": done, "dry_run": dry_run})
        return 0
    verb = "would be approved" if dry_run else "approved"
    say(f"{len(done.images)} images {verb}, of {len(done.titles)} titles, by {by.strip()}.")
    if done.already:
        say(f"{len(done.already)} were approved like this before.")
    if done.bare:
        note(
            f"Still without a cleared image now: {', '.join(done.bare[:10])}, because of territories, from "
            "or until (matinee artwork list). --territories, --from and --until set others."
        )
    return 0


def _places(text: str | None) -> list[str] | None:
    """Territories of the option; an empty list is everywhere."""
    if text is None:
        return None
    return [] if text.strip().lower() == "all" else [one.strip() for one in text.split(",") if one.strip()]
