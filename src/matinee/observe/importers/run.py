"""Run an import: check every row of every file, then write all of it in one step, or nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from matinee.errors import InputError
from matinee.observe.clock import Clock
from matinee.observe.erasure.erased import Erased
from matinee.observe.erasure.refusing import list_refused
from matinee.observe.home import Home
from matinee.observe.importers.fields import (
    ARTWORK,
    AVAILABILITY,
    MEMBER,
    PIN,
    TITLE,
    Field,
    event_fields,
)
from matinee.observe.importers.oddities import NO_TITLES, oddities
from matinee.observe.importers.part import Part, Prepared, Preparing
from matinee.observe.importers.registry import importer_of
from matinee.observe.importers.staging import Staged, Strictness, check_rejects, stage
from matinee.observe.lake.connection import connect, quoted
from matinee.observe.lake.facts import facts, store_facts
from matinee.observe.lake.manifest import parquet
from matinee.observe.lake.spans import Stored, store_events
from matinee.observe.lake.tables import EVENTS, FACTS, TABLE_OF
from matinee.observe.lake.writer import LakeWriter, writing

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""

FIELDS: dict[str, tuple[Field, ...]] = {
    "titles": TITLE,
    "members": MEMBER,
    "availability": AVAILABILITY,
    "pins": PIN,
    "artwork": ARTWORK,
}
NONE = Stored(0, 0)
ONE_ROW_EACH = ("titles", "members")
"""Facts of which an id has one row in a file."""
RATING_SCALES = (1.0, 5.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of one file.

    Attributes
    ----------
    file : str
    table : str
        Where they went in the lake.
    added, duplicate, rejected : int
        Rows. Duplicates were known already (same event id, or the same row again). A change to a window
        or a pin adds all windows of its title, or the whole plan.
    erased : int
        Rows of members who were erased; they are left out.
    notes : tuple of str
        What the person who imports should know.
    """

    file: str
    table: str
    added: int
    duplicate: int
    rejected: int
    erased: int = 0
    notes: tuple[str, ...] = ()


def rating_scale(highest: float | None) -> float:
    """Maximum of the scale that a log's highest rating belongs to.

    Examples
    --------
    >>> rating_scale(4.5), rating_scale(9), rating_scale(None)
    (5.0, 10.0, 1.0)
    """
    if highest is None or highest <= 0:
        return 1.0
    return next((scale for scale in RATING_SCALES if highest <= scale), highest)


def run_import(
    home: Home,
    kind: str,
    path: Path,
    *,
    clock: Clock | None = None,
    strictness: Strictness | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    dry_run: bool = False,
    override_clearance: bool = False,
) -> list[Imported]:
    """Import a file, folder or archive into a home.

    Parameters
    ----------
    clock : Clock, optional
        Since when new facts hold, and (when fixed) what is in the future. Default: the wall clock. Events
        are compared with the wall clock unless the clock is fixed, so that newer history can be added to a
        home whose now is its last event.
    progress : callable, optional
        Called between the steps.
    threads : int, optional
        Of DuckDB. Default: all.
    dry_run : bool
        Check everything and count; the home stays as it is.
    override_clearance : bool
        Of images: what the file says of approval, limits and withdrawal goes before what people decided.

    Returns
    -------
    list of Imported
        One for each file and table.

    Raises
    ------
    InputError
        A file or row is bad; nothing was written.
    StorageError
        The disk is full, or another process is writing; nothing was written.

    Notes
    -----
    Rows stream through files in the home's scratch folder, one span of days in memory at a time: 20 million
    rows need less than 2 GB.
    """
    now = clock or Clock.wall()
    latest_us = (now if now.mode == "fixed" else Clock.wall()).latest_us
    strict = replace(strictness or Strictness(), latest_us=latest_us)
    report = progress or (lambda _what, _share: None)
    importer = importer_of(kind)
    check_rejects(strict.rejects)
    done: list[Imported] = []
    with writing(home.lake) as write:
        report(f"looking at {path}", 0.0)
        found = importer.parts(path, write.scratch)
        with connect(write.scratch / "spill", threads=threads) as con:
            for i, part in enumerate(found):
                report(f"reading {part.table.named}", 0.02 + 0.9 * i / len(found))
                fields = FIELDS.get(part.target) or event_fields(part.table.columns)
                staged = stage(con, part.table, fields, values=part.values, strictness=strict)
                erased = _leave_out_erased(con, Erased.of(home), staged)
                report(f"writing {part.target}", 0.02 + 0.9 * (i + 0.4) / len(found))
                ready = Prepared(staged)
                if part.prepare is not None:
                    given = (home, con, write, part.table, staged, strict, now.now_us, dry_run)
                    ready = part.prepare(Preparing(*given, override_clearance=override_clearance))
                first, *rest = _store(write, con, part, ready, now) or [_imported(part, part.target, NONE, 0)]
                notes = (
                    *ready.notes,
                    *_not_read(part, fields),
                    *_given_again(con, part),
                    *_odd(con, write, part, staged),
                )
                done += [replace(first, erased=erased, notes=notes), *rest]
        report("committing", 0.95)
        if dry_run:
            write.abandon()
    report("done", 1.0)
    return done


def _not_read(part: Part, fields: Sequence[Field]) -> Iterator[str]:
    """Which columns of a file in our own layout no importer knows: a misspelt one is lost otherwise."""
    if part.values is not None:
        return
    known = [field.name for field in fields]
    for column in part.table.columns:
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            yield f'{Path(part.table.named).name}: column "{column}" is not known and was not read.{hint}'


