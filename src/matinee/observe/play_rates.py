"""How often a visit begins with resuming, with the list, or with something watched before.

A log of plays with watch times says it; a log of ratings does not, and the priors stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.observe.member_state import BEGUN_SHARE, FINISHED_SHARE, load_titles
from matinee.types import DAY_US

RESUME, FROM_LIST, AGAIN = 0.3, 0.05, 0.005
"""Priors: orders of magnitude from published descriptions, not measured here."""
AWAY_HALF_LIFE_DAYS = 14.0
"""Days away after which resuming is half as likely."""
REST_DAYS = 60.0
"""Days after which a finished title is half rested."""
PRIOR_VISITS = 200.0
"""Visits that a prior counts for."""
PAUSE_US = 3_600 * 1_000_000
"""A play that begins later than this after the one before begins a visit."""
LOG_DAYS = 180.0
"""Older plays are not read."""


@dataclass(frozen=True, slots=True)
class PlayRates:
    """Chances that the first play of a visit is one of these, 0 to 1.

    Attributes
    ----------
    resume : float
        Of the title begun last, at once; it halves with every `AWAY_HALF_LIFE_DAYS` away.
    from_list : float
        Of the title put on the list last, while it has not been played.
    again : float
        Of each finished title, when it is wholly rested (half after `REST_DAYS`).
    """

    resume: float = RESUME
    from_list: float = FROM_LIST
    again: float = AGAIN


def read_play_rates(home: Home, catalogue: Catalogue, moment: Moment) -> PlayRates:
    """Estimate the rates from the visits of the last `LOG_DAYS` days.

    Parameters
    ----------
    catalogue : Catalogue
        Gives series, runtimes and the order of episodes.
    moment : Moment
        What had happened, and had arrived.

    Returns
    -------
    PlayRates
        Each is (hits + prior * PRIOR_VISITS) / (chances + PRIOR_VISITS), where a visit counts as one chance
        times the factor by which the rate had fallen then. The priors, where the log says nothing.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.

    Notes
    -----
    Only plays that say how far they came count, of titles with a known runtime. A visit begins with a play
    after a pause of an hour; plays that follow at once (the next episode by itself) do not come from a page.
    """
    with spilling() as con:
        open_events(con, home, "plays", "signals", moment=moment)
        _load(con, catalogue, moment.at_us)
        resumed = _sums(con, RESUMED)
        listed = _sums(con, LISTED)
        again = _sums(con, REWATCHED)
    return PlayRates(_rate(RESUME, *resumed), _rate(FROM_LIST, *listed), _rate(AGAIN, *again))


def _rate(prior: float, hits: float, chances: float) -> float:
    return min(1.0, (hits + prior * PRIOR_VISITS) / (chances + PRIOR_VISITS))


def _load(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, at_us: int) -> None:
    """Table `visits`: plays with a share, and whether each begins a visit."""
    load_titles(con, catalogue)
    con.execute(
        "CREATE TEMP TABLE visits AS SELECT member_id, unit, at_us, seq, goes_on, share, "
        "coalesce(at_us - lag(at_us) OVER same > ?, false) AS begins, "
        "lag(unit) OVER same AS unit_before, lag(share) OVER same AS share_before, "
        "lag(goes_on) OVER same AS goes_on_before, lag(at_us) OVER same AS before_us "
        "FROM (SELECT *, greatest(position_s, watch_s) / runtime_s AS share FROM plays JOIN titles "
        "USING (title_id) WHERE runtime_s > 0 AND at_us > ?) WHERE share >= ? "
        "WINDOW same AS (PARTITION BY member_id ORDER BY at_us, seq)",
        [PAUSE_US, at_us - round(LOG_DAYS * DAY_US), BEGUN_SHARE],
    )


RESUMED = f"""
SELECT sum((unit = unit_before)::INT), sum(0.5 ** ((at_us - before_us) / {AWAY_HALF_LIFE_DAYS * DAY_US}))
FROM visits WHERE begins AND (share_before < {FINISHED_SHARE} OR goes_on_before)"""

LISTED = """
WITH said AS (
    SELECT member_id, unit AS listed, at_us, seq, signal FROM signals JOIN titles USING (title_id)
    WHERE signal IN ('list_add', 'list_remove')
), visit AS (
    SELECT v.member_id, said.listed, said.at_us AS since_us, v.at_us, v.begins, v.unit = said.listed AS hit
    FROM visits AS v ASOF JOIN said ON v.member_id = said.member_id AND v.at_us > said.at_us
    WHERE said.signal = 'list_add'
), first AS (
    SELECT *, coalesce(sum(hit::INT) OVER (PARTITION BY member_id, since_us ORDER BY at_us
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS played FROM visit
)
SELECT sum(hit::INT), count(*) FROM first WHERE begins AND played = 0"""

REWATCHED = f"""
WITH firsts AS (
    SELECT member_id, unit, min(at_us) AS done_us FROM visits WHERE share >= {FINISHED_SHARE} AND NOT goes_on
    GROUP BY member_id, unit
), visit AS (
    SELECT v.member_id, v.at_us, f.done_us IS NOT NULL AS hit
    FROM visits AS v LEFT JOIN firsts AS f ON f.member_id = v.member_id AND f.unit = v.unit
    AND f.done_us < v.at_us WHERE v.begins
), steps AS (
    SELECT member_id, done_us AS at_us, 1 AS done, 0 AS visits, 0 AS hit FROM firsts
    UNION ALL SELECT member_id, at_us, 0, 1, hit::INT FROM visit
), running AS (
    SELECT visits, hit, sum(done) OVER before AS n, 0.5 ** rest * sum(done * 2 ** rest) OVER before AS tired
    FROM (SELECT *, (at_us - min(at_us) OVER whole) / {REST_DAYS * DAY_US} AS rest FROM steps
    WINDOW whole AS (PARTITION BY member_id))
    WINDOW before AS (PARTITION BY member_id ORDER BY at_us ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT sum(hit), sum(n - tired) FROM running WHERE visits = 1 AND n > 0"""


def _sums(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, float]:
    hits, chances = con.execute(sql).fetchall()[0]
    return float(hits or 0.0), float(chances or 0.0)
