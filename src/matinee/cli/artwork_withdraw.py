"""Take images back: running servers stop showing them within a second."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import note, print_json, say
from matinee.cli.context import find_home


def withdraw(
    *ids: str,
    why: str,
    by: str,
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Take images back: none of them is shown from now on; servers that run see it within a second.

    The files and the history stay: who was shown which image can still be asked.

    Example: matinee artwork withdraw t12-hero --why "the agency objects" --by Ada --dry-run

    Parameters
    ----------
    ids
        As `matinee artwork list` shows them.
    why
        The reason; it is kept with the image.
    by
        Who withdraws; it is kept with the image.
    dry_run
        Only say what would be done, and which titles would be left without an image.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        It happens at this time; else now.
    json
        Print machine-readable JSON.
    """
    from matinee.cli.artwork import act_us, some_ids
    from matinee.observe.catalogue import artwork_acts

    where = find_home(home)
    chosen = some_ids("withdraw", ids)
    done = artwork_acts.withdraw(where, chosen, why=why, by=by, now_us=act_us(where, at), dry_run=dry_run)
    if json:
        print_json({"withdrawn": done, "dry_run": dry_run})
        return 0
    verb = "would be withdrawn" if dry_run else "withdrawn"
    say(f"{len(done.images)} images {verb}, of {len(done.titles)} titles.")
    if done.already:
        say(f"{len(done.already)} were withdrawn before.")
    if done.bare:
        left = "would be left" if dry_run else "are left"
        some = ", ".join(done.bare[:10]) + (" ..." if len(done.bare) > 10 else "")
        note(f"{len(done.bare)} titles {left} without any cleared image: {some}")
    return 0
