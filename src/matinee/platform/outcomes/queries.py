"""SQL that joins a part of the decisions with what came of them.

The connection has the views `decisions`, `plays`, `impressions`, `rewards` and `titles`, and the table `part`
(decision_id, at_us) of the decisions that are joined now, made from `low_us` to `high_us`.
"""

from __future__ import annotations

from matinee.observe.lake.connection import literal
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.platform.initiative import Reward

SLOT = (
    '[{"action":"VARCHAR","propensity":"DOUBLE","row":"INTEGER","col":"INTEGER","row_kind":"VARCHAR",'
    '"n_permitted":"INTEGER","explored":"BOOLEAN","artwork_id":"VARCHAR","artwork_propensity":"DOUBLE",'
    '"artwork_n":"INTEGER"}]'
)
CONTINUES = "json_extract_string(context, '$.continues')"
"""First decision of the page whose further rows this one made."""
ID = "coalesce(decision_id, event_id)"


def of_initiative(name: str, reward: Reward) -> str:
    """SQL of an initiative's decisions; `live` ones are those that a reward can go to."""
    return (
        f"(SELECT * EXCLUDE (decision_id), {ID} AS decision_id, {IN_SHADOW} AS shadow, "
        f"sticky_of IS NULL AND NOT {IN_SHADOW} AS live, at_us + {reward.window_us} AS until_us, "
        f"at_us + {reward.final_us} AS final_us FROM decisions WHERE initiative = {literal(name)})"
    )


def made(name: str, reward: Reward, low_us: int, high_us: int) -> str:
    """The decisions of the part."""
    return (
        f"SELECT d.*, {CONTINUES} AS continues FROM {of_initiative(name, reward)} AS d "
        "SEMI JOIN part ON part.decision_id = d.decision_id AND part.at_us = d.at_us "
        f"WHERE d.at_us BETWEEN {low_us} AND {high_us}"
    )


def slots(relation: str) -> str:
    """One row for each slot, numbered from 1; a decision without `slots` has one, its action."""
    return (
        "SELECT decision_id, slot, s.action, s.propensity, s.row, s.col, s.row_kind, s.n_permitted, "
        "coalesce(s.explored, false) AS explored, s.artwork_id, s.artwork_propensity, s.artwork_n FROM ("
        f"SELECT decision_id, unnest(from_json(slots, '{SLOT}')) AS s, "
        f"unnest(range(1, json_array_length(slots)::BIGINT + 1))::INTEGER AS slot FROM {relation} "
        "WHERE slots IS NOT NULL AND json_valid(slots) AND json_type(slots) = 'ARRAY') "
        "UNION ALL SELECT decision_id, 1, action, propensity, NULL, NULL, NULL, NULL, false, NULL, NULL, "
        "NULL "
        f"FROM {relation} WHERE slots IS NULL AND action IS NOT NULL"
    )


def aliases(name: str, low_us: int) -> str:
    """Ids by which an event may name a decision of the part: its own, and those under which it was served.

    A page that is served again, and further rows of a page, have ids of their own; `own` is false where the
    id is that of the page's first rows.
    """
    base = (
        "SELECT decision_id AS named, decision_id, true AS own FROM made WHERE live "
        "UNION ALL SELECT continues, decision_id, false FROM made WHERE live AND continues IS NOT NULL"
    )
    return (
        f"WITH base AS ({base}) SELECT * FROM base UNION "
        "SELECT d.decision_id, b.decision_id, b.own "
        f"FROM (SELECT {ID} AS decision_id, sticky_of FROM decisions "
        f"WHERE initiative = {literal(name)} AND sticky_of IS NOT NULL AND at_us >= {low_us}) AS d "
        "JOIN base AS b ON d.sticky_of = b.named"
    )


