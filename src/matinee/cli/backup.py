"""Copy a home to another folder while its servers run, and check the copy."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import note, print_json, say
from matinee.cli.context import find_home
from matinee.observe.clock import wall_us


def backup(
    to: Path,
    *,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Copy a home to the new folder TO: settings, registry, models, lake, log, and who was erased.

    It is one consistent state, with every event that was acknowledged before; servers may run. The state of
    members and results of pipelines are left out: they can be computed again. Keep it as safe as the home:
    it holds the same people.

    Example: matinee backup /backups/shop-2026-11-22 --home shop

    Parameters
    ----------
    to
        New or empty folder, best on another disk.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.backing_up import back_up

    saved = back_up(find_home(home), to, now_us=wall_us())
    if json:
        print_json({"to": str(to), "saved": saved})
        return 0
    size = sum(saved.files.values()) / 1e6
    say(f"Copied {len(saved.files):,} files, {size:,.1f} MB, to {to}.")
    say(f"The lake reads back: {saved.events:,} rows.")
    say(f"Make a home of it: matinee restore {to} DIR")
    if saved.note:
        note(saved.note)
    return 0