def _given_again(con: duckdb.DuckDBPyConnection, part: Part) -> Iterator[str]:
    """How many rows gave way to a later row of the file that has the same id."""
    if part.target not in ONE_ROW_EACH:
        return
    key = quoted(next(iter(FACTS[part.target])))
    (n,) = con.execute(f"SELECT count(*) - count(DISTINCT {key}) FROM staged").fetchall()[0]
    if n:
        rows = "row names an id that stands" if n == 1 else "rows name ids that stand"
        yield f"{Path(part.table.named).name}: {n:,} {rows} again below: the last row of each counts."


def _odd(con: duckdb.DuckDBPyConnection, write: LakeWriter, part: Part, staged: Staged) -> Iterator[str]:
    """What is kept and may be a mistake."""
    for text in oddities(con, write, part.target, staged.columns):
        yield text if text == NO_TITLES else f"{Path(part.table.named).name}: {text}"


def _leave_out_erased(con: duckdb.DuckDBPyConnection, erased: Erased, staged: Staged) -> int:
    """Take the rows of members who were erased out of the view `staged`; returns how many."""
    if "member_id" not in staged.columns or not erased.reload():
        return 0
    if not list_refused(con, erased, "staged"):
        return 0
    con.execute("DROP VIEW IF EXISTS staged_with_erased")
    con.execute("ALTER VIEW staged RENAME TO staged_with_erased")
    theirs = "member_id IN (SELECT id FROM refused_ids)"
    con.execute(f"CREATE TEMP VIEW staged AS SELECT * FROM staged_with_erased WHERE NOT ({theirs})")
    (n,) = con.execute(f"SELECT count(*) FROM staged_with_erased WHERE {theirs}").fetchall()[0]
    return int(n)


def _store(
    write: LakeWriter, con: duckdb.DuckDBPyConnection, part: Part, ready: Prepared, now: Clock
) -> list[Imported]:
    staged = ready.staged
    if part.target != "events":
        columns = FACTS[part.target]
        select = ", ".join(_column(c, columns[c], staged) for c in facts(part.target))
        last = ""
        if part.target in ONE_ROW_EACH:  # where an id stands twice the last row counts
            key = quoted(next(iter(columns)))
            last = f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY row_no DESC) = 1"
        con.execute(f"CREATE OR REPLACE TEMP TABLE incoming_facts AS SELECT {select} FROM staged{last}")
        from_us = now.now_us if ready.from_us is None else ready.from_us
        stored = store_facts(write, con, part.target, "incoming_facts", from_us=from_us)
        return [_imported(part, part.target, stored, staged.n_rejected)]
    done = []
    kinds = ["play"]
    if "event" in staged.columns:
        kinds = [
            row[0] for row in con.execute("SELECT DISTINCT coalesce(event, 'play') FROM staged").fetchall()
        ]
    for kind in sorted(kinds):
        stored = _store_events(write, con, part, staged, kind)
        done.append(_imported(part, TABLE_OF[kind], stored, 0))
    (last_row,) = con.execute("SELECT max(row_no) FROM staged").fetchall()[0]
    write.next_seq += int(last_row or 0) + 1
    if done:
        done[0] = replace(done[0], rejected=staged.n_rejected)
    return done


def _store_events(
    write: LakeWriter, con: duckdb.DuckDBPyConnection, part: Part, staged: Staged, kind: str
) -> Stored:
    table = TABLE_OF[kind]
    scale = part.rating_scale
    if "rating" in staged.columns:
        (highest,) = con.execute("SELECT max(rating) FROM staged").fetchall()[0]
        if scale is None:  # a month in which nobody gave the best rating is no other scale
            scale = max(rating_scale(highest), _scale_before(write, con))
        elif highest is not None and highest > scale:
            raise InputError(
                f"{part.table.named}: the highest rating is {highest:g}, expected at most {scale:g}, the "
                "scale of this data set. Is it another one? Name its importer: matinee import --help. "
                "Nothing was imported."
            )
    values = {c: quoted(c) for c in staged.columns}
    values["seq"] = f"row_no + {write.next_seq}"
    if scale is not None:
        values["rating_scale"] = str(scale)
    values = {"title_id": "NULL"} | values
    columns = EVENTS[table]
    select = ", ".join(f"CAST({values[c]} AS {columns[c]}) AS {quoted(c)}" for c in columns if c in values)
    where = f" WHERE coalesce(event, 'play') = '{kind}'" if "event" in staged.columns else ""
    con.execute(f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {select} FROM staged{where}")
    return store_events(write, con, table, "incoming", has_ids="event_id" in staged.columns)


def _scale_before(write: LakeWriter, con: duckdb.DuckDBPyConnection) -> float:
    """The largest scale of the ratings that the lake has; 0 without any."""
    files = write.before.of(TABLE_OF["play"])
    if not files:
        return 0.0
    (found,) = con.execute(f"SELECT max(rating_scale) FROM {parquet(write.lake, files)}").fetchall()[0]
    return float(found or 0.0)


def _column(name: str, sql_type: str, staged: Staged) -> str:
    value = quoted(name) if name in staged.columns else "NULL"
    return f"CAST({value} AS {sql_type}) AS {quoted(name)}"


def _imported(part: Part, table: str, stored: Stored, rejected: int) -> Imported:
    return Imported(part.table.named, table, stored.added, stored.duplicate, rejected)
