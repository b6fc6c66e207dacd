"""What is known of an account at a moment: declared once, each computed as of its own time.

An account is several members, and the lake's events are theirs. The sources here are therefore views named
`account_...`, which `open_accounts` makes: the members' events with the account that pays for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.retention.config import NAME, NONE, RetentionConfig
from matinee.learn.features.aggregates import Count, Distinct, Mean, Sum, TimeSince
from matinee.learn.features.backfill import backfill
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.predicates import where
from matinee.learn.features.sources import Source
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.contexts import IN_SHADOW, says
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.platform.deciding import Surroundings
from matinee.types import DAY_US, SECOND_US, Ids, Times

READS = ("plays", "searches", "signals", "membership", "decisions", "members", "titles")
"""Tables of the lake that are read here."""
QUALITY_SHARE, QUALITY_S, RATED_SHARE = 0.7, 120, 0.7
"""A quality play: so much of the runtime and at least so many seconds; of a rating, so much of the scale."""
PLAYS = Source(
    "account_plays",
    {"account_id": "text", "member_id": "text", "title_id": "text", "watch_s": "float", "quality": "bool"},
    "account_id",
)
SEARCHES = Source("account_searches", {"account_id": "text"}, "account_id")
SIGNALS = Source("account_signals", {"account_id": "text", "signal": "text"}, "account_id")
MEMBERSHIP = Source("account_membership", {"account_id": "text", "status": "text"}, "account_id")
OFFERS = Source(
    "account_offers", {"account_id": "text", "action": "text", "price_minor": "float"}, "account_id"
)

GOOD, BAD = where("quality", "==", True), where("quality", "==", False)
STANDING = FeatureView(
    "account_standing",
    "account",
    (
        Feature("plays_7d", PLAYS, Count(), "7d"),
        Feature("plays_28d", PLAYS, Count(), "28d"),
        Feature("plays_84d", PLAYS, Count(), "84d"),
        Feature("quality_plays_7d", PLAYS, Count(), "7d", GOOD),
        Feature("quality_plays_28d", PLAYS, Count(), "28d", GOOD),
        Feature("quality_plays_84d", PLAYS, Count(), "84d", GOOD),
        Feature("broken_off_28d", PLAYS, Count(), "28d", BAD),
        Feature("watch_s_28d", PLAYS, Sum("watch_s"), "28d"),
        Feature("titles_28d", PLAYS, Distinct("title_id"), "28d"),
        Feature("members_28d", PLAYS, Distinct("member_id"), "28d"),
        Feature("since_play_s", PLAYS, TimeSince(), "all"),
        Feature("searches_28d", SEARCHES, Count(), "28d"),
        Feature("listed_28d", SIGNALS, Count(), "28d", where("signal", "==", "list_add")),
        Feature("disliked_28d", SIGNALS, Count(), "28d", where("signal", "==", "thumb_down")),
        Feature("tenure_s", MEMBERSHIP, TimeSince(), "all", where("status", "==", "started")),
        Feature("pauses_90d", MEMBERSHIP, Count(), "90d", where("status", "==", "paused")),
        Feature("offers_180d", OFFERS, Count(), "180d", where("action", "!=", NONE)),
        Feature("since_offer_s", OFFERS, TimeSince(), "all", where("action", "!=", NONE)),
        Feature("price_minor", OFFERS, Mean("price_minor"), "180d"),
    ),
    owner="retention",
    description="How an account stands: what its members found, how long it has paid, what it was offered.",
)
COLUMNS = (*STANDING.names, "good_share_28d", "days_into_period")
"""Columns of `standing`."""


@contextmanager
def accounts(home: Home, at_us: int, config: RetentionConfig) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the views of `open_accounts`; offers are those of the named log and our own."""
    with spilling() as con:
        open_accounts(con, home, at_us, logs=(config.offer_log, NAME))
        yield con


