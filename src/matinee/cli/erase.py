"""Forget a person everywhere in a home, and say what was removed where."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from matinee import settings
from matinee.cli.console import note, print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.observe.clock import wall_us

if TYPE_CHECKING:
    from matinee.observe.home import Home
    from matinee.observe.state.store import StateStore
    from matinee.platform.lifecycle.receipt import Receipt


def erase(
    member: str | None = None,
    *,
    again: bool = False,
    dry_run: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Remove MEMBER from the state, the log, the lake, decisions, results and files of a home, for good.

    From then on the id is refused: late events are rejected, imports leave them out. Models that learned from
    the member are marked, and `matinee status` says so until others are released. The receipt, which names
    the person by a keyed hash only, is printed and kept in HOME/receipts. Servers may run meanwhile. If it is
    interrupted, run it again: it goes on to the end.

    Example: matinee erase m1024 --home shop --dry-run

    Example: matinee erase m1024 --home shop

    Parameters
    ----------
    member
        The member's id.
    again
        Instead of MEMBER: everybody who was erased before and stands in the home again, as after a backup
        was restored.
    dry_run
        Only count what would be removed.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.erasing import erase as remove
    from matinee.platform.lifecycle.erasing import plan_erasure, returned

    where = find_home(home)
    if again == (member is not None):
        raise InputError("matinee erase: name a MEMBER, or pass --again; not both, and not neither.")
    with ExitStack() as stack:
        store = _store(where)
        if store is not None:
            stack.callback(store.close)
        whom = [member] if member is not None else returned(where, store)
        receipts = [
            plan_erasure(where, store, one, now_us=wall_us())
            if dry_run
            else remove(where, store, one, now_us=wall_us())
            for one in whom
        ]
    if json:
        print_json(receipts if again else receipts[0])
        return 0
    for one in receipts:
        _print(one)
    if again:
        say(f"{len(receipts)} who were erased before {'would be' if dry_run else 'were'} erased again.")
    return 0


def _store(home: Home) -> StateStore | None:
    """The state of members, if there is one; nothing is folded by this process."""
    from matinee.observe.state.open import open_store
    from matinee.serve.config import ServeConfig

    config = settings.load(home.settings, "serve", ServeConfig)
    if not config.state and not home.state_db.exists():
        return None
    return open_store(home, config.state, config.dedup_h, None)


def _print(receipt: Receipt) -> None:
    planned = receipt.state == "planned"
    rows = [
        (place, kind, f"{n:,}") for place, kinds in receipt.removed.items() for kind, n in kinds.items() if n
    ]
    if rows:
        print_table(rows, ["place", "what", "would be removed" if planned else "removed"], left=2)
    else:
        say(
            "Nothing of this member is in the home." if planned else "Nothing of this member was in the home."
        )
    if receipt.models:
        say(f"Train again, since they learned from the member: {', '.join(receipt.models)}")
    for one in receipt.left:
        note(f"left: {one}")
    if planned:
        say("Nothing was changed. Erase without --dry-run.")
    else:
        say(f"Erased. The id is refused from now on. Receipt: receipts/erasure-{receipt.person[:16]}.json")
