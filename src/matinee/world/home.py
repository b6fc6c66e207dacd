"""Write a run into a service home, as a service would have logged it: events, facts, decisions; no truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import msgspec
import numpy as np

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal, one_file, quoted
from matinee.observe.lake.facts import store_facts
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.spans import store_events
from matinee.observe.lake.tables import EVENTS, FACTS
from matinee.observe.lake.writer import LakeWriter, writing
from matinee.observe.log import segments
from matinee.world.accounts import STATUSES
from matinee.world.catalogue_rows import (
    ARTWORK_COLUMNS,
    AVAILABILITY_COLUMNS,
    MEMBER_COLUMNS,
    TITLE_COLUMNS,
    Rows,
    artwork_rows,
    availability_rows,
    member_rows,
    title_name,
    title_rows,
)
from matinee.world.decision_rows import REWARD_ROWS, notice_columns, offer_sql, page_sql, slot_columns
from matinee.world.people import DEVICES
from matinee.world.plays import SIGNALS
from matinee.world.record import Column
from matinee.world.run import Run
from matinee.world.titles import TERRITORIES

MEMBER = "printf('m%06d', member) AS member_id"
TITLE = "printf('t%05d', title)"
EPISODE = f"CASE WHEN episode > 0 THEN {TITLE} || printf('-e%02d', episode) ELSE {TITLE} END"
SEEN_ON = (
    "CASE WHEN page >= 0 THEN printf('p%012d', page) END AS decision_id, "
    'nullif("row", 0) AS "row", nullif(col, 0) AS col'
)
TERRITORY = f"list_extract({list(TERRITORIES)}, territory + 1) AS territory"
PLACE = f"{TERRITORY}, list_extract({list(DEVICES)}, device + 1) AS device"
FROM = "JOIN people USING (member)"
QUERIES: dict[str, str] = {
    "plays": f"SELECT {MEMBER}, {EPISODE} AS title_id, watch_s, watch_s AS position_s, {SEEN_ON}, {PLACE}, "
    f"at_us, seen_us, seq FROM rows_of_plays {FROM}",
    "impressions": f"SELECT {MEMBER}, {TITLE} AS title_id, dwell_ms, {SEEN_ON}, {PLACE}, at_us, seen_us, seq "
    f"FROM rows_of_impressions {FROM}",
    "signals": f"SELECT {MEMBER}, {TITLE} AS title_id, list_extract({list(SIGNALS)}, signal + 1) AS signal, "
    f"{PLACE}, at_us, seen_us, seq FROM rows_of_signals {FROM}",
    "searches": f"SELECT {MEMBER}, CASE WHEN found THEN {TITLE} END AS title_id, "
    f"list_extract($names::VARCHAR[], title + 1) AS query, {PLACE}, at_us, seen_us, seq "
    f"FROM rows_of_searches {FROM}",
    "membership": f"SELECT {MEMBER}, list_extract({list(STATUSES)}, status + 1) AS status, {TERRITORY}, "
    f"at_us, row_number() OVER (ORDER BY at_us, account, member) - 1 AS seq "
    "FROM rows_of_membership JOIN people USING (account)",
}


def write_home(home: Home, run: Run) -> dict[str, int]:
    """Write everything that a service would know to a home without events, in one step.

    Invoices and charges have no table in the lake yet: see `Run.record`.

    Parameters
    ----------
    home : Home
        Without events.
    run : Run

    Returns
    -------
    dict of str to int
        Rows in each table.

    Raises
    ------
    InputError
        The home has events. Nothing was written.
    StorageError
        The disk is full, or another process is writing. Nothing was written.
    """
    with writing(home.lake) as write:
        refuse_events(home)
        with connect(write.scratch / "spill") as con:
            _facts(write, con, run, "titles", TITLE_COLUMNS, title_rows(run.world))
            _facts(write, con, run, "members", MEMBER_COLUMNS, member_rows(run.world))
            _facts(write, con, run, "availability", AVAILABILITY_COLUMNS, availability_rows(run.world))
            _facts(write, con, run, "artwork", ARTWORK_COLUMNS, artwork_rows(run.world))
            _events(write, con, run)
        rows: dict[str, int] = {}
        for file in write.added:
            rows[file.table] = rows.get(file.table, 0) + file.rows
    return rows


def refuse_events(home: Home) -> None:
    """Refuse a home that has events, in the lake or in its log.

    Raises
    ------
    InputError
        It has.
    """
    n = sum(file.rows for file in read_manifest(home.lake).files if file.table in EVENTS)
    if n or any(path.stat().st_size for path in segments(home.log)):
        what = f"{n:,} events" if n else "events in its log"
        raise InputError(
            f"{home.root}: has {what}, expected a home without any. A simulated service is not mixed with "
            "another one. Make a new home: matinee init DIR"
        )


def _facts(
    write: LakeWriter, con: duckdb.DuckDBPyConnection, run: Run, table: str, names: Sequence[str], rows: Rows
) -> None:
    """Store facts that hold from the first day; columns that the world does not know are NULL."""
    if not rows:
        return
    path = write.scratch / f"{table}.ndjson"
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(dict(zip(names, row, strict=True))) + b"\n")
    types = ", ".join(f"{literal(name)}: {literal(FACTS[table][name])}" for name in names)
    every = ", ".join(
        quoted(c) if c in names else f"NULL::{kind} AS {quoted(c)}"
        for c, kind in FACTS[table].items()
        if c not in ("from_us", "batch")
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming_facts AS SELECT {every} FROM "
        f"read_json({one_file(path)}, format = 'newline_delimited', columns = {{{types}}})"
    )
    store_facts(write, con, table, "incoming_facts", from_us=run.world.config.start_us)


def _events(write: LakeWriter, con: duckdb.DuckDBPyConnection, run: Run) -> None:
    people, config = run.world.people, run.world.config
    con.register(
        "people",
        {
            "member": np.arange(people.n_members, dtype=np.int32),
            "account": people.account.astype(np.int32),
            "territory": people.territory.astype(np.int8),
        },
    )
    names = [title_name(t) for t in range(len(run.world.titles))]
    for table, sql in QUERIES.items():
        columns = run.record.table(table)
        if table != "membership":
            columns["seq"] = _arrival(columns["seen_us"])
        _store(write, con, table, {f"rows_of_{table}": columns}, sql, {"names": names})
    pages = run.record.table("pages")
    slots = slot_columns(pages)
    plain = {name: column for name, column in pages.items() if column.ndim == 1}
    logs = {"page_log": config.page_log, "offer_log": config.offer_log}
    with_seq = "SELECT *, row_number() OVER (ORDER BY at_us, decision_id) - 1 AS seq FROM ({})"
    sql = with_seq.format(page_sql(PLACE).replace("FROM pages", f"FROM pages {FROM}"))
    offers = {"notices": notice_columns(run)}
    both = f"{sql} UNION ALL BY NAME {with_seq.format(offer_sql())}"
    _store(write, con, "decisions", {"pages": plain, "slots": slots} | offers, both, logs)
    sql = with_seq.replace("decision_id", "event_id").format(REWARD_ROWS)
    _store(write, con, "rewards", {"outcomes": run.record.table("outcomes")}, sql, logs)


def _arrival(seen_us: Column) -> Column:
    """Order of arrival of each row."""
    seq = np.empty(len(seen_us), np.int64)
    seq[np.argsort(seen_us, kind="stable")] = np.arange(len(seen_us))
    return seq


def _store(
    write: LakeWriter,
    con: duckdb.DuckDBPyConnection,
    table: str,
    views: dict[str, dict[str, Column]],
    sql: str,
    words: Mapping[str, object],
) -> None:
    """Run a query over columns and add what it gives to a table of events."""
    if not any(len(next(iter(columns.values()))) for columns in views.values()):
        return
    for name, columns in views.items():
        con.register(name, columns)
    used = {name: value for name, value in words.items() if f"${name}" in sql}
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS {sql}", used)
    con.execute(f"UPDATE incoming SET seq = seq + {write.next_seq}")
    for name in views:
        con.unregister(name)
    missing = {"member_id": "VARCHAR", "title_id": "VARCHAR"}
    have = {row[0] for row in con.execute("DESCRIBE incoming").fetchall()}
    extra = "".join(f", NULL::{kind} AS {name}" for name, kind in missing.items() if name not in have)
    con.execute(f"CREATE OR REPLACE TEMP VIEW incoming_events AS SELECT *{extra} FROM incoming")
    store_events(write, con, table, "incoming_events", has_ids="event_id" in have)
    (last,) = con.execute("SELECT coalesce(max(seq), -1) FROM incoming").fetchall()[0]
    write.next_seq = max(write.next_seq, int(last) + 1)
    con.execute("DROP VIEW incoming_events")
    con.execute("DROP TABLE incoming")
