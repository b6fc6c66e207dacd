"""Load history, titles, members, windows, pins or images into a home."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from matinee.cli.console import print_json, print_table, progress, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.observe.home_clock import home_clock
from matinee.observe.importers.run import run_import
from matinee.observe.importers.staging import Strictness


def import_(
    kind: str,
    path: Path,
    *,
    home: Path | None = None,
    on_error: Literal["fail", "skip"] = "fail",
    rejects: Path | None = None,
    dry_run: bool = False,
    override_clearance: bool = False,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Load PATH into a home: all of it, or nothing. The same file again adds nothing.

    KIND is one of events, titles, members, availability, pins, artwork (CSV, Parquet or NDJSON files;
    artwork also a folder of images), or a published data set: movielens, movietweetings (a zip or a folder).

    Example: matinee import events plays.csv --home shop

    Example: matinee import movielens ml-1m.zip --home shop

    Example: matinee import events plays.csv --home shop --on-error skip --rejects bad.csv

    Example: matinee import artwork candidates/ --home shop --dry-run

    Parameters
    ----------
    kind
        What the file holds.
    path
        File, folder or archive.
    home
        Service home; else MATINEE_HOME, else the current folder.
    on_error
        fail: one bad row refuses the whole import. skip: bad rows are left out and counted.
    rejects
        CSV file for the rows that skip leaves out: file, line, reason, text.
    dry_run
        Check everything and count; the home stays as it is.
    override_clearance
        artwork: what the file says of approval, limits and withdrawal goes before what people decided here.
    at
        Read "now" as this time: facts hold from then on, and events more than 24 hours later are refused.
    json
        Print machine-readable JSON.
    """
    if override_clearance and kind != "artwork":
        raise InputError(f"--override-clearance is given for {kind}, expected with artwork. Leave it out.")
    where = find_home(home)
    # Before the first event, what "last_event" learns about titles holds from the beginning of time.
    now = home_clock(where, at, empty_us=0)
    strictness = Strictness(on_error, rejects)
    with progress("Importing", quiet=json) as report:
        done = run_import(
            where, kind, path, clock=now, strictness=strictness, progress=report, dry_run=dry_run,
            override_clearance=override_clearance,
        )  # fmt: skip
    if json:
        print_json({"home": str(where.root), "kind": kind, "dry_run": dry_run, "imported": done})
        return 0
    print_table(
        [(Path(d.file).name, d.table, f"{d.added:,}", f"{d.duplicate:,}", f"{d.rejected:,}") for d in done],
        ["file", "table", "would be added" if dry_run else "added", "known already", "rejected"],
        left=2,
    )
    if n_erased := sum(one.erased for one in done):
        say(f"Left out, of members who were erased: {n_erased:,} {'row' if n_erased == 1 else 'rows'}.")
    for text in (text for one in done for text in one.notes):
        say(text)
    if rejects is not None and any(d.rejected for d in done):
        say(f"Rejected rows and the reasons: {rejects}")
    return 0
