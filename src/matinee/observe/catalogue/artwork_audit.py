"""Who saw an image, when, under which policy; and whether any was shown that was not cleared then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from matinee.errors import InputError
from matinee.observe.catalogue.artwork import TABLE
from matinee.observe.catalogue.clearance import COLUMNS, REASONS, why_not_sql
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.observe.lake.reader import open_events
from matinee.types import ALWAYS_US, NEVER_US, SECOND_US

WITHDRAWAL_S = 1.0
"""What a withdrawal may take until every server knows of it, in seconds."""
SLOTS = (
    '[{"action":"VARCHAR","row":"INTEGER","col":"INTEGER","artwork_id":"VARCHAR",'
    '"artwork_propensity":"DOUBLE","artwork_n":"INTEGER","propensity":"DOUBLE","n_permitted":"INTEGER"}]'
)
_BARE = f"initiative = '{TABLE}'"
"""Decisions about images themselves, for a tile that somebody else composed: the image is the action."""
SERVES = (
    "member_id", "at_us", "artwork_id", "title_id", "decision_id", "sticky_of", "row", "col", "propensity",
    "n", "artwork_policy", "artwork_model", "policy", "model", "fallback", "territory", "device", "in_view",
    "first_seen_us", "dwell_ms",
)  # fmt: skip
"""Columns of `serves`: one row for each tile that carried the image."""
FORMATS = {".csv": "FORMAT csv, HEADER", ".parquet": "FORMAT parquet", ".ndjson": "FORMAT json"}


@dataclass(frozen=True, slots=True)
class Audited:
    """How often an image was shown.

    Attributes
    ----------
    serves, in_view : int
        Tiles that carried it, and those of them that are known to have come into view.
    members : int
        Different ones, of all serves.
    rows : list of dict
        The first serves, at most as many as were asked for.
    """

    serves: int
    in_view: int
    members: int
    rows: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether every image that was ever served was cleared at that moment.

    Attributes
    ----------
    serves : int
        Tiles with an image.
    within_s : int
        Served within the second that a withdrawal may take.
    uncleared : int
    reasons : dict of str to int
        Of these: why -> how many.
    rows : list of dict
        The first of them.
    """

    serves: int
    within_s: int
    uncleared: int
    reasons: dict[str, int]
    rows: list[dict[str, object]]


def audit(
    home: Home,
    artwork_id: str,
    *,
    from_us: int = ALWAYS_US,
    until_us: int = NEVER_US,
    out: Path | None = None,
    limit: int = 20,
) -> Audited:
    """Every serve of an image.

    A serve is a tile of a page that was answered with it, or a decision about an image alone; it is in view
    if an impression names the page and the place. Rows that were given out again count again, with all their
    tiles. Pages of members who were erased are gone, and so are those that were pruned.

    Parameters
    ----------
    from_us, until_us : int
        Time of the page; the end is excluded.
    out : Path, optional
        File for all of them: .csv, .parquet or .ndjson.
    limit : int
        Rows in the answer.

    Raises
    ------
    InputError
        `out` has another suffix.
    StorageError
        The lake or the log cannot be read, or the file not written.
    """
    if out is not None and out.suffix.lower() not in FORMATS:
        raise InputError(f'{out}: its name ends in "{out.suffix}", expected one of {", ".join(FORMATS)}.')
    with spilling() as con:
        open_events(con, home, "decisions", "impressions")
        where = f"at_us < {int(until_us)} AND slots LIKE {literal(f'%{_in_json(artwork_id)}%')}"
        con.execute(f"CREATE TEMP TABLE made AS {_shown(where)} AND {_IMAGE} = {literal(artwork_id)}")
        con.execute(f"CREATE TEMP TABLE shown AS {_GIVEN} WHERE {_between(from_us, until_us)}")
        con.execute(f"CREATE TEMP TABLE serves AS {_SEEN}")
        (serves, in_view, members) = con.execute(
            "SELECT count(*), count(*) FILTER (in_view), count(DISTINCT member_id) FROM serves"
        ).fetchall()[0]
        order = 'SELECT * FROM serves ORDER BY at_us, decision_id, "row", col'
        if out is not None:
            _write(con, order, out)
        rows = _rows(con, f"{order} LIMIT {int(limit)}")
    return Audited(serves, in_view, members, rows)


