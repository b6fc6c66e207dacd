"""Logs and policies of several slots per decision, from files (CSV, Parquet or NDJSON)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.observe.importers.fields import ID, NUMBER, TIME, Field
from matinee.observe.importers.staging import stage
from matinee.observe.importers.table import Table
from matinee.observe.lake.connection import spilling
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.reading import COUNT, PROBABILITY, PROPENSITY, check_times, place_of
from matinee.prove.offpolicy.slates.log import SlateLog
from matinee.prove.offpolicy.slates.problem import SlateProblem

LOG = (
    Field("decision_id", ID, required=True),
    Field("unit_id", ID, required=True),
    Field("slot", COUNT, required=True),
    Field("action", ID, required=True),
    Field("propensity", PROPENSITY, required=True),
    Field("reward", NUMBER, required=True),
    Field("n_actions", COUNT),
    Field("at", TIME, column="at_us"),
    Field("reward_at", TIME, column="reward_at_us"),
)
POLICY = (
    Field("decision_id", ID, required=True),
    Field("slot", COUNT, required=True),
    Field("action", ID, required=True),
    Field("p", PROBABILITY, required=True),
)
OFF = 1e-3
"""Difference from 1 of a sum of probabilities that is put down to rounding."""


def has_slots(path: Path) -> bool:
    """Whether a file is a log of several slots: it has a column `slot`.

    Raises
    ------
    NotFoundError, StorageError
        The file does not exist or cannot be read.
    """
    return "slot" in Table.open(path).columns


def read_slate_log(path: Path) -> SlateLog:
    """Read a log: `decision_id, unit_id, slot, action, propensity, reward, n_actions?`, one row per slot.

    Parameters
    ----------
    path : Path
        CSV, Parquet or NDJSON. `slot` counts from 1 in the order of filling; `propensity` is that given the
        slots before it; `reward` is what this slot brought. With `at` and `reward_at` no reward may be before
        its decision. Other columns are passed over.

    Raises
    ------
    InputError
        A column is missing, a value is impossible, a slot stands twice, a decision is about two units, or
        there is no row. The message names file, line and value.
    NotFoundError, StorageError
        The file does not exist or cannot be read.
    """
    table = Table.open(path)
    with spilling() as con:
        staged = stage(con, table, list(LOG))
        if {"at_us", "reward_at_us"} <= set(staged.columns):
            check_times(con, table)
        _check_keys(con, table)
        order = "first_row, slot"
        columns = con.execute(
            "SELECT *, min(row_no) OVER (PARTITION BY decision_id) AS first_row FROM staged ORDER BY " + order
        ).fetchnumpy()
    if "n_actions" in columns and np.ma.getmaskarray(np.ma.asarray(columns["n_actions"])).any():
        row = int(np.ma.getmaskarray(np.ma.asarray(columns["n_actions"])).argmax())
        where = place_of(table, int(columns["row_no"][row]))
        raise InputError(f"{where}: n_actions is empty, expected a number in every row or no such column.")
    return slate_log(columns)


def slate_log(columns: dict[str, NDArray[Any]], **more: Any) -> SlateLog:
    """A log from columns that are sorted by decision and slot; a decision's rows stand together."""
    decision = _texts(columns["decision_id"])
    begins = np.concatenate([[True], decision[1:] != decision[:-1]]) if len(decision) else np.zeros(0, bool)
    page = np.cumsum(begins).astype(np.int64) - 1
    first = np.flatnonzero(begins)
    names, action = np.unique(_texts(columns["action"]), return_inverse=True)
    _, unit = np.unique(_texts(columns["unit_id"])[first], return_inverse=True)
    n_actions = None
    if "n_actions" in columns:
        n_actions = np.ma.filled(np.ma.asarray(columns["n_actions"], np.float64), np.nan)
        n_actions = None if np.isnan(n_actions).any() else n_actions
    return SlateLog(
        page=page,
        position=np.arange(len(page), dtype=np.int64) - (first[page] if len(page) else page),
        action=action.astype(np.int64),
        propensity=np.ma.getdata(columns["propensity"]).astype(np.float64),
        reward=np.ma.getdata(columns["reward"]).astype(np.float64),
        unit=unit.astype(np.int64),
        names=tuple(names.tolist()),
        decision_id=decision[first],
        n_actions=n_actions,
        **more,
    )


