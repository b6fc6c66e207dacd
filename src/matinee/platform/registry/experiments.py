"""Experiments: which versions were tried against each other, and what came of it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select, update

from matinee.errors import InputError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import experiment_node, link, model_node
from matinee.platform.registry.rows import add_once, all_rows, require
from matinee.platform.registry.schema import experiment, initiative, model


class ExperimentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment.

    Attributes
    ----------
    arms : dict of str to (str or None)
        Arm -> model version; None for an arm without a model, such as a rule.
    state : {"running", "stopped"}
    result : dict or None
        The readout, once it was stopped.
    """

    name: str
    initiative: str
    owner: str
    arms: dict[str, str | None]
    metric: str
    started_us: int
    state: str = "running"
    ended_us: int | None = None
    result: dict[str, Any] | None = None


class Experiments:
    """Register, stop and list experiments."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def register(self, row: ExperimentRow) -> None:
        """Store an experiment that starts, with arrows from the versions of its arms.

        Raises
        ------
        NotFoundError
            The initiative or the version of an arm is not registered.
        InputError
            Fewer than two arms, or another experiment has this name.
        """
        where = f"experiment {row.name}"
        if len(row.arms) < 2:
            raise InputError(f"{where}: arms are {', '.join(row.arms) or 'none'}, expected at least two.")
        with self.database.transaction() as con:
            require(con, initiative, where, "initiative", name=row.initiative)
            versions = {version for version in row.arms.values() if version is not None}
            for version in sorted(versions):
                require(con, model, where, "model version", initiative=row.initiative, version=version)
            if add_once(con, experiment, row, key=["name"], times=["state", "ended_us", "result"]):
                for version in sorted(versions):
                    start = model_node(row.initiative, version)
                    link(con, start, experiment_node(row.name), since_us=row.started_us)

    def stop(self, name: str, *, ended_us: int, result: dict[str, Any]) -> None:
        """End an experiment with its readout.

        Raises
        ------
        NotFoundError
            It is not registered.
        InputError
            It was stopped before: its readout stays.
        """
        with self.database.transaction() as con:
            require(con, experiment, "registry", "experiment", name=name)
            running = (experiment.c.name == name) & (experiment.c.state == "running")
            done = con.execute(
                update(experiment).where(running).values(state="stopped", ended_us=ended_us, result=result)
            )
            if not done.rowcount:
                raise InputError(
                    f"experiment {name}: was stopped before, expected a running one. Its readout stays."
                )

    def all(self, initiative_name: str | None = None) -> list[ExperimentRow]:
        """Experiments of one initiative or of all, the latest first."""
        query = select(experiment).order_by(experiment.c.started_us.desc(), experiment.c.name)
        if initiative_name is not None:
            query = query.where(experiment.c.initiative == initiative_name)
        with self.database.reading() as con:
            return all_rows(con, ExperimentRow, query)
