"""Read a log, a policy and clusters of actions from files (CSV, Parquet or NDJSON)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.observe.importers.fields import ID, NUMBER, TEXT, TIME, Field, Kind
from matinee.observe.importers.staging import stage
from matinee.observe.importers.table import Table
from matinee.observe.lake.connection import spilling
from matinee.prove.offpolicy.context import features
from matinee.prove.offpolicy.distributions import Distributions, Floats, Places
from matinee.prove.offpolicy.log import Log
from matinee.prove.offpolicy.p_all import read_p_all

PROPENSITY = Kind(
    NUMBER.parse, "DOUBLE", "isfinite({p}) AND {p} > 0 AND {p} <= 1", "a probability above 0 and at most 1"
)
PROBABILITY = Kind(NUMBER.parse, "DOUBLE", "{p} BETWEEN 0 AND 1", "a probability from 0 to 1")
COUNT = Kind(
    NUMBER.parse, "DOUBLE", "{p} >= 1 AND {p} = round({p}) AND isfinite({p})", "a whole number from 1"
)
JSON = Kind(
    lambda value, kind: value if kind == "VARCHAR" else f"CAST(to_json({value}) AS VARCHAR)",
    "VARCHAR",
    "true",
    "probabilities",
)
LOG = (
    Field("decision_id", ID, required=True),
    Field("unit_id", ID, required=True),
    Field("action", ID, required=True),
    Field("propensity", PROPENSITY, required=True),
    Field("reward", NUMBER, required=True),
    Field("n_actions", COUNT),
    Field("p_all", JSON),
    Field("at", TIME, column="at_us"),
    Field("reward_at", TIME, column="reward_at_us"),
)
POLICY = (
    Field("decision_id", ID, required=True),
    Field("action", ID, required=True),
    Field("p", PROBABILITY, required=True),
)
CLUSTERS = (Field("action", ID, required=True), Field("cluster", ID, required=True))
SHOWN = 5
"""Names in a message."""


def read_log(path: Path) -> Log:
    """Read a log: `decision_id, unit_id, action, propensity, reward, n_actions?, p_all?, context...`.

    Parameters
    ----------
    path : Path
        CSV, Parquet or NDJSON. `p_all` is JSON: an object of action and probability, or a list of
        probabilities in any order. `at` and `reward_at` are times; with `at` the log is read in that order.
        Every other column is context: numbers as they are, texts of few values as indicators.

    Raises
    ------
    InputError
        A column is missing, a value is impossible, an action is not in its own `p_all`, a reward came before
        its decision, or there is no row. The message names file, line and value.
    NotFoundError, StorageError
        The file does not exist or cannot be read.
    """
    table = Table.open(path)
    known = {field.name for field in LOG}
    context = [name for name in table.columns if name not in known]
    with spilling() as con:
        staged = stage(con, table, [*LOG, *(Field(name, TEXT, column=f"x:{name}") for name in context)])
        order = "ORDER BY row_no"
        if {"at_us", "reward_at_us"} <= set(staged.columns):
            check_times(con, table)
        if "at_us" in staged.columns:
            order = "ORDER BY at_us NULLS FIRST, row_no"
        columns = con.execute(f"SELECT * FROM staged {order}").fetchnumpy()
    action, names = _codes(columns["action"])
    unit, _ = _codes(columns["unit_id"])
    n_actions = _floats(columns["n_actions"]) if "n_actions" in columns else None
    if n_actions is not None and np.isnan(n_actions).any():
        line = place_of(table, int(columns["row_no"][int(np.isnan(n_actions).argmax())]))
        raise InputError(f"{line}: n_actions is empty, expected a number in every row or no such column.")
    known_p = None
    if "p_all" in columns:
        known_p = read_p_all(columns["p_all"], names, lambda i: place_of(table, int(columns["row_no"][i])))
        names = known_p.names
        if known_p.logging is not None:
            inside = known_p.logging.names(action)
            if not inside.all():
                i = int(inside.argmin())
                raise InputError(
                    f'{place_of(table, int(columns["row_no"][i]))}: action is "{names[action[i]]}", expected '
                    "one of the eligible actions that p_all names. Correct the log."
                )
        n_actions = known_p.n_actions if n_actions is None else n_actions
    return Log(
        action=action,
        propensity=_floats(columns["propensity"]),
        reward=_floats(columns["reward"]),
        unit=unit,
        names=names,
        decision_id=_texts(columns["decision_id"]),
        n_actions=n_actions,
        logging=known_p.logging if known_p else None,
        p_sum=known_p.total if known_p else None,
        context=features([columns[f"x:{name}"] for name in context], len(action)),
    ).each_once()


def read_policy(path: Path, log: Log) -> tuple[Log, Distributions]:
    """Read a policy for the decisions of a log: `decision_id, action, p`, one row for each action.

    Returns
    -------
    Log
        The same with the actions that only the policy knows among its names.
    Distributions
        For each decision of the log. Actions without a row have probability 0; decisions of the file that
        the log lacks are passed over.

    Raises
    ------
    InputError
        A column is missing, a value is impossible, a decision of the log has no row, an action stands twice
        in a decision, or probabilities do not sum to 1. The message names file and value.
    NotFoundError, StorageError
        The file does not exist or cannot be read.
    """
    table = Table.open(path)
    with spilling() as con:
        stage(con, table, POLICY)
        con.execute("CREATE TEMP TABLE wanted (decision_id VARCHAR, n BIGINT)")
        ids = log.decision_id.astype(object)
        con.register("given", {"decision_id": ids, "n": np.arange(len(ids), dtype=np.int64)})
        con.execute("INSERT INTO wanted SELECT decision_id, n FROM given")
        twice = con.execute(
            "SELECT decision_id, action FROM staged SEMI JOIN wanted USING (decision_id) "
            "GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
        ).fetchone()
        if twice:
            raise InputError(
                f'{table.named}: decision "{twice[0]}" has action "{twice[1]}" twice, expected each once.'
            )
        found = con.execute(
            "SELECT w.n, s.action, s.p FROM staged AS s JOIN wanted AS w USING (decision_id)"
        ).fetchnumpy()
    row = np.ma.getdata(found["n"]).astype(np.int64)
    missing = np.setdiff1d(np.arange(len(log)), row)
    if len(missing):
        raise InputError(
            f"{table.named}: it lacks {len(missing):,} of {len(log):,} decisions of the log, as "
            f'"{log.decision_id[missing[0]]}", expected rows for each. Give the policy of this log.'
        )
    action, names = _codes(found["action"], log.names)
    target = Distributions.of_entries(row, action, _floats(found["p"]), n=len(log))
    totals = target.totals()
    off = np.abs(totals - 1.0) > 1e-3
    if off.any():
        i = int(off.argmax())
        raise InputError(
            f'{table.named}: p of decision "{log.decision_id[i]}" sums to {totals[i]:.6g}, expected 1. '
            "Give every action that the policy may choose."
        )
    return replace(log, names=names), target


def read_clusters(path: Path, names: Sequence[str]) -> Places:
    """Read the cluster of each action: `action, cluster`.

    Returns
    -------
    ndarray of int64, shape (n_actions,)
        In the order of `names`; clusters are numbered from 0.

    Raises
    ------
    InputError
        A column is missing, an action has two clusters, or one of `names` has none.
    NotFoundError, StorageError
        The file does not exist or cannot be read.
    """
    table = Table.open(path)
    with spilling() as con:
        stage(con, table, CLUSTERS)
        rows = con.execute("SELECT DISTINCT action, cluster FROM staged ORDER BY ALL").fetchall()
    of = dict(rows)
    if len(of) < len(rows):
        two = next(name for (name, _), (after, _) in pairwise(rows) if name == after)
        raise InputError(f'{table.named}: action "{two}" has two clusters, expected one. Correct it.')
    without = [name for name in names if name not in of]
    if without:
        raise InputError(
            f"{table.named}: {len(without)} actions have no cluster, as {_some(without)}, expected one for "
            "each action of the log and the policy. Add them."
        )
    places = {name: i for i, name in enumerate(sorted(set(of.values())))}
    return np.array([places[of[name]] for name in names], np.int64)


def check_times(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Refuse a reward that came before its decision.

    Raises
    ------
    InputError
        There is one.
    """
    early = con.execute(
        "SELECT row_no FROM staged WHERE reward_at_us < at_us ORDER BY row_no LIMIT 1"
    ).fetchone()
    if early:
        raise InputError(
            f"{place_of(table, early[0])}: reward_at is before at, expected a reward after its decision. "
            "Correct the times, or the join of rewards and decisions."
        )


def place_of(table: Table, row: int) -> str:
    """File and line of a row, for messages."""
    located = table.locate([row]).get(row)
    line = located.line if located else row + 1
    return f"{table.named}, {'row' if table.format == 'parquet' else 'line'} {line}"


def _codes(column: NDArray[Any], known: Sequence[str] = ()) -> tuple[Places, tuple[str, ...]]:
    """Numbers of the names in a column, and the names: those that are known first."""
    names, which = np.unique(_texts(column), return_inverse=True)
    place = {name: i for i, name in enumerate(known)}
    for name in names.tolist():
        place.setdefault(name, len(place))
    return np.array([place[name] for name in names.tolist()], np.int64)[which], tuple(place)


def _texts(column: NDArray[Any]) -> NDArray[np.str_]:
    return np.asarray(np.ma.getdata(column)).astype(np.str_)


def _floats(column: NDArray[Any]) -> Floats:
    return np.ma.filled(np.ma.asarray(column, np.float64), np.nan).astype(np.float64)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:SHOWN])
    return shown + (", ..." if len(names) > SHOWN else "")
