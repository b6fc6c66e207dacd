"""Move closed log segments into the lake, and join decisions with what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from matinee.cli.console import EXIT_FAILED, EXIT_OK, note, print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.types import format_at

if TYPE_CHECKING:
    from matinee.observe.home import Home
    from matinee.observe.state.store import StateStore
    from matinee.platform.initiative import Initiative
    from matinee.serve.maintenance import Stepped


def compact(
    *, dry_run: bool = False, home: Path | None = None, at: str | None = None, json: bool = False
) -> int:
    """Move closed log segments into the lake, and join decisions with what came of them.

    A running server does this by itself every [serve] compact_s seconds; run it by hand or from a scheduler
    for a home without one. It may be killed at any moment and run again; beside a running server it does no
    harm.

    Example: matinee compact --home shop --dry-run

    Parameters
    ----------
    dry_run
        Say what there is to do, and change nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Join outcomes that are final by this time, instead of now. Where a server runs it may not be in the
        future: what would still come of decisions would be left out.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import home_clock
    from matinee.serve.maintenance import Maintenance

    where = find_home(home)
    final_us, now_us = home_clock(where, at).now_us, home_clock(where).now_us
    deciding = list(_deciding(where))
    if dry_run:
        return _preview(where, deciding, final_us, json=json)
    if final_us > now_us and _is_served(where):
        raise InputError(
            f"--at is {at}, expected no time after {format_at(now_us)}, which is now, while a server runs. "
            "Leave it away, or stop the server."
        )
    with _state(where) as store:
        work = Maintenance(where, store, now=lambda: now_us, initiatives=deciding, final=lambda: final_us)
        done = work.step()
    if json:
        print_json(done)
    else:
        _show(done)
    return EXIT_FAILED if done.troubles else EXIT_OK


def _preview(home: Home, deciding: list[Initiative], now_us: int, *, json: bool) -> int:
    from matinee.observe.log import segments
    from matinee.platform.outcomes.join import waiting

    found = segments(home.log)
    size = sum(path.stat().st_size for path in found)
    due = {one.name: waiting(home, one, now_us=now_us) for one in deciding}
    if json:
        print_json({"dry_run": True, "segments": len(found), "bytes": size, "decisions": due})
        return EXIT_OK
    say(f"{len(found)} log segments with {size:,} bytes would be moved into the lake.")
    for name, n in due.items():
        say(f"{name}: {n:,} decisions would be joined with what came of them.")
    say("Nothing was changed.")
    return EXIT_OK


def _show(done: Stepped) -> None:
    if done.compacted is not None:
        one = done.compacted
        say(
            f"{one.segments} log segments moved into the lake: {one.added:,} events added, "
            f"{one.duplicate:,} were there, {one.torn:,} torn lines, {one.erased:,} of erased members."
        )
    if done.joined:
        rows = [
            (name, f"{j.decisions:,}", f"{j.slots:,}", f"{j.rewarded:,}", f"{j.late:,}", f"{j.unknown:,}")
            for name, j in done.joined.items()
        ]
        heads = ["initiative", "decisions joined", "slots", "with a reward", "late", "of unknown decisions"]
        print_table(rows, heads, left=1)
    for stage, why in done.troubles.items():
        note(f"{stage} failed: {why}")


def _deciding(home: Home) -> Iterator[Initiative]:
    """Initiatives that decide; one that does not import is told and left out."""
    from matinee.errors import MatineeError
    from matinee.platform.loading import find

    for name, found in find(home).items():
        try:
            one = found.load()
        except MatineeError as problem:
            note(f"{name} is left out: {problem}")
            continue
        if one.kind == "decides":
            yield one


def _is_served(home: Home) -> bool:
    """Whether a server on this host does the maintenance of the home."""
    from matinee.observe.locks import Leader

    leader = Leader(home.work / "serve" / "leader.lock")
    try:
        return not leader.lead()
    finally:
        leader.close()


@contextmanager
def _state(home: Home) -> Iterator[StateStore | None]:
    """The state of a home that has a server: it takes a segment in before that is deleted."""
    from matinee import settings
    from matinee.observe.state.open import open_store
    from matinee.serve.config import ServeConfig

    config = settings.load(home.settings, "serve", ServeConfig)
    if not config.state and not home.state_db.exists():
        yield None
        return
    store = open_store(home, config.state, dedup_h=config.dedup_h, folds=None)
    try:
        yield store
    finally:
        store.close()
