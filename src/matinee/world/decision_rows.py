"""Decisions and rewards of a run as SQL over its columns: pages with slots, offers with context.

The views `pages`, `slots`, `notices` and `outcomes` hold the columns of `record.TYPES`; `slots` has one row
for each tile.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matinee.world.leaving import OFFERS
from matinee.world.pages import SHELVES
from matinee.world.people import CURRENCY, PLANS
from matinee.world.record import Column
from matinee.world.run import Run

PAGE_ROWS = """
SELECT printf('p%012d', page) AS event_id, printf('p%012d', page) AS decision_id, $page_log AS initiative,
    printf('m%06d', member) AS member_id, printf('m%06d', member) AS unit_id, 'simulated' AS policy,
    'simulated' AS model, false AS fallback, at_us, {place},
    to_json({{'rows_shuffled': shuffled}}) AS context, slots
FROM pages JOIN (
    SELECT page, CAST(to_json(list({{
        'action': printf('t%05d', title), 'propensity': propensity, 'row': "row", 'col': col,
        'row_kind': CASE WHEN shelf >= 0 THEN list_extract({shelves}, shelf + 1) END,
        'explored': propensity < 1.0,
        'artwork_id': printf('t%05d-i%d', title, artwork + 1), 'artwork_propensity': 1.0 / n_artworks,
        'artwork_n': n_artworks
    }} ORDER BY "row", col)) AS VARCHAR) AS slots
    FROM slots GROUP BY page
) USING (page)
"""

OFFER_ROWS = """
SELECT printf('o%012d', notice) AS event_id, printf('o%012d', notice) AS decision_id,
    $offer_log AS initiative, printf('a%06d', account) AS unit_id,
    list_extract({offers}, action + 1) AS action, propensity,
    'simulated' AS policy, 'simulated' AS model, false AS fallback, at_us,
    CAST(to_json({offers}) AS VARCHAR) AS actions,
    CAST(to_json({{
        'tenure_days': tenure_days, 'plays_28d': plays_28d, 'quality_plays_28d': quality_plays_28d,
        'days_since_play': days_since_play, 'searches_28d': searches_28d,
        'plan': list_extract({plans}, plan + 1), 'price_minor': price_minor, 'currency': '{currency}'
    }}) AS VARCHAR) AS context
FROM notices
"""

REWARD_ROWS = """
SELECT printf('o%012d:', notice) || reward AS event_id, printf('o%012d', notice) AS decision_id,
    $offer_log AS initiative, printf('a%06d', notice // 10000) AS unit_id, at_us, reward, value
FROM (
    SELECT notice, at_us, 'stayed' AS reward, stayed::DOUBLE AS value FROM outcomes
    UNION ALL SELECT notice, at_us, 'net_minor', net_minor FROM outcomes
    UNION ALL SELECT notice, at_us, 'cost_minor', cost_minor FROM outcomes
)
"""


def page_sql(place: str) -> str:
    """`PAGE_ROWS` with the words filled in."""
    return PAGE_ROWS.format(place=place, shelves=list(SHELVES))


def offer_sql() -> str:
    """`OFFER_ROWS` with the words filled in."""
    return OFFER_ROWS.format(offers=list(OFFERS), plans=list(PLANS), currency=CURRENCY)


def slot_columns(pages: dict[str, Column]) -> dict[str, Column]:
    """One row for each tile of the logged pages."""
    n, rows, cols = pages["title"].shape if pages["title"].ndim == 3 else (0, 1, 1)
    kept = np.flatnonzero(pages["title"].ravel() >= 0)
    flat: dict[str, Any] = {name: pages[name].ravel()[kept] for name in ("title", "artwork", "n_artworks")}
    places = np.indices((n, rows, cols)).reshape(3, -1)[:, kept].astype(np.int32)
    return flat | {
        "propensity": pages["propensity"].ravel()[kept],
        "page": pages["page"][places[0]],
        "row": places[1] + 1,
        "col": places[2] + 1,
        "shelf": pages["shelf"].reshape(n, -1)[places[0], places[1]] if n else np.zeros(0, np.int16),
    }


def notice_columns(run: Run) -> dict[str, Column]:
    """Notices with what was offered and what is known of the account; nothing of the truth."""
    rows = run.record.table("notices")
    p = rows.pop("probability").reshape(-1, len(OFFERS))
    del rows["p_leave"]
    account = rows["account"].astype(np.int64)
    return rows | {
        "propensity": p[np.arange(len(p)), rows["action"].astype(np.int64)],
        "plan": run.world.people.plan[account],
        "price_minor": run.world.people.price_minor[account],
    }
