"""Make the state of members again from the lake and the log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from matinee import settings
from matinee.cli.console import note, print_json, progress, say
from matinee.cli.context import find_home
from matinee.errors import StorageError
from matinee.observe.lake.cutting import oldest_event_us
from matinee.types import format_at

if TYPE_CHECKING:
    from matinee.observe.home import Home
    from matinee.observe.state.rebuild import Progress, Rebuild


def rebuild_state(*, home: Path | None = None, dry_run: bool = False, json: bool = False) -> int:
    """Make the state of members again from the lake and the log, where it is lost, damaged or doubted.

    The state is what a server knows about each member; all of it follows from the lake and the log. A server
    may run meanwhile: what arrives is folded into the new state. Only where the file itself is damaged must
    the server be stopped; the file is then removed first. Members who are in the state and not in the lake or
    the log any more are removed, and who is erased meanwhile does not come back (the rebuild then stops).

    Example: matinee rebuild-state --home shop

    Parameters
    ----------
    home
        Service home; else MATINEE_HOME, else the current folder.
    dry_run
        Only say what there is.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    from matinee.observe.state.rebuild import survey

    removed = False
    if dry_run:
        done = survey(where)
    else:
        with progress("Rebuilding the state", quiet=json) as report:
            report("reading", 0.0)
            done, removed = _rebuild(where, lambda share: report("members", share))
    if json:
        print_json(
            {
                "written": not dry_run,
                "damaged_file_removed": removed,
                "rebuilt": done,
                "reaches_us": oldest_event_us(where),
            }
        )
        return 0
    say(
        f"{'Would make' if dry_run else 'Made'} the state of {done.members:,} members again, from "
        f"{done.events:,} events in the lake and {done.segments} segments of the log."
    )
    reaches_us = oldest_event_us(where)
    if reaches_us is not None:
        say(f"It reaches back to {format_at(reaches_us)}, the oldest event that is kept.")
    if done.torn:
        say(f"Skipped {done.torn} lines of the log that a crash had cut off.")
    return 0


def _rebuild(home: Home, report: Progress) -> tuple[Rebuild, bool]:
    """Rebuild; a damaged file is removed first, and everything is made again."""
    from matinee.observe.state.sqlite_file import discard, is_damaged

    try:
        return _into_store(home, report), False
    except StorageError as problem:
        if not is_damaged(problem):
            raise
    with _no_server(home):
        note(f"{home.state_db}: is damaged, and is made anew.")
        discard(home.state_db)
        return _into_store(home, report), True


def _into_store(home: Home, report: Progress) -> Rebuild:
    from matinee.observe.home_clock import home_clock
    from matinee.observe.state.imports import catch_up
    from matinee.observe.state.open import open_store
    from matinee.platform.served_features import served_folds
    from matinee.serve.config import ServeConfig

    config = settings.load(home.settings, "serve", ServeConfig)
    folds = served_folds(home)
    with closing(open_store(home, config.state, config.dedup_h, folds)) as store:
        return catch_up(home, store, home_clock(home).now_us, dedup_h=config.dedup_h, progress=report)


@contextmanager
def _no_server(home: Home) -> Iterator[None]:
    """Hold the lock of the process that does a server's maintenance."""
    from matinee.observe.locks import lock_file

    path = home.work / "serve" / "leader.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not lock_file(handle):
            raise StorageError(
                f"{home.state_db}: is damaged, and a server has it open. Stop matinee serve, then run "
                "this again."
            )
        yield
    finally:
        os.close(handle)