def read_slate_policy(path: Path, log: SlateLog, *, seed: int = 0) -> SlateProblem:
    """Read a policy for the slots of a log: `decision_id, slot, action, p`, given the logged slots before.

    Parameters
    ----------
    path : Path
        Either every action of each slot (p sums to 1), or at least the logged action of each slot; then
        estimators that need the other actions are not run. `slot` is as in the log.

    Raises
    ------
    InputError
        A column is missing, a value is impossible, a logged slot has no row, an action stands twice, or p of
        a slot sums to more than 1. The message names file and value.
    NotFoundError, StorageError
        The file does not exist or cannot be read.
    """
    table = Table.open(path)
    with spilling() as con:
        stage(con, table, POLICY)
        ids = log.decision_id[log.page].astype(object)
        given = {"decision_id": ids, "slot": log.position + 1.0, "n": np.arange(len(ids), dtype=np.int64)}
        con.register("given", given)
        con.execute("CREATE TEMP TABLE wanted AS SELECT decision_id, slot::DOUBLE AS slot, n FROM given")
        twice = con.execute(
            "SELECT decision_id, slot, action FROM staged SEMI JOIN wanted USING (decision_id, slot) "
            "GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
        ).fetchone()
        if twice:
            raise InputError(
                f'{table.named}: slot {twice[1]:g} of decision "{twice[0]}" has action "{twice[2]}" twice, '
                "expected each once."
            )
        found = con.execute(
            "SELECT w.n, s.action, s.p FROM staged AS s JOIN wanted AS w USING (decision_id, slot)"
        ).fetchnumpy()
    row = np.ma.getdata(found["n"]).astype(np.int64)
    p = np.ma.getdata(found["p"]).astype(np.float64)
    place = {name: i for i, name in enumerate(log.names)}
    action = np.array([place.setdefault(name, len(place)) for name in _texts(found["action"])], np.int64)
    target = Distributions.of_entries(row, action, p, n=len(log.page))
    whole = _check_policy(table, log, target)
    wider = replace(log, names=tuple(place))
    return SlateProblem(wider, target.at(log.action), target if whole else None, seed=seed)


def _check_policy(table: Table, log: SlateLog, target: Distributions) -> bool:
    """Whether every action is there; refuses what is no policy of this log."""

    def slot(i: int) -> str:
        return f'slot {log.position[i] + 1} of decision "{log.decision_id[log.page[i]]}"'

    totals, rows = target.totals(), np.diff(target.start)
    if (rows == 0).any():
        i = int((rows == 0).argmax())
        raise InputError(
            f"{table.named}: it lacks {int((rows == 0).sum()):,} of {len(rows):,} slots of the log, as "
            f"{slot(i)}, expected rows for each. Give the policy of this log."
        )
    if (totals > 1 + OFF).any():
        i = int(totals.argmax())
        raise InputError(f"{table.named}: p of {slot(i)} sums to {totals[i]:.6g}, expected at most 1.")
    if (np.abs(totals - 1) <= OFF).all():
        return True
    named = target.names(log.action)
    if not named.all():
        i = int(named.argmin())
        raise InputError(
            f'{table.named}: {slot(i)} lacks the logged action "{log.names[log.action[i]]}" and sums to '
            f"{totals[i]:.6g}, expected the logged action or all actions of each slot."
        )
    return False


def _check_keys(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    twice = con.execute(
        "SELECT min(row_no), decision_id, slot FROM staged GROUP BY decision_id, slot HAVING count(*) > 1 "
        "ORDER BY ALL LIMIT 1"
    ).fetchone()
    if twice:
        raise InputError(
            f'{place_of(table, twice[0])}: slot {twice[2]:g} of decision "{twice[1]}" stands twice, expected '
            "each once. Correct the log: a join doubled rows."
        )
    two = con.execute(
        "SELECT min(row_no), decision_id FROM staged GROUP BY decision_id HAVING count(DISTINCT unit_id) > 1 "
        "ORDER BY ALL LIMIT 1"
    ).fetchone()
    if two:
        raise InputError(f'{place_of(table, two[0])}: decision "{two[1]}" is about two units, expected one.')


def _texts(column: NDArray[Any]) -> NDArray[np.str_]:
    return np.asarray(np.ma.getdata(column)).astype(np.str_)