def check(home: Home, *, from_us: int = ALWAYS_US, until_us: int = NEVER_US, limit: int = 20) -> Checked:
    """Compare every serve of any image with the clearance that it had at that moment.

    What counts is the version of the image's facts that held when the page was made, in the territory that
    the page's record says. An image that was never registered was never cleared.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    with spilling() as con:
        open_events(con, home, "decisions")
        where = f"{_between(from_us, until_us)} AND (contains(slots, '\"artwork_id\"') OR {_BARE})"
        con.execute(f"CREATE TEMP TABLE shown AS {_shown(where)} AND {_IMAGE} IS NOT NULL")
        con.execute(f"CREATE TEMP TABLE versions AS {_versions(home)}")
        con.execute(
            "CREATE TEMP TABLE judged AS SELECT s.*, v.withdrawn_us, CASE WHEN v.artwork_id IS NULL "
            f"THEN 'not registered' ELSE {why_not_sql('s.at_us', 's.territory', 'v')} END AS why_not "
            "FROM shown AS s ASOF LEFT JOIN versions AS v "
            "ON s.artwork_id = v.artwork_id AND s.at_us >= v.holds_us"
        )
        soon = (
            f"coalesce(why_not = '{REASONS[1]}' AND at_us - withdrawn_us <= {int(WITHDRAWAL_S * SECOND_US)}, "
            "false)"
        )
        serves, within_s = con.execute(f"SELECT count(*), count(*) FILTER ({soon}) FROM judged").fetchall()[0]
        bad = f"FROM judged WHERE why_not IS NOT NULL AND NOT {soon}"
        reasons = dict(con.execute(f"SELECT why_not, count(*) {bad} GROUP BY ALL ORDER BY ALL").fetchall())
        rows = _rows(
            con,
            "SELECT artwork_id, title_id, why_not, at_us, member_id, territory, decision_id, "
            f'"row", col {bad} ORDER BY at_us, decision_id, "row", col LIMIT {int(limit)}',
        )
    return Checked(serves, within_s, sum(reasons.values()), reasons, rows)


_IMAGE = f"CASE WHEN {_BARE} THEN s.action ELSE s.artwork_id END"


def _shown(where: str) -> str:
    """SQL of tiles of pages that were answered; pages made in the shadow of others were seen by nobody."""
    return (
        "SELECT member_id, unit_id, at_us, decision_id, sticky_of, device, policy, model, "
        "coalesce(json_extract_string(context, '$.artwork_territory'), territory) AS territory, "
        f"coalesce(fallback, false) AS fallback, context, {_IMAGE} AS artwork_id, "
        f"CASE WHEN {_BARE} THEN json_extract_string(context, '$.title_id') ELSE s.action END AS title_id, "
        f's."row", s.col, CASE WHEN {_BARE} THEN s.propensity ELSE s.artwork_propensity END AS propensity, '
        f"CASE WHEN {_BARE} THEN s.n_permitted ELSE s.artwork_n END AS n FROM ("
        "SELECT * EXCLUDE (slots, decision_id), coalesce(decision_id, event_id) AS decision_id, "
        f"unnest(from_json(slots, '{SLOTS}')) AS s FROM decisions WHERE {where} AND json_valid(slots) "
        "AND json_type(slots) = 'ARRAY' "
        f"AND NOT {IN_SHADOW}) WHERE true"
    )


_GIVEN = """
SELECT * FROM (
    SELECT * FROM made
    UNION ALL BY NAME
    SELECT m.* REPLACE (d.at_us AS at_us, d.id AS decision_id, m.decision_id AS sticky_of)
    FROM made AS m JOIN (
        SELECT at_us, coalesce(decision_id, event_id) AS id, sticky_of AS first,
            TRY_CAST(json_extract_string(context, '$.again_from_row') AS INTEGER) AS low,
            TRY_CAST(json_extract_string(context, '$.again_to_row') AS INTEGER) AS high
        FROM decisions WHERE sticky_of IS NOT NULL AND slots IS NULL
    ) AS d ON d.first = coalesce(json_extract_string(m.context, '$.continues'), m.decision_id)
        AND m.at_us <= d.at_us
        AND CASE WHEN d.low IS NULL OR m."row" IS NULL THEN m.decision_id = d.first
            ELSE m."row" BETWEEN d.low AND d.high END
)
"""
"""Pages as they were made, and again for each time that some of their rows were given out with the same
images; a record that does not tell which rows is about the first ones."""

_SEEN = """
WITH views AS (
    SELECT decision_id, "row", col, CASE WHEN "row" IS NULL THEN title_id END AS title_id,
        min(at_us) AS first_seen_us, sum(dwell_ms) AS dwell_ms
    FROM impressions WHERE decision_id IN (SELECT decision_id FROM shown) GROUP BY ALL
)
SELECT coalesce(s.member_id, s.unit_id) AS member_id, s.at_us, s.artwork_id, s.title_id, s.decision_id,
    s.sticky_of, s."row", s.col, s.propensity, s.n,
    json_extract_string(s.context, '$.artwork_policy') AS artwork_policy,
    json_extract_string(s.context, '$.artwork_model') AS artwork_model,
    s.policy, s.model, s.fallback, s.territory, s.device,
    coalesce(v.first_seen_us, t.first_seen_us) IS NOT NULL AS in_view,
    coalesce(v.first_seen_us, t.first_seen_us) AS first_seen_us, coalesce(v.dwell_ms, t.dwell_ms) AS dwell_ms
