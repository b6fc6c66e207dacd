"""Backfill: an initiative's declared features for labels of the past, each as of its own time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.learn.features.backfill import backfill, open_view
from matinee.observe.clock import wall_us
from matinee.observe.lake.connection import quoted, spilling
from matinee.observe.table_file import copy_table, table_format
from matinee.platform.lifecycle.project import Project
from matinee.platform.registry.inputs import DatasetRow
from matinee.types import format_at


@dataclass(frozen=True, slots=True)
class Times:
    """Moments at which features are asked: every `every_us` from `from_us`, until `until_us` inclusive."""

    from_us: int
    until_us: int
    every_us: int

    def moments(self) -> NDArray[np.int64]:
        """All of them.

        Raises
        ------
        InputError
            There are none, or the step is not above 0.
        """
        if self.every_us <= 0:
            raise InputError(f"backfill: the step is {self.every_us} µs, expected above 0, as in --every 7d.")
        if self.until_us < self.from_us:
            raise InputError(
                f"backfill: until is {format_at(self.until_us)}, expected not before from "
                f"({format_at(self.from_us)})."
            )
        return np.arange(self.from_us, self.until_us + 1, self.every_us, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Filled:
    """A dataset of features.

    Attributes
    ----------
    out : Path
    n_rows : int
    features : dict of name to version
    dataset : str
        Its id in the registry.
    """

    out: Path
    n_rows: int
    features: dict[str, str]
    dataset: str


def backfill_features(project: Project, out: Path, labels: Path | Times) -> Filled:
    """Compute the declared features and write them, one row per label, point in time.

    Parameters
    ----------
    out : Path
        Parquet or CSV file; appears whole or not at all.
    labels : Path or Times
        A file with label_id, entity_id and at_us (microseconds), or moments at which every unit that has any
        event before is asked.

    Raises
    ------
    InputError
        The initiative declares no features, or the labels are not as said.
    """
    initiative, now_us = project.initiative, wall_us()
    view = initiative.features
    if view is None:
        raise InputError(
            f"{initiative.name}: declares no features, expected a FeatureView. Give features=... in its "
            "Initiative."
        )
    table_format(out)
    with spilling() as con:
        around = project.surroundings
        if initiative.feature_tables is not None:
            initiative.feature_tables(con, around)
        else:
            open_view(con, around.home, view)
        asked: Any = labels
        if isinstance(labels, Times):
            _make_labels(con, project, labels)
            asked = "asked_labels"
        done = backfill(con, view, asked)
        (latest,) = con.execute(f"SELECT max(at_us) FROM {done.table}").fetchall()[0]
        copy_table(con, f"FROM {done.table} ORDER BY label_id", out)
    identities = {f"{view.name}.{name}": version for name, version in view.identities().items()}
    row = DatasetRow(
        id=_sha256(out),
        files={out.name: _sha256(out)},
        features=identities,
        label_hash=_sha256(labels) if isinstance(labels, Path) else _hash(str(labels)),
        n_rows=done.n_rows,
        at_us=int(latest or 0),
        registered_us=now_us,
    )
    project.registry.inputs.register_dataset(row)
    return Filled(out, done.n_rows, identities, row.id)


def _make_labels(con: duckdb.DuckDBPyConnection, project: Project, times: Times) -> None:
    """Every unit with an event before a moment is asked at that moment."""
    view = project.initiative.features
    assert view is not None
    con.register("asked_at", {"at_us": times.moments()})
    sources = {feature.source.table: feature.source for feature in view.features}
    events = " UNION ALL ".join(
        f"SELECT {quoted(one.entity)} AS entity_id, at_us "
        f"FROM {quoted(name) if one.sql is None else f'({one.sql})'}"
        for name, one in sources.items()
    )
    con.execute(
        "CREATE TEMP TABLE asked_labels AS "
        "SELECT concat(entity_id, '@', at_us) AS label_id, entity_id, at_us "
        f"FROM (SELECT entity_id, min(at_us) AS first_us FROM ({events}) GROUP BY entity_id) "
        "JOIN asked_at ON first_us < at_us ORDER BY at_us, entity_id"
    )
    con.unregister("asked_at")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
