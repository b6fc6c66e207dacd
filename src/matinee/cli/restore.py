"""Make a home from a backup."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import note, print_json, say


def restore(backup: Path, folder: Path, *, json: bool = False) -> int:
    """Make a new home in FOLDER from a BACKUP, after checking that the backup is whole.

    Example: matinee restore /backups/shop-2026-11-22 shop

    Parameters
    ----------
    backup
        Folder that `matinee backup` made.
    folder
        New or empty folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.backing_up import restore as make

    done = make(backup, folder)
    if json:
        print_json({"home": str(done.home.root), "saved": done.saved})
        return 0
    say(f"Made the home {folder}: {done.saved.events:,} rows in the lake.")
    say(
        f"The state of members is made again from the lake and the log: matinee rebuild-state --home {folder}"
    )
    say("Those who were erased after the backup are in it. Copy erased.txt and erasure.key of the home that")
    say(f"was in use into this one, if they are there, and run: matinee erase --again --home {folder}")
    if done.saved.note:
        note(done.saved.note)
    return 0
