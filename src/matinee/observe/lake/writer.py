"""Write to the lake: files first, then the manifest; a crash at any point leaves the old or the new state."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from matinee.errors import StorageError
from matinee.observe.lake.connection import literal, one_file, quoted
from matinee.observe.lake.manifest import (
    DataFile,
    Manifest,
    read_manifest,
    swap_manifest,
    sync_file,
    sync_folder,
)
from matinee.observe.lake.tables import BY_TIME, EVENTS, FACTS, GROUP_ROWS
from matinee.observe.locks import lock_file
from matinee.observe.log import NOT_WRITABLE
from matinee.types import DAY_US

SCRATCH = "tmp"
OPTIONS = "FORMAT parquet, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 2000"
"""Delta encodings make files 3 times smaller; large dictionaries cost more time than they save space."""
LOCK_FILE = "lock"
LOCK_TRIES = 50
LOCK_PAUSE_S = 0.1


@dataclass(slots=True)
class LakeWriter:
    """One write in progress; nothing is visible before `commit`, which `writing` calls.

    Attributes
    ----------
    lake, scratch : Path
        The scratch folder is on the same disk, for DuckDB's temporary files and staged tables.
    before : Manifest
        State at the beginning.
    segments : list of str or None
        Log segments whose events are in the new state; None: as before.
    compactions : int
        `Manifest.compactions` of the new state.
    next_seq : int
        Order of arrival of the event after the last one written.
    retire : bool
        Keep the files that are replaced until the next write, for readers that have begun. False: they are
        deleted at once, and so are those that earlier writes kept, since nothing of them may stay.
    """

    lake: Path
    scratch: Path
    before: Manifest
    added: list[DataFile] = field(default_factory=list)
    replaced: list[DataFile] = field(default_factory=list)
    segments: list[str] | None = None
    compactions: int = 0
    next_seq: int = 0
    retire: bool = True

    def add(self, con: duckdb.DuckDBPyConnection, table: str, sql: str) -> DataFile | None:
        """Write the rows of a query as one Parquet file of a table; None if there are none.

        Columns that the query does not give are left out of the file and read as NULL. Events are sorted by
        (member_id, at_us, seq), those of `tables.BY_TIME` by (at_us, seq).
        """
        events = table in EVENTS
        columns = EVENTS[table] if events else FACTS[table]
        given = {row[0] for row in con.execute(f"DESCRIBE {sql}").fetchall()}
        at = "at_us" if events else "from_us"
        seen = "coalesce(seen_us, at_us)" if "seen_us" in given else at
        order = quoted(next(iter(columns)))
        if events:
            order = "at_us, seq" if table in BY_TIME else "member_id, at_us, seq"
        staged = self.scratch / f"{table}-{len(self.added)}.parquet"
        select = ", ".join(
            f"CAST({quoted(c)} AS {t}) AS {quoted(c)}" for c, t in columns.items() if c in given
        )
        ordered = f"SELECT {select} FROM ({sql}) ORDER BY {order}"
        group = f", ROW_GROUP_SIZE {GROUP_ROWS[table]}" if table in GROUP_ROWS else ""
        con.execute(f"COPY ({ordered}) TO {literal(staged)} ({OPTIONS}{group})")
        rows, *bounds = con.execute(
            f"SELECT count(*), min({at}), max({at}), min({seen}), max({seen}) "
            f"FROM read_parquet({one_file(staged)})"
        ).fetchall()[0]
        if rows == 0:
            staged.unlink()
            return None
        sync_file(staged)
        day = datetime.fromtimestamp(bounds[0] // DAY_US * 86_400, UTC).strftime("%Y-%m-%d")
        name = f"v{self.before.version + 1:06d}-{len(self.added):03d}.parquet"
        file = DataFile(table, f"{table}/day={day}/{name}", rows, *bounds)
        final = self.lake / file.path
        final.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(final)
        sync_folder(final.parent)
        self.added.append(file)
        return file

    def replace(self, files: Sequence[DataFile]) -> None:
        """Leave these files out of the new state; their rows were written again."""
        self.replaced.extend(files)

    def abandon(self) -> None:
        """Leave the lake as it is; files that were written are removed at the end."""
        self.added.clear()
        self.replaced.clear()
        self.segments, self.next_seq, self.compactions = None, self.before.next_seq, 0

    def commit(self) -> Manifest:
        """Make everything visible in one step. Without changes the manifest stays as it is."""
        segments = self.before.segments if self.segments is None else sorted(self.segments)
        same = not self.added and not self.replaced and segments == self.before.segments
        if same and (self.retire or not self.before.retired):
            return self.before
        gone = {file.path for file in self.replaced}
        after = Manifest(
            version=self.before.version + 1,
            next_seq=max(self.next_seq, self.before.next_seq),
            files=[f for f in self.before.files if f.path not in gone] + self.added,
            retired=sorted(gone) if self.retire else [],
            segments=segments,
            compactions=max(self.compactions, self.before.compactions),
        )
        for folder in {(self.lake / file.path).parent.parent for file in self.added}:
            sync_folder(folder)
        swap_manifest(self.lake, after)
        return after


@contextmanager
def writing(lake: Path) -> Iterator[LakeWriter]:
    """Lock the lake, clean what a crashed write left, and commit at the end unless an error was raised.

    Raises
    ------
    StorageError
        Another process is writing, or the disk is full. The lake is as it was.
    """
    try:
        lake.mkdir(parents=True, exist_ok=True)
        with _locked(lake):
            before = read_manifest(lake)
            _clean(lake, before)
            scratch = lake / SCRATCH
            scratch.mkdir()
            write = LakeWriter(lake, scratch, before, next_seq=before.next_seq)
            try:
                yield write
                write.commit()
            finally:
                _clean(lake, read_manifest(lake))
    except StorageError:
        raise
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        able = not isinstance(error, OSError) or error.errno not in NOT_WRITABLE
        todo = "Free space on the disk and run it again." if able else "Make it writable for this user."
        raise StorageError(
            f"{lake}: the write stopped ({str(error).splitlines()[0]}). The lake is as it was before. {todo}"
        ) from error


def _clean(lake: Path, manifest: Manifest) -> None:
    """Remove what no manifest names: the scratch folder and files of a write that did not finish."""
    shutil.rmtree(lake / SCRATCH, ignore_errors=True)
    (lake / "manifest.json.new").unlink(missing_ok=True)
    known = {file.path for file in manifest.files} | set(manifest.retired)
    for path in lake.glob("*/day=*/*.parquet"):
        if path.relative_to(lake).as_posix() not in known:
            path.unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


@contextmanager
def _locked(lake: Path) -> Iterator[None]:
    """One writer at a time; the system frees the lock when a process dies."""
    handle = os.open(lake / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        for attempt in range(LOCK_TRIES):
            if lock_file(handle):
                break
            if attempt == LOCK_TRIES - 1:
                raise StorageError(
                    f"{lake}: another process is writing to the lake. Wait until it is done and run it again."
                )
            time.sleep(LOCK_PAUSE_S)
        yield
    finally:
        os.close(handle)