FROM shown AS s
LEFT JOIN views AS v ON v.decision_id = s.decision_id AND v."row" = s."row" AND v.col = s.col
LEFT JOIN views AS t ON t.decision_id = s.decision_id AND t."row" IS NULL AND t.title_id = s.title_id
"""


def _versions(home: Home) -> str:
    """SQL of every version of every image and since when it holds; the first one holds always."""
    files = read_manifest(home.lake).of(TABLE)
    columns = ", ".join(("artwork_id", *COLUMNS))
    if not files:
        nothing = ", ".join(f"NULL::VARCHAR AS {c}" for c in ("artwork_id", "approved_by"))
        times = ", ".join(f"NULL::BIGINT AS {c}" for c in COLUMNS if c.endswith("_us"))
        return f"SELECT {nothing}, {times}, NULL::VARCHAR[] AS territories, 0 AS holds_us WHERE false"
    return (
        f"SELECT {columns}, CASE WHEN row_number() OVER (PARTITION BY artwork_id ORDER BY from_us, batch) = 1"
        f" THEN {ALWAYS_US + 1} ELSE from_us END AS holds_us FROM (SELECT * FROM "
        f"{parquet(home.lake, files)} QUALIFY row_number() OVER "
        "(PARTITION BY artwork_id, from_us ORDER BY batch DESC) = 1)"
    )


def _between(from_us: int, until_us: int) -> str:
    return f"at_us >= {int(from_us)} AND at_us < {int(until_us)}"


def _in_json(text: str) -> str:
    """Pattern of LIKE that finds a text inside JSON, and perhaps others: what may be escaped is left open."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "%" for letter in text)


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, object]]:
    found = con.execute(sql)
    names: Sequence[str] = [name for name, *_ in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _write(con: duckdb.DuckDBPyConnection, sql: str, out: Path) -> None:
    fresh = out.with_name(f".{out.name}.writing")
    try:
        con.execute(f"COPY ({sql}) TO {literal(fresh)} ({FORMATS[out.suffix.lower()]})")
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)
