"""Read the lake and the log together, as they were known at a moment."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from matinee.errors import StorageError
from matinee.observe.erasure.erased import Erased
from matinee.observe.erasure.refusing import drop_refused
from matinee.observe.home import Home
from matinee.observe.lake.connection import quoted, spilling
from matinee.observe.lake.facts import as_of, facts
from matinee.observe.lake.manifest import Manifest, parquet, read_manifest
from matinee.observe.lake.tables import EVENTS, FACTS, LOGGED, TABLE_OF, event_id, filled, no_events
from matinee.observe.log import segment_events, segments
from matinee.observe.outages import outages
from matinee.types import NEVER_US

READ_TRIES = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """What may be seen: events that had happened, and had arrived. Both times are inclusive.

    Attributes
    ----------
    at_us : int
        Latest time of an event.
    seen_us : int
        Latest time of arrival.
    """

    at_us: int = NEVER_US
    seen_us: int = NEVER_US


@dataclass(frozen=True, slots=True)
class Opened:
    """Views made by `open_events`, and how many lines of the log were torn."""

    torn: int


def open_events(
    con: duckdb.DuckDBPyConnection, home: Home, *tables: str, moment: Moment | None = None
) -> Opened:
    """Make a view for each table of events, with the events of the lake and of the open log segments.

    An event that stands in both, or twice in the log, is seen once; those of members who were erased are not
    seen. The columns are those of
    `tables.EVENTS`; `event_id` is filled in. Order by (member_id, at_us, seq).

    In a home that is read for learning (`Home.for_learning`) `decisions` lacks those that were made in a
    declared outage: each is an example. Other tables are whole, since a history or a state needs every event.

    Raises
    ------
    ConfigError
        `home` is limited to other tables (see `Home.limited_to`).
    StorageError
        The lake or the log cannot be read.
    """
    home.check_readable(tables)
    when = moment or Moment()
    for attempt in range(READ_TRIES):
        found = segments(home.log)  # before the manifest: what is compacted in between is then in the lake
        manifest = read_manifest(home.lake)
        try:
            torn = segment_events(con, [s for s in found if s.name not in manifest.segments])
            drop_refused(con, Erased.of(home), (f"log_{table}" for table in LOGGED.values()))
            break
        except FileNotFoundError as error:  # compacted meanwhile: the next manifest has its events
            if attempt == READ_TRIES - 1:
                raise StorageError(f"{home.log}: segments vanish while they are read ({error}).") from error
    for table in tables:
        sql = _events(con, home, manifest, table, when)
        if home.learning and table == "decisions":
            sql = f"SELECT * FROM ({sql}) WHERE NOT {outages(home, when.seen_us).sql()}"
        con.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {sql}")
    return Opened(torn)


def open_facts(
    con: duckdb.DuckDBPyConnection, home: Home, *tables: str, at_us: int | None = None
) -> dict[str, bool]:
    """Make a view for each table of facts as of a time (None: newest). Returns whether it has any row.

    Raises
    ------
    ConfigError
        `home` is limited to other tables (see `Home.limited_to`).
    """
    home.check_readable(tables)
    manifest = read_manifest(home.lake)
    out = {}
    for table in tables:
        files = manifest.of(table)
        out[table] = bool(files)
        rows = as_of(table, parquet(home.lake, files), at_us) if files else _nothing(table)
        con.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {rows}")
    return out


def last_event_us(home: Home) -> int | None:
    """Time of the newest event of a member in the lake and in the open log, or None without events.

    Decisions of the service and their rewards do not count: they would move the clock that made them. The
    lake's time is read from the manifest alone; of the log, the segments that are not in the lake yet are
    read once.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    newest: list[int] = []
    if segments(home.log):  # before the manifest: what is compacted in between is then in the lake
        with spilling() as con:
            open_events(con, home)
            times = " UNION ALL ".join(f"SELECT at_us FROM log_{table}" for table in TABLE_OF.values())
            (latest,) = con.execute(f"SELECT max(at_us) FROM ({times})").fetchall()[0]
        newest += [] if latest is None else [int(latest)]
    newest += [f.max_at_us for f in read_manifest(home.lake).files if f.table in TABLE_OF.values()]
    return max(newest) if newest else None


def _events(con: duckdb.DuckDBPyConnection, home: Home, manifest: Manifest, table: str, when: Moment) -> str:
    columns = ", ".join(quoted(c) for c in EVENTS[table] if c != "event_id")
    select = f"SELECT {event_id(table)} AS event_id, {columns}"
    bounds = f"at_us <= {when.at_us} AND seen_us <= {when.seen_us}"
    files = [f for f in manifest.of(table) if f.min_at_us <= when.at_us and f.min_seen_us <= when.seen_us]
    lake = f"({filled(table, parquet(home.lake, files)) if files else no_events(table)})"
    sql = f"{select} FROM {lake} WHERE {bounds}"
    if table not in LOGGED.values():  # computed, never logged
        return sql
    in_log = f"log_{table}"
    (logged,) = con.execute(f"SELECT count(*) FROM {in_log}").fetchall()[0]
    if not logged:
        return sql
    known = ""
    if manifest.of(table):
        known = (
            f" AND event_id NOT IN (SELECT event_id FROM "
            f"({filled(table, parquet(home.lake, manifest.of(table)))}) WHERE event_id IS NOT NULL)"
        )
    return f"{sql} UNION ALL BY NAME {select} FROM {in_log} WHERE {bounds}{known}"


def _nothing(table: str) -> str:
    columns = ", ".join(f"NULL::{FACTS[table][c]} AS {quoted(c)}" for c in facts(table))
    return f"SELECT {columns} WHERE false"
