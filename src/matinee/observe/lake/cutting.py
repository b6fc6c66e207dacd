"""Cut old rows off the lake: whole files are dropped, others written again, in one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb

from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal, one_file, spilling
from matinee.observe.lake.manifest import DataFile, Manifest, read_manifest
from matinee.observe.lake.reader import open_events
from matinee.observe.lake.tables import TABLE_OF
from matinee.observe.lake.writer import writing

EVENT_TABLES = tuple(TABLE_OF.values())
REFERENCE = '"([^"]+)"'
"""What stands between quotes in the JSON of a decision's `actions`."""


@dataclass(slots=True)
class Cut:
    """What goes, or went, from one table.

    Attributes
    ----------
    rows : int
    files : int
        Dropped whole.
    rewritten : int
        Files that keep a part of their rows.
    bytes : int
        Of the rows, about: of a file that is written again its share of the rows.
    """

    rows: int = 0
    files: int = 0
    rewritten: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Old:
    file: DataFile
    condition: str
    rows: int


@dataclass(slots=True)
class _Plan:
    cuts: dict[str, Cut] = field(default_factory=dict)


def plan_cut(home: Home, before: Mapping[str, int]) -> dict[str, Cut]:
    """What `cut` would remove, by table; nothing is written."""
    plan = _Plan()
    with spilling() as con:
        for _ in _old(con, home, read_manifest(home.lake), before, plan):
            continue
    return plan.cuts


def cut(home: Home, before: Mapping[str, int]) -> dict[str, Cut]:
    """Remove rows that are older than a moment, by table; a crash leaves the lake as it was, or done.

    Rewards and outcomes go with their decisions, and sets of actions that no decision refers to any more.
    Facts are never cut. Log segments are not either: they are the newest events.

    Parameters
    ----------
    before : mapping of table to int
        Rows with an earlier `at_us` go. Only tables of events and "decisions" are looked up.

    Raises
    ------
    StorageError
        The disk is full, or another process is writing. The lake is as it was.
    """
    plan = _Plan()
    with writing(home.lake) as write, connect(write.scratch / "spill") as con:
        for one in _old(con, home, write.before, before, plan):
            if one.rows < one.file.rows:
                source = f"read_parquet({one_file(home.lake / one.file.path)})"
                write.add(con, one.file.table, f"SELECT * FROM {source} WHERE NOT {one.condition}")
            write.replace([one.file])
    return plan.cuts


def oldest_event_us(home: Home) -> int | None:
    """Time of the oldest event in the lake: how far back a rebuilt state reaches; None without any."""
    times = [file.min_at_us for file in read_manifest(home.lake).files if file.table in EVENT_TABLES]
    return min(times) if times else None


def _old(
    con: duckdb.DuckDBPyConnection, home: Home, manifest: Manifest, before: Mapping[str, int], plan: _Plan
) -> Iterator[_Old]:
    """Files with rows that go; counted in the plan as they are given."""
    conditions = {
        name: f"at_us < {at}" for name, at in before.items() if name in (*EVENT_TABLES, "decisions")
    }
    if "decisions" in before:
        conditions |= _with_decisions(con, home, before["decisions"])
    for file in manifest.files:
        condition = conditions.get(file.table)
        latest_us = before.get(file.table, before.get("decisions", 0))
        if condition is None or (file.table != "rewards" and file.min_at_us >= latest_us):
            continue
        source = f"read_parquet({one_file(home.lake / file.path)})"
        whole = f"coalesce({condition}, false)"
        (rows,) = con.execute(f"SELECT count(*) FROM {source} WHERE {whole}").fetchall()[0]
        if not rows:
            continue
        size = (home.lake / file.path).stat().st_size
        done = plan.cuts.setdefault(file.table, Cut())
        done.rows += rows
        done.files += rows == file.rows
        done.rewritten += rows < file.rows
        done.bytes += size * rows // file.rows
        yield _Old(file, whole, rows)


def _with_decisions(con: duckdb.DuckDBPyConnection, home: Home, before_us: int) -> dict[str, str]:
    """Conditions of the rows that go with decisions older than a moment.

    A reward goes with its decision, whenever it came, and so does one of long ago whose decision is gone.
    """
    open_events(con, home, "decisions")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE known_decisions AS "
        f"SELECT coalesce(decision_id, event_id) AS id, at_us < {before_us} AS old FROM decisions"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE kept_sets AS SELECT DISTINCT unnest(regexp_extract_all(actions, "
        f"{literal(REFERENCE)}, 1)) AS id FROM "
        f"(SELECT DISTINCT actions FROM decisions WHERE at_us >= {before_us} AND actions IS NOT NULL)"
    )
    gone = "decision_id IN (SELECT id FROM known_decisions WHERE old)"
    orphan = f"(at_us < {before_us} AND decision_id NOT IN (SELECT id FROM known_decisions WHERE NOT old))"
    return {
        "rewards": f"({gone} OR {orphan})",
        "outcomes": f"at_us < {before_us}",
        "action_sets": f"(at_us < {before_us} AND event_id NOT IN (SELECT id FROM kept_sets))",
    }
