"""The tables of the lake and their columns."""

from __future__ import annotations

COMMON = {
    "event_id": "VARCHAR",
    "copy": "INTEGER",
    "member_id": "VARCHAR",
    "title_id": "VARCHAR",
    "at_us": "BIGINT",
    "seen_us": "BIGINT",
    "seq": "BIGINT",
}
"""Columns of every event.

A file leaves out columns that say nothing, and readers fill them in (`filled`):
- `event_id` is missing for imported rows that came without one; it is then a hash of the row and `copy`.
- `copy` is the number of equal rows before this one in its file; missing means 0.
- `seen_us` is missing where it is `at_us`: history that was imported counts as having arrived when it
  happened, or no reading as of a past moment would ever see it.
"""
PLACE = {"territory": "VARCHAR", "device": "VARCHAR"}
SLOT = {"decision_id": "VARCHAR", "row": "INTEGER", "col": "INTEGER", "surface": "VARCHAR"}

EVENTS: dict[str, dict[str, str]] = {
    "plays": COMMON
    | {"watch_s": "DOUBLE", "position_s": "DOUBLE", "rating": "DOUBLE", "rating_scale": "DOUBLE"}
    | PLACE
    | SLOT,
    "impressions": COMMON | {"dwell_ms": "DOUBLE"} | PLACE | SLOT,
    "signals": COMMON | {"signal": "VARCHAR"} | PLACE | SLOT,
    "searches": COMMON | {"query": "VARCHAR"} | PLACE,
    "membership": COMMON | {"status": "VARCHAR"} | PLACE,
    "decisions": COMMON
    | {
        "decision_id": "VARCHAR",
        "initiative": "VARCHAR",
        "unit_id": "VARCHAR",
        "action": "VARCHAR",
        "propensity": "DOUBLE",
        "policy": "VARCHAR",
        "model": "VARCHAR",
        "actions": "VARCHAR",
        "context": "VARCHAR",
        "slots": "VARCHAR",
        "fallback": "BOOLEAN",
        "sticky_of": "VARCHAR",
        "rows": "VARCHAR",
        "unmet": "VARCHAR",
        "latency_ms": "DOUBLE",
    }
    | PLACE,
    "rewards": COMMON
    | {
        "decision_id": "VARCHAR",
        "initiative": "VARCHAR",
        "unit_id": "VARCHAR",
        "reward": "VARCHAR",
        "value": "DOUBLE",
        "action": "VARCHAR",
    },
    "action_sets": COMMON | {"initiative": "VARCHAR", "actions": "VARCHAR"},
    "outcomes": COMMON
    | {
        "decision_id": "VARCHAR",
        "initiative": "VARCHAR",
        "unit_id": "VARCHAR",
        "policy": "VARCHAR",
        "model": "VARCHAR",
        "fallback": "BOOLEAN",
        "sticky_of": "VARCHAR",
        "shadow": "BOOLEAN",
        "slot": "INTEGER",
        "action": "VARCHAR",
        "row": "INTEGER",
        "col": "INTEGER",
        "row_kind": "VARCHAR",
        "propensity": "DOUBLE",
        "n_permitted": "INTEGER",
        "explored": "BOOLEAN",
        "artwork_id": "VARCHAR",
        "artwork_propensity": "DOUBLE",
        "artwork_n": "INTEGER",
        "impressed": "BOOLEAN",
        "dwell_ms": "DOUBLE",
        "reward": "VARCHAR",
        "value": "DOUBLE",
        "reward_at_us": "BIGINT",
        "rewards": "VARCHAR",
        "context": "VARCHAR",
    }
    | PLACE,
}
"""Table -> column -> SQL type.

`decisions` holds what the service decided, one row per `DecisionRecord`: `event_id` is the decision's id,
`unit_id` whom it was about (a member, an account, ...; `member_id` only where that is a member). A decision
of one action has it in `action` and `propensity`; one of several (a page) has them in `slots`. `slots`,
`context`, `rows`, `unmet` and `actions` (the eligible set, or what refers to it) are JSON. `rewards` holds
what came of a decision: `value` of the figure named `reward`, at the time when it was known, of one `action`
where the decision has several; a decision may have several, or none yet. `action_sets` holds each eligible
set that decisions refer to once: `event_id` is the reference, `actions` JSON.

`outcomes` is computed (`platform/outcomes`): one row per slot (from 1) of each decision whose window has
closed, with what came of it. `at_us` is that of the decision; `seen_us` is when its outcome was final.
`value` is NULL where no reward is known. `rewards` is JSON: every reward that was reported, by its name.
`artwork_id` is the image that stood for the title, if it had one, and `artwork_propensity` how probable it
was among those of the title.
"""

TABLE_OF = {
    "play": "plays",
    "impression": "impressions",
    "signal": "signals",
    "search": "searches",
    "membership": "membership",
}
"""Type of an event that a client sends or a file holds -> its table."""

LOGGED = TABLE_OF | {"decision": "decisions", "reward": "rewards", "action_set": "action_sets"}
"""Type of a line in the open log -> its table; the last three are written by the service itself."""

BY_TIME = ("decisions", "rewards", "action_sets", "outcomes")
"""Tables whose files are sorted by (at_us, seq) instead of (member_id, at_us, seq): their rows are looked up
by a decision's id, which tells its time, and many of them are about no member."""

