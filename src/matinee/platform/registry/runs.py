"""Runs of pipelines and their steps: what was asked for, what it cost, how it ended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import select, update

from matinee.errors import InputError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import dataset_node, link, run_node
from matinee.platform.registry.rows import (
    add_once,
    all_rows,
    check_choice,
    find,
    insert_into,
    require,
    values_of,
)
from matinee.platform.registry.schema import dataset, initiative, run, step

PIPELINES = ("train", "evaluate", "backfill")
DATA = ("home", "simulated")
ENDS = ("done", "failed", "killed")
STEP_STATES = ("ran", "cached", "failed")
OF_ONE_PROCESS = (
    "host",
    "pid",
    "started_us",
    "state",
    "ended_us",
    "cpu_s",
    "peak_mb",
    "cost_minor",
    "currency",
    "error",
)


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run. The fields after `started_us` are filled when it ends.

    Attributes
    ----------
    pipeline : {"train", "evaluate", "backfill"}
    at_us : int
        The moment as of which data are read.
    data : {"home", "simulated"}
    code : str
        Fingerprint of the code that runs.
    config, versions : dict
        Settings of the initiative; versions of the packages.
    host, pid : str, int
        The process that runs it, or did last.
    state : {"running", "done", "failed", "killed"}
    cost_minor, currency : int, str or None
        What the run cost, in minor units of the currency.
    error : str
        Empty unless it failed.
    """

    run_id: str
    initiative: str
    pipeline: str
    at_us: int
    seed: int
    data: str
    code: str
    config: dict[str, Any] = {}
    versions: dict[str, str] = {}
    host: str
    pid: int
    started_us: int
    state: str = "running"
    ended_us: int | None = None
    cpu_s: float | None = None
    peak_mb: float | None = None
    cost_minor: int | None = None
    currency: str | None = None
    error: str = ""


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    state: Literal["done", "failed", "killed"]
    ended_us: int
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    cost_minor: int | None = None
    currency: str | None = None
    error: str = ""


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run, as it went last.

    Attributes
    ----------
    key : str
        Hash of everything that its result depends on.
    artefact : str or None
        Hash of its result; None if it failed.
    state : {"ran", "cached", "failed"}
    attempts : int
        How often it was tried; 0 if it came from the cache.
    """

    run_id: str
    name: str
    key: str
    artefact: str | None
    state: str
    duration_s: float
    cpu_s: float
    peak_mb: float
    attempts: int
    error: str = ""


class Runs:
    """Begin, follow and end runs."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin(self, row: RunRow) -> None:
        """Store a run that starts, or one that is taken up again: same run id, same question.

        Raises
        ------
        NotFoundError
            The initiative is not registered.
        InputError
            A run with this id asked something else, or is done.
        """
        where = f"run {row.run_id}"
        check_choice(where, "pipeline", row.pipeline, PIPELINES)
        check_choice(where, "data", row.data, DATA)
        with self.database.transaction() as con:
            require(con, initiative, where, "initiative", name=row.initiative)
            if add_once(con, run, row, key=["run_id"], times=OF_ONE_PROCESS):
                return
            again = {column: getattr(row, column) for column in OF_ONE_PROCESS}
            taken = con.execute(
                update(run).where(run.c.run_id == row.run_id, run.c.state != "done").values(**again)
            )
            if not taken.rowcount:
                raise InputError(f"{where}: is done, expected one that did not finish. Begin a new run.")

    def record_step(self, row: StepRow) -> None:
        """Store how a step went; the last try of a step replaces the one before.

        Raises
        ------
        NotFoundError
            The run is not registered.
        """
        check_choice(f"run {row.run_id}, step {row.name}", "state", row.state, STEP_STATES)
        with self.database.transaction() as con:
            require(con, run, f"step {row.name}", "run", run_id=row.run_id)
            new = values_of(row, without=("run_id", "name"))
            con.execute(
                insert_into(con, step)
                .values(**values_of(row))
                .on_conflict_do_update(index_elements=["run_id", "name"], set_=new)
            )

    def use_dataset(self, run_id: str, dataset_id: str, *, since_us: int) -> None:
        """Say that a run reads a registered training set.

        Raises
        ------
        NotFoundError
            One of the two is not registered.
        """
        with self.database.transaction() as con:
            require(con, run, "registry", "run", run_id=run_id)
            require(con, dataset, f"run {run_id}", "dataset", id=dataset_id)
            link(con, dataset_node(dataset_id), run_node(run_id), since_us=since_us)

    def end(self, run_id: str, end: RunEnd) -> None:
        """Store how a run ended. A run that ended already stays as it is: the first end counts.

        Raises
        ------
        NotFoundError
            The run is not registered.
        """
        check_choice(f"run {run_id}", "state", end.state, ENDS)
        with self.database.transaction() as con:
            require(con, run, "registry", "run", run_id=run_id)
            running = (run.c.run_id == run_id) & (run.c.state == "running")
            con.execute(update(run).where(running).values(**values_of(end)))

    def read(self, run_id: str) -> RunRow:
        """One run.

        Raises
        ------
        NotFoundError
            It is not registered.
        """
        with self.database.reading() as con:
            require(con, run, "registry", "run", run_id=run_id)
            found = find(con, run, RunRow, run_id=run_id)
            assert found is not None
            return found

    def steps(self, run_id: str) -> list[StepRow]:
        """Steps of a run, by name."""
        with self.database.reading() as con:
            return all_rows(con, StepRow, select(step).where(step.c.run_id == run_id).order_by(step.c.name))

    def latest(self, name: str | None = None, *, state: str | None = None, limit: int = 20) -> list[RunRow]:
        """Runs of one initiative or of all, the latest first."""
        query = select(run).order_by(run.c.started_us.desc(), run.c.run_id.desc()).limit(limit)
        if name is not None:
            query = query.where(run.c.initiative == name)
        if state is not None:
            query = query.where(run.c.state == state)
        with self.database.reading() as con:
            return all_rows(con, RunRow, query)