def happened(reward: Reward, low_us: int, high_us: int) -> str:
    """Plays and impressions of the units of the part; none for a reward that is only reported."""
    if reward.from_events is None:
        return (
            "SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS event_id, NULL::VARCHAR AS member_id, "
            "NULL::VARCHAR AS title_id, NULL::VARCHAR AS series_id, NULL::BIGINT AS at_us, "
            'NULL::BIGINT AS seen_us, NULL::VARCHAR AS decision_id, NULL::INTEGER AS "row", '
            "NULL::INTEGER AS col, NULL::DOUBLE AS dwell_ms, false AS good WHERE false"
        )
    common = (
        "e.event_id, e.member_id, e.title_id, nullif(t.series_id, e.title_id) AS series_id, e.at_us, "
        'e.seen_us, e.decision_id, e."row", e.col'
    )
    inside = (
        "LEFT JOIN titles AS t ON t.title_id = e.title_id WHERE e.at_us BETWEEN "
        f"{low_us} AND {high_us + reward.window_us} "
        "AND e.member_id IN (SELECT unit_id FROM made WHERE live)"
    )
    good = reward.from_events.sql("e", "t.runtime_s")
    return (
        f"SELECT 'play' AS kind, {common}, NULL::DOUBLE AS dwell_ms, {good} AS good FROM plays AS e {inside} "
        f"UNION ALL SELECT 'impression', {common}, e.dwell_ms, false FROM impressions AS e {inside}"
    )


_INSIDE = "h.at_us BETWEEN m.at_us AND m.until_us AND h.seen_us <= m.final_us"
_SAME = "s.decision_id = m.decision_id AND s.action = h.{column}"


def named() -> str:
    """Events that name their decision, with each slot they may be about."""
    return _either(
        "happened AS h JOIN aliases AS a ON h.decision_id = a.named "
        f"JOIN made AS m ON m.decision_id = a.decision_id AND m.unit_id = h.member_id AND {_INSIDE} "
        f"JOIN made_slots AS s ON {_SAME}"
    )


def unnamed() -> str:
    """Events that name no decision, with each slot of the unit's decisions that held the title before."""
    return _either(
        "happened AS h JOIN made AS m ON h.decision_id IS NULL AND m.live AND m.unit_id = h.member_id "
        f"AND {_INSIDE} JOIN made_slots AS s ON {_SAME}"
    )


def rivals(name: str, reward: Reward) -> str:
    """Decisions about the units of unnamed events, up to the last of these: a later one takes the event."""
    return (
        f"SELECT * FROM {of_initiative(name, reward)} WHERE live "
        "AND unit_id IN (SELECT member_id FROM unnamed) "
        "AND at_us BETWEEN (SELECT min(made_us) FROM unnamed) AND (SELECT max(at_us) FROM unnamed)"
    )


BEATEN = """
SELECT DISTINCT u.kind, u.event_id, u.decision_id FROM unnamed AS u
JOIN rivals AS r ON r.unit_id = u.member_id AND r.at_us <= u.at_us AND r.seen_us <= u.final_us
    AND (r.at_us, r.decision_id) > (u.made_us, u.decision_id)
JOIN rival_slots AS s ON s.decision_id = r.decision_id AND s.action IN (u.title_id, u.series_id)
"""
"""Unnamed events that a later decision of the unit held the title for, of this part or of another."""

MATCHED = """
SELECT * FROM (
    SELECT * FROM named
    UNION ALL SELECT u.* FROM unnamed AS u ANTI JOIN beaten AS b
        ON b.kind = u.kind AND b.event_id = u.event_id AND b.decision_id = u.decision_id
) QUALIFY row_number() OVER (
    PARTITION BY kind, event_id ORDER BY made_us DESC, decision_id DESC, exact DESC, there DESC, slot
) = 1
"""
"""Each event at one slot: the place that it names, else the first on which its title stood."""

FACTS = """
SELECT decision_id, slot, bool_or(kind = 'impression') AS impressed, sum(dwell_ms) AS dwell_ms,
    count(*) FILTER (kind = 'play' AND good) AS n_good, min(at_us) FILTER (kind = 'play' AND good) AS good_us
FROM matched GROUP BY decision_id, slot
"""


def reported() -> str:
    """Reported rewards at their slots, summed by name."""
    return (
        "SELECT decision_id, slot, reward, sum(value) AS value, min(at_us) AS at_us FROM ("
        "SELECT r.reward, r.value, r.at_us, m.decision_id, s.slot FROM rewards AS r "
        "JOIN aliases AS a ON r.decision_id = a.named "
        "JOIN made AS m ON m.decision_id = a.decision_id AND r.at_us BETWEEN m.at_us AND m.until_us "
        "AND r.seen_us <= m.final_us "
        "JOIN made_slots AS s ON s.decision_id = m.decision_id "
        "LEFT JOIN (SELECT decision_id, count(*) AS n FROM made_slots GROUP BY decision_id) AS c "
        "ON c.decision_id = m.decision_id "
        "WHERE CASE WHEN r.action IS NULL THEN a.own AND c.n = 1 ELSE s.action = r.action END "
        "QUALIFY row_number() OVER (PARTITION BY r.event_id ORDER BY m.at_us, m.decision_id, s.slot) = 1"
        ") GROUP BY decision_id, slot, reward"
    )


