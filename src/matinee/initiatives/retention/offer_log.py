"""The randomised log of offers: who could have got what, got what, and stayed or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import COLUMNS, standing
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.types import DAY_US, Times, format_at

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OfferLog:
    """Decisions whose end is known, in the order of time.

    Attributes
    ----------
    decision_id, account_id, territory : ndarray of str, shape (n,)
        `territory` is "" where it is not known.
    at_us : ndarray of int64, shape (n,)
    x : ndarray of float64, shape (n, n_columns)
        Features as of the decision, see `features.COLUMNS`.
    action : ndarray of int64, shape (n,)
        Position in `RetentionConfig.actions`.
    propensity : ndarray of float64, shape (n,)
        Above 0 and below 1.
    price_minor : ndarray of float64, shape (n,)
    stayed : ndarray of float64, shape (n,)
        1 unless the account ended within `outcome_days`.
    left_out : ndarray of int64, shape (3,)
        Decisions that were certain (nothing to learn from), of actions that are no offers of ours, and whose
        end is not known yet.
    """

    decision_id: NDArray[np.str_]
    account_id: NDArray[np.str_]
    territory: NDArray[np.str_]
    at_us: Times
    x: Matrix
    action: NDArray[np.int64]
    propensity: Matrix
    price_minor: Matrix
    stayed: Matrix
    left_out: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at_us)

    @property
    def account(self) -> NDArray[np.int64]:
        """Number of the account of each row."""
        return np.unique(self.account_id, return_inverse=True)[1].astype(np.int64)

    def after(self, at_us: int) -> OfferLog:
        """Decisions after a moment."""
        kept = self.at_us > at_us
        rows = {name: getattr(self, name)[kept] for name in self.__slots__ if name != "left_out"}
        return OfferLog(**rows, left_out=self.left_out)

    def save(self, folder: Path) -> None:
        """Write one file for each column."""
        save_arrays(folder, {}, **{name: getattr(self, name) for name in self.__slots__})

    @staticmethod
    def load(folder: Path) -> OfferLog:
        """Read what `save` wrote."""
        return OfferLog(**load_arrays(folder, dict[str, str])[1])


def read_offer_log(con: duckdb.DuckDBPyConnection, config: RetentionConfig, at_us: int) -> OfferLog:
    """Decisions that are old enough for their end to be known at a moment.

    A decision younger than `outcome_days` is censored: it is left out whether the account is gone already or
    not, or those who leave at once would be counted too often.

    Parameters
    ----------
    con : DuckDBPyConnection
        With the views of `open_accounts` as of `at_us`.

    Raises
    ------
    InputError
        No membership, no offers, or too few of them: the message names the table and what to import.
    """
    _check_tables(con, config)
    settled_us = at_us - config.outcome_days * DAY_US
    actions = list(config.actions)
    found = con.execute(DECISIONS, [settled_us, config.outcome_days * DAY_US, settled_us]).fetchnumpy()
    rows = {name: np.ma.filled(column, _MISSING.get(name, 0)) for name, column in found.items()}
    names = rows["action"].astype(str)
    known = np.isin(names, actions)
    drawn = (rows["propensity"] > 0) & (rows["propensity"] < 1)
    kept = known & drawn
    young = "SELECT count(*) FROM account_offers WHERE at_us > ?"
    (waiting,) = con.execute(young, [settled_us]).fetchall()[0]
    _check_enough(config, int(kept.sum()), waiting, at_us, rows["propensity"][known])
    rows = {name: column[kept] for name, column in rows.items()}
    x = standing(con, config, rows["account_id"], rows["at_us"])
    price = COLUMNS.index("price_minor")
    told = rows["price_minor"].astype(np.float64)
    x[:, price] = np.where(np.isnan(told), x[:, price], told)
    place = {name: i for i, name in enumerate(actions)}
    return OfferLog(
        decision_id=rows["decision_id"].astype(np.str_),
        account_id=rows["account_id"].astype(np.str_),
        territory=rows["territory"].astype(np.str_),
        at_us=rows["at_us"].astype(np.int64),
        x=x,
        action=np.array([place[name] for name in names[kept]], np.int64),
        propensity=rows["propensity"].astype(np.float64),
        price_minor=prices(x, config),
        stayed=1.0 - rows["gone"].astype(np.float64),
        left_out=np.array([(known & ~drawn).sum(), (~known).sum(), waiting], np.int64),
    )


def prices(x: Matrix, config: RetentionConfig) -> Matrix:
    """Price of one period of each account, by its features, else by the settings."""
    told = x[:, COLUMNS.index("price_minor")]
    return np.where(np.isnan(told), config.price_minor, told)


DECISIONS = """
WITH ended AS (SELECT account_id, at_us AS end_us FROM account_membership WHERE status = 'ended'),
gone AS (
    SELECT o.decision_id FROM account_offers AS o JOIN ended AS e ON e.account_id = o.account_id
    AND e.end_us > o.at_us AND e.end_us <= o.at_us + $2::BIGINT WHERE o.at_us <= $1 GROUP BY o.decision_id
),
place AS (SELECT account_id, min(territory) AS territory FROM account_of GROUP BY account_id)
SELECT o.decision_id, o.account_id, o.at_us, o.action, o.propensity, o.price_minor,
    coalesce(p.territory, '') AS territory,
    o.decision_id IN (SELECT decision_id FROM gone) AS gone
FROM account_offers AS o LEFT JOIN place AS p ON p.account_id = o.account_id
WHERE o.at_us <= $3 AND o.sticky_of IS NULL AND o.propensity IS NOT NULL AND NOT o.kept_out
ORDER BY o.at_us, o.seq
"""
_MISSING: dict[str, Any] = {"price_minor": np.nan, "territory": ""}


def _check_tables(con: duckdb.DuckDBPyConnection, config: RetentionConfig) -> None:
    counts = {
        table: con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        for table in ("account_membership", "account_offers")
    }
    if not counts["account_membership"]:
        raise InputError(
            "retention: the table membership is empty, expected when accounts started and ended. Import "
            "events of type membership: matinee import events FILE"
        )
    if not counts["account_offers"]:
        raise InputError(
            f'retention: the table decisions has no offer under the name "{config.offer_log}", expected a '
            "randomised log of offers with propensities. Name your log in [retention] offer_log, or begin "
            "one: docs/howto/retention.md"
        )


def _check_enough(config: RetentionConfig, n: int, waiting: int, at_us: int, propensity: Matrix) -> None:
    if n >= config.min_decisions:
        return
    certain = int((propensity >= 1).sum())
    raise InputError(
        f"retention: {n} offers of {', '.join(config.actions)} were drawn at random and are older than "
        f"{config.outcome_days} days at {format_at(at_us)}, expected {config.min_decisions} or more "
        f"({certain} were certain, {waiting} are too young). Wait, log more of them, or set [retention] "
        "min_decisions."
    )
