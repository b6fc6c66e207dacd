"""Rows of the churn model: who was there when a period began, and whether they ended in it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import COLUMNS, standing
from matinee.learn.models.kaplan_meier import KaplanMeier
from matinee.types import DAY_US, Times, format_at

MOST_PERIODS = 12
"""Older periods are not read."""
HISTORY_DAYS = 28
"""Days of the log before the first period, so that what accounts found in four weeks is known."""


@dataclass(frozen=True, slots=True)
class ChurnRows:
    """One row for each account and period that it began.

    Attributes
    ----------
    account_id : ndarray of str, shape (n,)
    at_us : ndarray of int64, shape (n,)
        Beginning of the period.
    period : ndarray of int64, shape (n,)
        0 is the oldest.
    ended : ndarray of bool, shape (n,)
    x : ndarray of float64, shape (n, n_columns)
    """

    account_id: NDArray[np.str_]
    at_us: Times
    period: NDArray[np.int64]
    ended: NDArray[np.bool_]
    x: NDArray[np.float64]


def read_churn(con: duckdb.DuckDBPyConnection, config: RetentionConfig, at_us: int) -> ChurnRows:
    """Rows of all periods that were over at a moment, the last one ending just then.

    A period that is not over is left out for everybody in it: accounts that had no time to leave are no
    accounts that stay.

    Raises
    ------
    InputError
        The log is shorter than one period after its first four weeks.
    """
    first_us = first_period_us(con)
    length = config.period_days * DAY_US
    n = 0 if first_us is None else min(int((at_us - first_us) // length), MOST_PERIODS)
    if n < 1:
        raise InputError(
            f"retention: {n} periods of {config.period_days} days are over at {format_at(at_us)} after the "
            f"first {HISTORY_DAYS} days of plays, expected at least 1. Wait, or import an older log."
        )
    begin = np.array([at_us - (n - k) * length for k in range(n)], np.int64)
    con.register("given_periods", {"period": np.arange(n), "begin_us": begin})
    found = con.execute(ROWS, [length]).fetchnumpy()
    con.unregister("given_periods")
    account_id = np.asarray(found["account_id"]).astype(np.str_)
    begin_us = np.asarray(found["begin_us"], np.int64)
    return ChurnRows(
        account_id,
        begin_us,
        np.asarray(found["period"], np.int64),
        np.asarray(found["ended"], np.bool_),
        standing(con, config, account_id, begin_us),
    )


def first_period_us(con: duckdb.DuckDBPyConnection) -> int | None:
    """From when on enough is known of accounts; None without plays."""
    (first,) = con.execute("SELECT min(at_us) FROM account_plays").fetchall()[0]
    return None if first is None else int(first) + HISTORY_DAYS * DAY_US


def active_accounts(con: duckdb.DuckDBPyConnection, at_us: int) -> NDArray[np.str_]:
    """Accounts that have started and not ended at a moment, in the order of their ids."""
    found = con.execute(ACTIVE, [at_us]).fetchall()
    return np.array([row[0] for row in found], np.str_)


def tenure_curve(con: duckdb.DuckDBPyConnection, at_us: int) -> KaplanMeier:
    """How long accounts last, in days, by nothing but how long they have lasted.

    Accounts that are older than the log count from its first period on only, since those that ended before
    are not in it.
    """
    since_us = first_period_us(con) or at_us
    found = con.execute(SPELLS, [at_us]).fetchnumpy()
    start, end = np.asarray(found["start_us"], np.int64), np.asarray(found["end_us"], np.int64)
    seen = end > since_us
    start, end, ended = start[seen], end[seen], np.asarray(found["ended"], np.bool_)[seen]
    entry = np.maximum(since_us - start, 0)
    return KaplanMeier().fit((end - start) / DAY_US, ended, entry / DAY_US)


def tenure_days(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Days since each account started; 0 where that is not known."""
    return np.nan_to_num(x[:, COLUMNS.index("tenure_s")])


CHANGES = "SELECT account_id, status, at_us FROM account_membership WHERE status IN ('started', 'ended')"
ROWS = f"""
WITH changes AS ({CHANGES}),
here AS (
    SELECT p.period, p.begin_us, c.account_id FROM given_periods AS p JOIN changes AS c ON c.at_us <
    p.begin_us GROUP BY ALL HAVING arg_max(c.status, c.at_us) = 'started'
)
SELECT h.*, EXISTS (
    SELECT 1 FROM changes AS c WHERE c.account_id = h.account_id AND c.status = 'ended'
    AND c.at_us >= h.begin_us AND c.at_us < h.begin_us + $1::BIGINT
) AS ended FROM here AS h ORDER BY period, account_id
"""
ACTIVE = f"""
SELECT account_id FROM ({CHANGES}) WHERE at_us <= $1 GROUP BY account_id
HAVING arg_max(status, at_us) = 'started' ORDER BY account_id
"""
SPELLS = f"""
WITH changes AS (
    SELECT *, lead(at_us) OVER (PARTITION BY account_id ORDER BY at_us) AS next_us FROM ({CHANGES})
)
SELECT at_us AS start_us, coalesce(next_us, $1) AS end_us, next_us IS NOT NULL AS ended
FROM changes WHERE status = 'started' ORDER BY start_us, account_id
"""
