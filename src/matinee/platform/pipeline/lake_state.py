"""Digest of what a table of the lake says as of a moment: it changes when a step must read it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.manifest import DataFile, Manifest, read_manifest
from matinee.observe.lake.tables import EVENTS, LOGGED
from matinee.observe.log import segment_events, segments
from matinee.types import NEVER_US

READ_TRIES = 3


def table_digests(home: Home, tables: Iterable[str], at_us: int | None) -> dict[str, str]:
    """Digest of each table, 64 hexadecimal digits.

    Of events: the files of the manifest that hold any that had happened and arrived by `at_us`, and those
    of the open log segments by the same bounds, so a run that is resumed on a live service finds its results
    although events keep arriving. Of facts: all files, since a first version counts before its time.

    Parameters
    ----------
    at_us : int or None
        None: everything, for a step that takes no `at_us`.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.

    Notes
    -----
    Compaction writes other files with the same events: the digest changes, the step reads again, its result
    has the same name, and the steps after it come from the cache.
    """
    wanted = sorted(tables)
    until_us = NEVER_US if at_us is None else at_us
    for attempt in range(READ_TRIES):
        found = segments(home.log)  # before the manifest, as readers do
        manifest = read_manifest(home.lake)
        try:
            logged = _logged(
                [path for path in found if path.name not in manifest.segments],
                [table for table in wanted if table in LOGGED.values()], until_us,
            )  # fmt: skip
            break
        except FileNotFoundError:  # compacted meanwhile
            if attempt == READ_TRIES - 1:
                raise
    return {table: _digest(manifest, table, until_us, logged.get(table, "")) for table in wanted}


def _digest(manifest: Manifest, table: str, until_us: int, logged: str) -> str:
    lines = [
        f"{file.path} {file.rows} {file.min_at_us} {file.max_at_us} {file.min_seen_us} {file.max_seen_us}"
        for file in manifest.of(table)
        if _matters(file, until_us)
    ]
    return hashlib.sha256("\n".join([table, *sorted(lines), logged]).encode()).hexdigest()


def _matters(file: DataFile, until_us: int) -> bool:
    return file.table not in EVENTS or (file.min_at_us <= until_us and file.min_seen_us <= until_us)


def _logged(paths: list[object], tables: list[str], until_us: int) -> dict[str, str]:
    """Number and content of the events of each table in the segments, in any order."""
    if not paths or not tables:
        return {}
    out = {}
    with connect() as con:
        segment_events(con, paths)  # type: ignore[arg-type]
        for table in tables:
            row = con.execute(
                f"SELECT count(*), bit_xor(hash(t)), sum(hash(t)::HUGEINT) FROM log_{table} t "
                f"WHERE at_us <= {until_us} AND seen_us <= {until_us}"
            ).fetchone()
            if row and row[0]:
                out[table] = str(row)
    return out
