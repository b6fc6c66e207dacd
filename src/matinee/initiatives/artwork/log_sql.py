"""SQL of impressions of images and what came of them, out of the lake and the log."""

from __future__ import annotations

from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.observe.lake.connection import literal
from matinee.observe.lake.contexts import IN_SHADOW, says
from matinee.observe.quality_plays import FromPlays
from matinee.types import HOUR_US, NEVER_US

REWARD = FromPlays()
WINDOW_H, GRACE_H = 24.0, 24.0
"""Hours after a page within which a quality play counts for it, and within which it may still arrive."""


def impressions_sql(config: ArtworkConfig, after_us: int, settled_us: int) -> str:
    """One row for each impression of a tile with an image, of pages between two moments.

    Pages whose outcomes were joined are read from `outcomes`. Those of others (an imported log) are matched
    here with the plays and impressions that name them: an event goes to one tile, the place that it names,
    else the first on which its title stood.
    """
    return _SQL.format(
        names=_names(config), slot=_SLOT, after=int(after_us), settled=int(min(settled_us, NEVER_US - 1)),
        window=round(WINDOW_H * HOUR_US), good=REWARD.sql("p", "t.runtime_s"),
    )  # fmt: skip


def joined_sql(config: ArtworkConfig, query: str) -> str:
    """A query over `joined_tiles`: outcomes of tiles with an image that came into view."""
    return f"WITH {AGAIN.format(names=_names(config), slot=_SLOT)} {query}"


def _names(config: ArtworkConfig) -> str:
    return ", ".join(literal(name) for name in dict.fromkeys((config.pages, config.page_log)))


_SLOT = (
    '[{"action":"VARCHAR","row":"INTEGER","col":"INTEGER","artwork_id":"VARCHAR",'
    '"artwork_propensity":"DOUBLE","artwork_n":"INTEGER"}]'
)
_KEPT_OUT = says("artwork_kept_out")
"""Of an experiment from which artwork does not learn."""
_SLOTS = f"slots IS NOT NULL AND json_valid(slots) AND json_type(slots) = 'ARRAY' AND NOT {IN_SHADOW}"
_PAGE = "coalesce(json_extract_string(context, '$.continues'), {own})"
_OTHER = (
    'a.at_us >= {t}.at_us AND a.title_id = {t}.action AND a."row" IS NOT DISTINCT FROM {t}."row" '
    "AND a.col IS NOT DISTINCT FROM {t}.col AND a.artwork_id IS DISTINCT FROM {t}.artwork_id"
)
"""The same tile, given out again with another image."""
AGAIN = f"""
given_again AS (
    SELECT page, at_us, s.action AS title_id, s."row" AS "row", s.col AS col, s.artwork_id AS artwork_id
    FROM (SELECT sticky_of AS page, at_us, unnest(from_json(slots, '{{slot}}')) AS s FROM decisions
        WHERE initiative IN ({{names}}) AND sticky_of IS NOT NULL AND {_SLOTS})
    UNION ALL SELECT sticky_of, at_us, action, "row", col, artwork_id FROM outcomes
    WHERE initiative IN ({{names}}) AND sticky_of IS NOT NULL AND NOT coalesce(shadow, false)
),
joined_tiles AS (
    SELECT o.* REPLACE (
        CASE WHEN coalesce(o.reward_at_us >= r.other_us, false) THEN 0.0 ELSE o.value END AS value
    ) FROM outcomes AS o LEFT JOIN (
        SELECT o.decision_id, o.slot, min(a.at_us) AS other_us
        FROM (SELECT *, {_PAGE.format(own="decision_id")} AS page FROM outcomes WHERE sticky_of IS NULL) AS o
        JOIN given_again AS a ON a.page = o.page AND {_OTHER.format(t="o")} GROUP BY ALL
    ) AS r ON r.decision_id = o.decision_id AND r.slot = o.slot
    WHERE o.initiative IN ({{names}}) AND o.artwork_id IS NOT NULL AND o.impressed AND o.value IS NOT NULL
        AND NOT coalesce(o.shadow, false)
)
"""
"""Outcomes of tiles with an image. A page may be given out again with another image, as when one was
withdrawn meanwhile: what is played afterwards is of that one."""

