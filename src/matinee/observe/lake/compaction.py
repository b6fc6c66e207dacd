"""Move the events of closed log segments into the lake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matinee.observe.erasure.erased import Erased
from matinee.observe.erasure.refusing import drop_refused
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.spans import store_events
from matinee.observe.lake.tables import LOGGED
from matinee.observe.lake.writer import writing
from matinee.observe.log import closed_segments, segment_events


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: events added, events that were known, torn lines, segments removed.

    `erased` counts lines of members who were erased; they are left out.
    """

    added: int
    duplicate: int
    torn: int
    segments: int
    erased: int = 0


def compact(home: Home, *, taken_in: Callable[[], int] | None = None) -> Compacted:
    """Write the events of closed segments to Parquet, then delete the segments.

    Parameters
    ----------
    taken_in : callable, optional
        Called when it is known which segments are closed, before anything is written: brings whatever
        follows the log up to date with them (`observe.state.imports.take_in`), since they are gone
        afterwards. What it returns becomes `Manifest.compactions`; what it raises stops the compaction.

    Raises
    ------
    StorageError
        The disk is full, or another process is writing. The lake and the log are as they were.

    Notes
    -----
    A crash before the manifest changes leaves the segments as they were; a crash after it leaves segments
    that readers know to leave out and that the next compaction deletes.
    """
    added = duplicate = torn = erased = 0
    with writing(home.lake) as write:
        found = closed_segments(home.log)
        number = write.before.compactions + 1
        if found and taken_in is not None:
            number = max(number, taken_in())
        fresh = [path for path in found if path.name not in write.before.segments]
        if fresh:
            with connect(write.scratch / "spill") as con:
                torn = segment_events(con, fresh)
                erased = drop_refused(con, Erased.of(home), (f"log_{table}" for table in LOGGED.values()))
                for table in LOGGED.values():
                    if con.execute(f"SELECT count(*) FROM log_{table}").fetchall()[0][0]:
                        rows = f"SELECT * EXCLUDE (copy) FROM log_{table}"
                        con.execute(f"CREATE OR REPLACE TEMP VIEW incoming AS {rows}")
                        stored = store_events(write, con, table, "incoming", has_ids=True)
                        added += stored.added
                        duplicate += stored.duplicate
        write.segments = [path.name for path in found]
        if found:
            write.compactions = number
    for path in found:
        path.unlink(missing_ok=True)
    return Compacted(added, duplicate, torn, len(found), erased)
