"""Feature skew: do training and serving compute the same features for the same unit at the same moment?"""

from __future__ import annotations

import math
from typing import Any

import duckdb
import numpy as np

from matinee.learn.features.backfill import backfill, open_view
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.online import OnlineEvaluator
from matinee.observe.lake.connection import quoted, spilling
from matinee.platform.gates.feature_skew import Skew
from matinee.platform.lifecycle.project import Project

RELATIVE = 1e-9


def measure_skew(project: Project, *, n_units: int = 50, seed: int = 0) -> Skew | None:
    """Compute the declared features of sampled units in both engines; None where none are declared.

    Batch is DuckDB over the log, online the evaluator that is given the same events in order of arrival.
    Features from free-form SQL are batch-only and left out.
    """
    declared = project.initiative.features
    if declared is None:
        return None
    names = [name for name in declared.names if name not in declared.batch_only]
    if not names:
        return None
    view = declared.only(*names)
    with spilling() as con:
        around = project.surroundings
        if project.initiative.feature_tables is not None:
            project.initiative.feature_tables(con, around)
        else:
            open_view(con, around.home, view)
        units = _sample(con, view, n_units, seed)
        at_us = project.at_us + 1  # events of this very moment count
        labels: dict[str, Any] = {
            "label_id": np.arange(len(units)),
            "entity_id": np.array(units, dtype=object),
            "at_us": np.full(len(units), at_us, np.int64),
        }
        batch = backfill(con, view, labels).rows()
        online = OnlineEvaluator(view, _facts(con, view))
        _replay(con, view, online, units)
    different: dict[str, int] = {}
    for row in batch:
        served = online.evaluate(row["entity_id"], at_us)
        for name in view.names:
            if not same(row[name], served[name]):
                different[name] = different.get(name, 0) + 1
    return Skew(len(units), len(view.names), different)


def same(batch: Any, online: Any) -> bool:
    """Equal; numbers up to the order of addition.

    Examples
    --------
    >>> same({"Drama": 0.1 + 0.2}, {"Drama": 0.3}), same(None, 0)
    (True, False)
    """
    if isinstance(batch, dict) and isinstance(online, dict):
        return batch.keys() == online.keys() and all(same(batch[key], online[key]) for key in batch)
    if isinstance(batch, list | tuple) and isinstance(online, list | tuple):
        return len(batch) == len(online) and all(map(same, batch, online))
    if isinstance(batch, float) or isinstance(online, float):
        return batch is not None and online is not None and math.isclose(batch, online, rel_tol=RELATIVE)
    return bool(batch == online)


def _sample(con: duckdb.DuckDBPyConnection, view: FeatureView, n: int, seed: int) -> list[str]:
    sources = {feature.source.table: feature.source.entity for feature in view.features}
    ids = " UNION ".join(f"SELECT {quoted(e)} AS id FROM {quoted(table)}" for table, e in sources.items())
    found = [
        str(row[0])
        for row in con.execute(f"SELECT id FROM ({ids}) WHERE id IS NOT NULL ORDER BY id").fetchall()
    ]
    if len(found) <= n:
        return found
    return [found[i] for i in np.sort(np.random.default_rng(seed).choice(len(found), n, replace=False))]


def _facts(con: duckdb.DuckDBPyConnection, view: FeatureView) -> dict[str, dict[str, dict[str, Any]]]:
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for feature in view.features:
        facts = feature.by.facts if feature.by is not None else None
        if facts is not None and facts.table not in out:
            columns = list(facts.columns)
            rows = con.execute(
                f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(facts.table)}"
            ).fetchall()
            out[facts.table] = {
                str(row[columns.index(facts.key)]): dict(zip(columns, row, strict=True)) for row in rows
            }
    return out


def _replay(
    con: duckdb.DuckDBPyConnection, view: FeatureView, online: OnlineEvaluator, units: list[str]
) -> None:
    """Give the evaluator every event of the units, as they arrived."""
    con.execute("CREATE OR REPLACE TEMP TABLE replayed AS SELECT unnest(?::VARCHAR[]) AS unit", [units])
    events: list[tuple[int, int, str, dict[str, Any]]] = []
    for source in {feature.source.table: feature.source for feature in view.features}.values():
        columns = [*source.columns, "at_us", "seen_us", "seq"]
        rows = con.execute(
            f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(source.table)} "
            f"JOIN replayed ON unit = {quoted(source.entity)}"
        ).fetchall()
        for row in rows:
            event = dict(zip(columns, row, strict=True))
            events.append((event["seen_us"], event["seq"], source.table, event))
    for _, _, table, event in sorted(events, key=lambda one: one[:3]):
        online.update(table, event)