_SQL = f"""
WITH {AGAIN},
joined AS (
    SELECT decision_id, unit_id AS member_id, at_us, device, action AS title_id, "row", col,
        coalesce(json_extract_string(context, '$.artwork_territory'), territory) AS territory,
        artwork_id, artwork_propensity AS propensity, artwork_n AS n_images, value AS plays
    FROM joined_tiles WHERE at_us > {{after}} AND at_us <= {{settled}} AND NOT {_KEPT_OUT}
),
every AS (
    SELECT coalesce(decision_id, event_id) AS decision_id, unit_id, at_us, device, slots, sticky_of, context,
        {_PAGE.format(own="coalesce(sticky_of, decision_id, event_id)")} AS page,
        coalesce(json_extract_string(context, '$.artwork_territory'), territory) AS territory
    FROM decisions WHERE initiative IN ({{names}}) AND NOT {IN_SHADOW}
),
tiles AS (
    SELECT * EXCLUDE (s), s.action AS action, s."row" AS "row", s.col AS col, s.artwork_id AS artwork_id,
        s.artwork_propensity AS propensity, s.artwork_n AS n_images, row_number() OVER () AS tile
    FROM (
        SELECT decision_id, page, unit_id, at_us, territory, device, unnest(from_json(slots, '{{slot}}')) AS s
        FROM every WHERE at_us > {{after}} AND at_us <= {{settled}} AND sticky_of IS NULL AND {_SLOTS}
            AND contains(slots, '"artwork_id"') AND NOT {_KEPT_OUT}
            AND decision_id NOT IN (SELECT decision_id FROM outcomes
                WHERE decision_id IS NOT NULL AND initiative IN ({{names}}))
    )
),
kept AS (
    SELECT t.tile, min(a.at_us) AS other_us FROM tiles AS t
    JOIN given_again AS a ON a.page = t.page AND {_OTHER.format(t="t")} GROUP BY ALL
),
named AS (
    SELECT 'play' AS kind, event_id, member_id, title_id, at_us, decision_id, "row", col
    FROM (SELECT p.* FROM plays AS p LEFT JOIN titles AS t ON t.title_id = p.title_id WHERE {{good}})
    UNION ALL
    SELECT 'impression', event_id, member_id, title_id, at_us, decision_id, "row", col FROM impressions
),
happened AS (
    SELECT n.*, t.series_id FROM named AS n LEFT JOIN titles AS t ON t.title_id = n.title_id
    WHERE n.decision_id IS NOT NULL
),
matched AS (
    SELECT h.kind, h.at_us, t.tile FROM happened AS h
    JOIN every AS d ON d.decision_id = h.decision_id
    JOIN tiles AS t ON t.page = d.page AND t.unit_id = h.member_id AND t.action IN (h.title_id, h.series_id)
        AND h.at_us BETWEEN t.at_us AND t.at_us + {{window}}
    LEFT JOIN kept AS k ON k.tile = t.tile
    WHERE k.other_us IS NULL OR h.at_us < k.other_us
    QUALIFY row_number() OVER (PARTITION BY h.kind, h.event_id ORDER BY t.action = h.title_id DESC,
        (h."row" IS NOT DISTINCT FROM t."row" AND h.col IS NOT DISTINCT FROM t.col) DESC,
        t.at_us DESC, t."row", t.col, t.tile) = 1
),
counted AS (
    SELECT t.*, m.played::INTEGER::DOUBLE AS plays FROM tiles AS t JOIN (
        SELECT tile, bool_or(kind = 'impression') AS seen, bool_or(kind = 'play') AS played
        FROM matched GROUP BY ALL
    ) AS m ON m.tile = t.tile AND m.seen WHERE t.artwork_id IS NOT NULL
)
SELECT member_id, at_us, territory, device, title_id, coalesce("row", 0) AS "row", coalesce(col, 0) AS col,
    artwork_id, propensity, n_images, coalesce(plays, 0.0) AS plays
FROM (
    SELECT * FROM joined UNION ALL BY NAME
    SELECT decision_id, unit_id AS member_id, at_us, territory, device, action AS title_id, "row", col,
        artwork_id, propensity, n_images, plays FROM counted
) ORDER BY at_us, decision_id, "row", col
"""
