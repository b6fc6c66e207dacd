"""Forget a person: refuse their id, then remove them from everything that a home keeps, and say what was."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from matinee.errors import InputError, StorageError
from matinee.observe.erasure.erased import LOOK_EVERY_S, Erased, mark, name_for
from matinee.observe.erasure.files import erase_from_file, loose_files
from matinee.observe.erasure.lake import InLake, find_in_lake, remove_from_lake
from matinee.observe.erasure.rotation import PATIENCE_S, close_segments
from matinee.observe.erasure.search import search
from matinee.observe.erasure.words import SHORTEST, Person
from matinee.observe.home import Home
from matinee.observe.home_clock import home_clock
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import literal, one_file, spilling
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.reader import open_events
from matinee.observe.lake.tables import LOGGED
from matinee.observe.log import segments
from matinee.observe.state.imports import take_in
from matinee.observe.state.store import CopiesLeftError, StateStore
from matinee.platform.lifecycle.erasing_results import erase_records, erase_results
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.lifecycle.receipt import Receipt, read_receipt, write_receipt
from matinee.platform.registry.registry import Registry

OUTSIDE = "Backups and copies outside the home: erase there as well, or let them expire."
NOT_SEARCHED = (
    f"The id has fewer than {SHORTEST} characters, so it was compared with columns of ids only: it cannot be "
    "told from other words in queries, contexts, notes and files of models."
)
UNNAMED = (
    "Models that learned from the member: their files name nobody, and may hold what somebody watched, "
    "without a name. Train again and release; delete older versions from releases/."
)
GOES_ON = "It then goes on with the lake, results and files; the id is refused already."
SYSTEM = ("state.db", "meta.db", "erased.txt", "erasure.key", "console.key", "format.json", ".erasure.lock")
"""Files of a home that are no tables: databases have their own way, and the list holds hashes."""

SETTLE_S = LOOK_EVERY_S + 0.1
CLEAN = ("lake", "log", "releases", "state.db", "state.db-wal", "state.db-shm")
"""What need not be searched afterwards: it was rewritten from end to end, or has been searched."""


@dataclass(frozen=True, slots=True)
class _Erasure:
    home: Home
    store: StateStore | None
    registry: Registry
    receipt: Receipt
    unit_of: dict[str, str]
    member_id: str

    def save(self) -> None:
        write_receipt(self.home, self.receipt)


def erase(
    home: Home,
    store: StateStore | None,
    member_id: str,
    *,
    now_us: int,
    by: str = "matinee erase",
    rotate: Callable[[], object] | None = None,
    patience_s: float = PATIENCE_S,
    settle_s: float = SETTLE_S,
) -> Receipt:
    """Remove a member from a home, and refuse the id from now on.

    It may be killed at any moment and run again: it goes on to the end, and the receipt counts everything.
    Servers may run meanwhile; each closes its segment when it is asked (`observe.erasure.rotation`).

    Parameters
    ----------
    store : StateStore or None
        The state of members; None in a home that never had a server.
    now_us : int
        Wall time.
    by : str
        Who asks, for the receipt.
    rotate : callable, optional
        Closes the segment of this process; called before the others are asked.
    patience_s : float
        How long a server may take to close its segment.
    settle_s : float
        How long to wait until every process has seen that the id is refused, and has queued what it let in
        before; where there is no `store` there is no server to wait for.

    Returns
    -------
    Receipt
        Also kept as `HOME/receipts/erasure-<hash>.json`.

    Raises
    ------
    InputError
        The id is empty.
    StorageError
        A server does not answer, a training is going on, the disk is full, or the state cannot be reached.
        From then on the id is refused; what was removed stays removed; run it again.
    """
    if not member_id:
        raise InputError("erase: member_id is empty, expected the id of a member.")
    person = name_for(home, member_id)
    receipt = read_receipt(home, person) or Receipt(person=person, by=by, begun_us=now_us)
    receipt.state, receipt.done_us, receipt.left = "begun", 0, []
    with open_registry(home) as registry:
        run = _Erasure(home, store, registry, receipt, _units(registry), member_id)
        _note_log(run)
        run.save()
        mark(home, member_id)
        if store is not None:
            time.sleep(settle_s)
        if rotate is not None:
            rotate()
        close_segments(home, patience_s=patience_s)
        clock_us = home_clock(home).now_us
        compact(home, taken_in=None if store is None else lambda: take_in(home, store, clock_us))
        found = find_in_lake(home, member_id, run.unit_of)
        _note_lake(run, found)
        whole = Person(member_id, found.accounts)
        _mark_models(run, now_us)
        run.save()
        _erase_state(run, whole)
        receipt.count("work", erase_results(home, registry, whole, dry_run=False))
        remove_from_lake(home, member_id, run.unit_of)
        run.save()
        # What a run or a request wrote meanwhile from what it had read before:
        receipt.count("work", erase_results(home, registry, whole, dry_run=False))
        receipt.count("work", erase_records(home, registry, whole, dry_run=False))
        _mark_models(run, now_us)
        _erase_files(run, whole, dry_run=False)
        _erase_state(run, whole)
        _note_left(run, found)
        receipt.state, receipt.done_us = "done", now_us
        run.save()
    return receipt


def plan_erasure(home: Home, store: StateStore | None, member_id: str, *, now_us: int) -> Receipt:
    """What `erase` would remove; nothing is written. Parameters and errors as there."""
    if not member_id:
        raise InputError("erase: member_id is empty, expected the id of a member.")
    receipt = Receipt(person="", by="dry run", begun_us=now_us, state="planned")
    with open_registry(home) as registry:
        run = _Erasure(home, store, registry, receipt, _units(registry), member_id)
        _note_log(run)
        found = find_in_lake(home, member_id, run.unit_of)
        _note_lake(run, found)
        whole = Person(member_id, found.accounts)
        if store is not None:
            known = store.member(member_id) is not None
            record = store.record(member_id)
            events = [*record.plays, *record.impressions, *record.searches]
            events += [*record.thumbs.values(), *record.listing.values()]
            receipt.count("state", {"facts": int(known), "events": len(events)})
        receipt.count("work", erase_results(home, registry, whole, dry_run=True))
        receipt.count("work", erase_records(home, registry, whole, dry_run=True))
        if receipt.first_us is not None:
            models = [
                m for m in registry.models.versions() if m.data == "home" and m.at_us >= receipt.first_us
            ]
            receipt.models = sorted(f"{m.initiative}/{m.version}" for m in models)
        _erase_files(run, whole, dry_run=True)
        _note_left(run, found)
    return receipt


def _units(registry: Registry) -> dict[str, str]:
    return {one.name: one.unit for one in registry.initiatives.all()}


def _note_log(run: _Erasure) -> None:
    """Count the events that stand in open segments, and find their first."""
    receipt = run.receipt
    if not segments(run.home.log) or Erased.of(run.home).refuses(run.member_id):
        return
    mine = literal(run.member_id)
    with spilling() as con:
        open_events(con, run.home)
        for table in LOGGED.values():
            rows, first_us = con.execute(
                f"SELECT count(*), min(at_us) FROM log_{table} WHERE member_id = {mine}"
            ).fetchall()[0]
            if rows:
                receipt.count("log", {table: rows})
                receipt.first_us = first_us if receipt.first_us is None else min(receipt.first_us, first_us)


def _note_lake(run: _Erasure, found: InLake) -> None:
    receipt = run.receipt
    receipt.count("lake", found.rows)
    receipt.count("named", found.covered)
    if found.first_us is not None:
        receipt.first_us = (
            found.first_us if receipt.first_us is None else min(receipt.first_us, found.first_us)
        )


def _mark_models(run: _Erasure, now_us: int) -> None:
    """Mark the models that learned from the member, those of a run that has just ended included."""
    receipt = run.receipt
    if receipt.first_us is not None:
        receipt.models = run.registry.retraining.mark(
            learned_after_us=receipt.first_us, marked_us=now_us, already=receipt.models
        )


def _erase_state(run: _Erasure, person: Person) -> None:
    if run.store is None:
        return
    try:
        run.receipt.count("state", run.store.erase(person.ids))
    except CopiesLeftError as problem:
        run.receipt.count("state", problem.removed)
        run.receipt.left = [f"{problem} {GOES_ON}"]
        with suppress(StorageError):  # on a full disk; what went wrong first is told
            run.save()
        raise StorageError(run.receipt.left[0]) from problem


def _erase_files(run: _Erasure, person: Person, *, dry_run: bool) -> None:
    for path in loose_files(run.home):
        name = path.relative_to(run.home.root).as_posix()
        if name.startswith(SYSTEM):
            continue
        rows = erase_from_file(path, person, dry_run=dry_run)
        if rows:
            gone = " (deleted)" if path.suffix.lower() == ".html" else ""
            run.receipt.count("files", {name + gone: rows})


def _note_left(run: _Erasure, found: InLake) -> None:
    """Say what stays, after looking for it."""
    home, receipt = run.home, run.receipt
    if receipt.models:
        receipt.left.append(UNNAMED)
    if len(run.member_id) < SHORTEST:
        receipt.left.append(NOT_SEARCHED)
    else:
        traces = {one.file for one in search(home, run.member_id, below=home.releases)}
        receipt.releases = sorted(traces)
        receipt.left += [f"{name}: a released file holds the id. Train again." for name in sorted(traces)]
        if receipt.state != "planned":
            receipt.left += _strange(run)
    if found.shared:
        receipt.left.append("Decisions about an account that other members use.")
    receipt.left.append(OUTSIDE)


def _strange(run: _Erasure) -> list[str]:
    """Files that are not Matinee's, or that it does not write again, and which hold the id."""
    home = run.home
    simulated = [f"work/{path.name}" for path in home.work.glob("simulated-*")]
    found = search(home, run.member_id, skip=(*CLEAN, *simulated))
    return sorted(
        {f"{one.file}: holds the id ({one.where}); Matinee does not change such files." for one in found}
    )


def returned(home: Home, store: StateStore | None) -> list[str]:
    """Members who were erased and stand in the home again, as after a backup was restored.

    Raises
    ------
    StorageError
        The lake, the log or the state cannot be read.
    """
    erased = Erased.of(home)
    if not erased.reload():
        return []
    found: set[str] = set()
    manifest = read_manifest(home.lake)
    with spilling() as con:
        for file in manifest.files:
            source = f"read_parquet({one_file(home.lake / file.path)})"
            columns = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            for name in (one for one in ("member_id", "unit_id") if one in columns):
                ids = con.execute(f"SELECT DISTINCT {name} FROM {source} WHERE {name} IS NOT NULL").fetchall()
                found.update(erased.refused(row[0] for row in ids))
    after = ""
    while store is not None and (known := store.member_ids(after)):
        found.update(erased.refused(known))
        after = known[-1]
    return sorted(found)
