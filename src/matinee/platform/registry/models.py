"""Versions of models and their evaluations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update

from matinee.errors import InputError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import dataset_node, link, model_node, run_node
from matinee.platform.registry.rows import (
    add_once,
    all_rows,
    check_choice,
    find,
    insert_into,
    require,
    values_of,
)
from matinee.platform.registry.runs import DATA
from matinee.platform.registry.schema import dataset, evaluation, initiative, model, run


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an initiative's model.

    Attributes
    ----------
    version : str
        Its name within the initiative.
    run_id : str or None
        The run that made it.
    folder : str
        Where its files are, below the home.
    at_us : int
        Moment up to which it has learned.
    code : str
        Fingerprint of the code that made it.
    files : dict of str to str
        File -> SHA-256.
    """

    initiative: str
    version: str
    run_id: str | None = None
    folder: str
    at_us: int
    code: str
    data: str
    files: dict[str, str]
    registered_us: int


class EvaluationRow(msgspec.Struct, frozen=True, kw_only=True):
    """How good a pipeline (or one model version) was on what it had not seen.

    Attributes
    ----------
    metric : str
        The primary one; `value` with its 95 % interval `low` to `high`.
    lift : float or None
        Ours minus the baseline's, above 0 when ours is better, with its interval.
    folder : str
        Where the whole report is.
    figures : dict
        Whatever else should be found without opening the report.
    """

    id: int = 0
    initiative: str
    run_id: str | None = None
    version: str | None = None
    code: str
    data: str
    at_us: int
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    baseline: str
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    folder: str = ""
    figures: dict[str, Any] = {}
    registered_us: int


class Models:
    """Register and read model versions and evaluations."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def register(self, row: ModelRow, *, datasets: Sequence[str] = ()) -> None:
        """Store a version with arrows from its run and its training sets; the same one twice is stored once.

        Raises
        ------
        NotFoundError
            The initiative, the run or a dataset is not registered.
        InputError
            Other files have this version.
        """
        where = f"model {row.initiative}/{row.version}"
        check_choice(where, "data", row.data, DATA)
        with self.database.transaction() as con:
            require(con, initiative, where, "initiative", name=row.initiative)
            if row.run_id is not None:
                require(con, run, where, "run", run_id=row.run_id)
            for name in datasets:
                require(con, dataset, where, "dataset", id=name)
            add_once(
                con,
                model,
                row,
                key=["initiative", "version"],
                times=["registered_us", "run_id", "folder", "code"],
            )
            me = model_node(row.initiative, row.version)
            if row.run_id is not None:
                link(con, run_node(row.run_id), me, since_us=row.registered_us)
            for name in datasets:
                link(con, dataset_node(name), me, since_us=row.registered_us)

    def read(self, name: str, version: str) -> ModelRow:
        """One version.

        Raises
        ------
        NotFoundError
            The initiative or the version is not registered.
        """
        with self.database.reading() as con:
            require(con, initiative, "registry", "initiative", name=name)
            require(con, model, name, "model version", initiative=name, version=version)
            found = find(con, model, ModelRow, initiative=name, version=version)
            assert found is not None
            return found

    def versions(self, name: str | None = None) -> list[ModelRow]:
        """Versions of one initiative or of all, the latest registered first."""
        query = select(model).order_by(model.c.registered_us.desc(), model.c.at_us.desc(), model.c.version)
        with self.database.reading() as con:
            return all_rows(con, ModelRow, query if name is None else query.where(model.c.initiative == name))

    def evaluated(self, row: EvaluationRow) -> int:
        """Store an evaluation; returns its number.

        Raises
        ------
        NotFoundError
            The initiative, the run or the model version is not registered.
        InputError
            The primary metric is not a number.
        """
        where = f"evaluation of {row.initiative}"
        check_choice(where, "data", row.data, DATA)
        if not math.isfinite(row.value):
            raise InputError(
                f"{where}: {row.metric} is {row.value}, expected a number. Look at {row.folder}."
            )
        with self.database.transaction() as con:
            require(con, initiative, where, "initiative", name=row.initiative)
            if row.run_id is not None:
                require(con, run, where, "run", run_id=row.run_id)
            if row.version is not None:
                require(con, model, where, "model version", initiative=row.initiative, version=row.version)
            done = con.execute(
                insert_into(con, evaluation)
                .values(**values_of(row, without=["id"]))
                .returning(evaluation.c.id)
            )
            return int(done.scalar_one())

    def moved(self, number: int, folder: str) -> None:
        """Note that the files of an evaluation, by its number, stand in another folder below the home."""
        with self.database.transaction() as con:
            con.execute(update(evaluation).where(evaluation.c.id == number).values(folder=folder))

    def evaluations(self, name: str, *, code: str | None = None, limit: int = 20) -> list[EvaluationRow]:
        """Evaluations of an initiative, the latest first; `code` asks for one fingerprint only."""
        query = select(evaluation).where(evaluation.c.initiative == name).order_by(evaluation.c.id.desc())
        if code is not None:
            query = query.where(evaluation.c.code == code)
        with self.database.reading() as con:
            return all_rows(con, EvaluationRow, query.limit(limit))