def outcomes(reward: Reward) -> str:
    """The rows of the table `outcomes`."""
    seen = "m.live" if reward.from_events is not None else "false"
    return (
        "SELECT m.decision_id || ':' || s.slot AS event_id, m.member_id, m.at_us, m.final_us AS seen_us, "
        "m.seq, m.territory, m.device, m.decision_id, m.initiative, m.unit_id, m.policy, m.model, "
        "coalesce(m.fallback, false) AS fallback, m.sticky_of, m.shadow, s.slot, s.action, "
        's."row", s.col, s.row_kind, s.propensity, s.n_permitted, s.explored, '
        "s.artwork_id, s.artwork_propensity, s.artwork_n, "
        f"CASE WHEN {seen} THEN coalesce(f.impressed, false) END AS impressed, f.dwell_ms, "
        f"{literal(reward.name)} AS reward, CASE WHEN m.live THEN coalesce(r.value, "
        f"CASE WHEN {seen} THEN (coalesce(f.n_good, 0) > 0)::INTEGER END)::DOUBLE END AS value, "
        "CASE WHEN m.live THEN coalesce(r.at_us, f.good_us) END AS reward_at_us, "
        "CAST(a.rewards AS VARCHAR) AS rewards, m.context "
        "FROM made AS m JOIN made_slots AS s ON s.decision_id = m.decision_id "
        "LEFT JOIN facts AS f ON f.decision_id = m.decision_id AND f.slot = s.slot "
        "LEFT JOIN reported AS r ON r.decision_id = m.decision_id AND r.slot = s.slot "
        f"AND r.reward = {literal(reward.name)} "
        "LEFT JOIN (SELECT decision_id, slot, "
        "to_json(map(list(reward ORDER BY reward), list(value ORDER BY reward))) AS rewards FROM reported "
        "GROUP BY decision_id, slot) AS a ON a.decision_id = m.decision_id AND a.slot = s.slot"
    )


def late(name: str, reward: Reward, fresh: str) -> str:
    """Reports and named events that came when the outcome was final, and reports of what came later."""
    mine = f"{of_initiative(name, reward)} AS d"
    parts = [
        f"SELECT 1 FROM rewards AS e JOIN {mine} ON d.decision_id = e.decision_id "
        f"WHERE {fresh} AND (e.at_us > d.until_us OR e.seen_us > d.final_us)"
    ]
    if reward.from_events is not None:
        parts += [
            f"SELECT 1 FROM {table} AS e JOIN {mine} ON d.decision_id = e.decision_id "
            f"WHERE {fresh} AND e.at_us <= d.until_us AND e.seen_us > d.final_us"
            for table in ("plays", "impressions")
        ]
    return f"SELECT count(*) FROM ({' UNION ALL '.join(parts)})"


def unknown(name: str, reward: Reward, fresh: str) -> str:
    """Reports and events that name a decision which was never logged."""
    nobody = f"ANTI JOIN (SELECT {ID} AS decision_id FROM decisions) AS d ON d.decision_id = e.decision_id"
    parts = [f"SELECT 1 FROM rewards AS e {nobody} WHERE e.initiative = {literal(name)} AND {fresh}"]
    if reward.from_events is not None:
        parts += [
            f"SELECT 1 FROM (SELECT * FROM {table} WHERE decision_id IS NOT NULL) AS e {nobody} WHERE {fresh}"
            for table in ("plays", "impressions")
        ]
    return f"SELECT count(*) FROM ({' UNION ALL '.join(parts)})"


def _either(source: str) -> str:
    """Events by their own title, and by its series."""
    columns = (
        "h.kind, h.event_id, h.member_id, h.title_id, h.series_id, h.at_us, h.dwell_ms, h.good, "
        "m.decision_id, m.at_us AS made_us, m.final_us, s.slot, "
        'coalesce(s."row" = h."row" AND s.col = h.col, false) AS there'
    )
    return " UNION ALL ".join(
        f"SELECT {columns}, {exact} AS exact FROM {source.format(column=column)}"
        for column, exact in (("title_id", "true"), ("series_id", "false"))
    )