def account_tables(con: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
    """Make the tables that `STANDING` names, for whoever computes it: backfill, monitors, gates."""
    open_accounts(con, around.home, around.at_us, logs=(around.config.offer_log, NAME))


def open_accounts(con: duckdb.DuckDBPyConnection, home: Home, at_us: int, *, logs: Sequence[str]) -> None:
    """Make the views that the features and the other readers of this folder ask, as of a moment.

    `account_of` gives the account of each member (its own id where none is known) and its territory.

    Parameters
    ----------
    logs : sequence of str
        Names under which offers were logged.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    open_events(con, home, *READS[:5], moment=Moment(at_us, at_us))
    open_facts(con, home, *READS[5:], at_us=at_us)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE account_of AS "
        "SELECT member_id, coalesce(account_id, member_id) AS account_id, territory FROM members"
    )
    of = "coalesce(o.account_id, e.member_id) AS account_id, e.at_us, e.seen_us, e.seq"
    people = "LEFT JOIN account_of AS o ON o.member_id = e.member_id"
    good = (
        f"coalesce(e.watch_s >= greatest({QUALITY_S}, {QUALITY_SHARE} * coalesce(t.runtime_s, 0)), "
        f"e.rating >= {RATED_SHARE} * e.rating_scale)"
    )
    views = {
        "account_plays": f"SELECT {of}, e.member_id, e.title_id, e.watch_s, {good} AS quality "
        f"FROM plays AS e {people} LEFT JOIN titles AS t ON t.title_id = e.title_id",
        "account_searches": f"SELECT {of} FROM searches AS e {people}",
        "account_signals": f"SELECT {of}, e.signal FROM signals AS e {people}",
        # each member of an account has its own copy of what happened to the account
        "account_membership": "SELECT account_id, status, at_us, min(seen_us) AS seen_us, min(seq) AS seq "
        f"FROM (SELECT {of}, e.status FROM membership AS e {people}) GROUP BY account_id, status, at_us",
        "account_offers": "SELECT unit_id AS account_id, initiative, decision_id, action, propensity, "
        "sticky_of, at_us, seen_us, seq, "
        "CAST(json_extract_string(context, '$.price_minor') AS DOUBLE) AS price_minor, "
        f"{says('kept_out')} AS kept_out "
        f"FROM decisions WHERE initiative IN ({', '.join(literal(name) for name in logs)}) "
        f"AND action IS NOT NULL AND NOT {IN_SHADOW}",  # nobody was offered what a shadow chose
    }
    for name, sql in views.items():
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")


def standing(
    con: duckdb.DuckDBPyConnection, config: RetentionConfig, account_id: Ids | NDArray[np.str_], at_us: Times
) -> NDArray[np.float64]:
    """Features of accounts, each as of its own time.

    Returns
    -------
    ndarray of float64, shape (n, n_columns)
        In the order of `COLUMNS`; NaN where something never happened. Times are in days.

    Raises
    ------
    NotFoundError
        `open_accounts` was not called on this connection.
    """
    labels = {
        "label_id": np.arange(len(account_id)),
        "entity_id": np.asarray(account_id).astype(str),
        "at_us": np.asarray(at_us, np.int64),
    }
    done = backfill(con, STANDING, labels)
    found = done.arrays()
    con.execute(f"DROP TABLE {done.table}")
    columns = []
    for name in STANDING.names:
        column = np.ma.filled(np.ma.asarray(found[name], np.float64), np.nan)
        is_time = name.startswith(("since_", "tenure_"))
        columns.append(column * SECOND_US / DAY_US if is_time else column)
    return np.column_stack([*columns, good_share(columns), days_into_period(columns, config.period_days)])


def good_share(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Quality plays less broken-off ones of 28 days, as a share; 0 where nothing was played."""
    at = STANDING.names.index
    good, plays = columns[at("quality_plays_28d")], columns[at("plays_28d")]
    share: NDArray[np.float64] = (2 * good - plays) / np.maximum(plays, 1)
    return share


def days_into_period(columns: Sequence[NDArray[np.float64]], period_days: int) -> NDArray[np.float64]:
    """Days since the last renewal, if accounts renew on the day on which they started; NaN where unknown."""
    tenure: NDArray[np.float64] = columns[STANDING.names.index("tenure_s")]
    return np.floor(tenure) % period_days