GROUP_ROWS = {"decisions": 2_048, "action_sets": 128}
"""Rows of a Parquet row group in tables with long rows; one group is what a look-up reads."""

SMALL_ROWS = {"decisions": 20_000, "action_sets": 1_000}
"""Files below this are merged with new rows of the same days; `SMALL_ROWS_DEFAULT` in other tables."""
SMALL_ROWS_DEFAULT = 200_000

VERSION = {"from_us": "BIGINT", "batch": "BIGINT"}
"""Since when a fact holds, and which write it came with (the later one wins at equal times)."""

FACTS: dict[str, dict[str, str]] = {
    "titles": {
        "title_id": "VARCHAR",
        "name": "VARCHAR",
        "kind": "VARCHAR",
        "series_id": "VARCHAR",
        "season": "INTEGER",
        "episode": "INTEGER",
        "release_us": "BIGINT",
        "runtime_s": "DOUBLE",
        "genres": "VARCHAR[]",
        "languages": "VARCHAR[]",
        "countries": "VARCHAR[]",
        "maturity": "INTEGER",
        "synopsis": "VARCHAR",
        "cast": "VARCHAR[]",
        "directors": "VARCHAR[]",
    }
    | VERSION,
    "members": {
        "member_id": "VARCHAR",
        "account_id": "VARCHAR",
        "territory": "VARCHAR",
        "maturity_max": "INTEGER",
        "kids": "BOOLEAN",
        "languages": "VARCHAR[]",
    }
    | VERSION,
    "availability": {
        "title_id": "VARCHAR",
        "territory": "VARCHAR",
        "start_us": "BIGINT",
        "end_us": "BIGINT",
    }
    | VERSION,
    "pins": {
        "row": "INTEGER",
        "col": "INTEGER",
        "title_id": "VARCHAR",
        "row_kind": "VARCHAR",
        "territory": "VARCHAR",
        "start_us": "BIGINT",
        "end_us": "BIGINT",
    }
    | VERSION,
    "outages": {
        "outage_id": "VARCHAR",
        "start_us": "BIGINT",
        "end_us": "BIGINT",
        "note": "VARCHAR",
        "territory": "VARCHAR",
        "withdrawn": "BOOLEAN",
    }
    | VERSION,
    "artwork": {
        "artwork_id": "VARCHAR",
        "title_id": "VARCHAR",
        "file": "VARCHAR",
        "format": "VARCHAR",
        "width_px": "INTEGER",
        "height_px": "INTEGER",
        "aspect": "VARCHAR",
        "language": "VARCHAR",
        "tags": "VARCHAR[]",
        "embedding": "FLOAT[]",
        "source_frame_us": "BIGINT",
        "is_default": "BOOLEAN",
        "approved_by": "VARCHAR",
        "approved_us": "BIGINT",
        "likeness": "VARCHAR[]",
        "territories": "VARCHAR[]",
        "start_us": "BIGINT",
        "end_us": "BIGINT",
        "withdrawn_us": "BIGINT",
        "withdrawn_by": "VARCHAR",
        "withdrawn_why": "VARCHAR",
    }
    | VERSION,
}
"""Table -> column -> SQL type.

`artwork` holds one image for a title each: `file` is its name below HOME/artwork/, `language` that of the
text in it (NULL: without text), `source_frame_us` its moment in the video that it was taken from, `likeness`
whom it shows. No `territories`: everywhere. When it may be shown: `observe/catalogue/clearance.py`.
"""

FACT_KEY: dict[str, str] = {
    "titles": "title_id",
    "members": "member_id",
    "availability": "title_id",
    "pins": "'all'",
    "outages": "outage_id",
    "artwork": "artwork_id",
}
"""What a write replaces: one title, one member, all windows of a title, the whole plan of pins, one outage,
one image (SQL)."""


def same_row(table: str) -> list[str]:
    """Columns that make two events without an id the same event (together with `copy`).

    `surface` is none of them: it came later, and the ids of rows that are stored rest on these columns.
    """
    other = ("event_id", "copy", "seen_us", "seq", "rating_scale", "surface")
    return [c for c in EVENTS[table] if c not in other]


def no_events(table: str) -> str:
    """SQL of no rows with the columns of a table."""
    return "SELECT " + ", ".join(f'NULL::{t} AS "{c}"' for c, t in EVENTS[table].items()) + " WHERE false"


def filled(table: str, relation: str) -> str:
    """SQL of the rows of a relation that may lack columns, with all of them; only `event_id` may be NULL."""
    rest = ", ".join(f'"{c}"' for c in EVENTS[table] if c not in ("copy", "seen_us"))
    return (
        f"SELECT {rest}, coalesce(copy, 0) AS copy, coalesce(seen_us, at_us) AS seen_us "
        f"FROM ({no_events(table)} UNION ALL BY NAME SELECT * FROM {relation})"
    )


def event_id(table: str) -> str:
    """SQL of the id that readers see."""
    parts = ", '\\x1f', ".join(f"coalesce(CAST(\"{c}\" AS VARCHAR), '')" for c in [*same_row(table), "copy"])
    return f"coalesce(event_id, md5(concat({parts})))"
