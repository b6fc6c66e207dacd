"""Experiments: what was tried against what, on whom, what was seen at each look, and what came of it.

A definition never changes after its start; shares, stopped arms and looks are appended; the end is written
once. The databases refuse every other change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, text, update

from matinee.errors import InputError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import experiment_node, link, model_node
from matinee.platform.registry.exclusion import check_no_rollout, lock_initiative
from matinee.platform.registry.experiment_rows import (
    LOOK_VERDICTS,
    VERDICTS,
    ArmStop,
    End,
    ExperimentRow,
    Ramp,
)
from matinee.platform.registry.rows import all_rows, check_choice, require, values_of
from matinee.platform.registry.schema import (
    experiment,
    experiment_arm_stop,
    experiment_look,
    experiment_ramp,
    initiative,
    model,
)
from matinee.prove.experiment.definition import FALLBACK, PRODUCTION, Experiment
from matinee.prove.experiment.findings import Look
from matinee.prove.experiment.layer import check_ramp, find_place
from matinee.types import format_at

LAYER_LOCK = 0x6C61
"""First number of PostgreSQL's advisory lock on a layer: the bytes of "la"."""


class Experiments:
    """Start, ramp, stop and list experiments, and keep what was looked at."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def start(
        self,
        definition: Experiment,
        *,
        digest: str,
        started_us: int,
        by: str | None = None,
        note: str = "",
        dry_run: bool = False,
    ) -> ExperimentRow:
        """Freeze an experiment and find its place in its layer. With `dry_run` all is checked, nothing kept.

        Parameters
        ----------
        definition : Experiment
            With its salt, and versions where it said "production".
        digest : str
            Of the definition as it was written.

        Raises
        ------
        NotFoundError
            The initiative or a version of an arm is not registered.
        InputError
            Another one has the name, the layer has no room, another experiment of the initiative stands in
            another layer, or a rollout of it runs.
        """
        where = f"experiment {definition.name}"
        definition.checked()
        if not definition.salt:
            raise InputError(f"{where}: salt is empty, expected one. Start it: matinee experiment start")
        if any(arm.answers == PRODUCTION for arm in definition.arms):
            raise InputError(f'{where}: an arm answers "{PRODUCTION}", expected the version that this is.')
        with self.database.transaction() if not dry_run else self.database.reading() as con:
            placed = _place(con, where, definition, digest, locked=not dry_run)
            row = ExperimentRow(
                name=placed.name,
                initiative=placed.initiative,
                owner=placed.owner,
                layer=placed.in_layer,
                definition=placed,
                digest=digest,
                started_us=started_us,
                started_by=by,
                note=note,
                ramps=(Ramp(started_us, placed.share, by),),
            )
            if dry_run:
                return row
            con.execute(insert(experiment).values(**values_of(row, without=["ramps", "stopped_arms"])))
            _append(con, experiment_ramp, row.name, row.ramps[0])
            for version in row.versions:
                link(con, model_node(row.initiative, version), experiment_node(row.name), since_us=started_us)
            return row

    def ramp(
        self, name: str, share: float, at_us: int, by: str | None = None, *, dry_run: bool = False
    ) -> ExperimentRow:
        """Raise the share of a running experiment; nobody who is in it changes arm.

        Raises
        ------
        NotFoundError
            It is not registered.
        InputError
            It is stopped, the share is not above the one it has, or its layer has no room.
        """
        with self.database.transaction() if not dry_run else self.database.reading() as con:
            row = _running_one(con, name, locked=not dry_run)
            if not dry_run:
                _lock_layer(con, row.layer)
            ramped = msgspec.structs.replace(row.definition, share=share)
            if not row.current.share < share <= 1.0:
                raise InputError(
                    f"experiment {name}: share is {share:g}, expected above {row.current.share:g}, which it "
                    "has, and at most 1. A share is never lowered: units would leave in the middle. Stop it "
                    "and start a new one."
                )
            _check_time(name, "the share before was set", row.ramps[-1].at_us, at_us)
            check_ramp(ramped, [one.current for one in _read(con, _running_in(row.layer))])
            step = Ramp(at_us, share, by)
            if not dry_run:
                _append(con, experiment_ramp, name, step)
            return msgspec.structs.replace(row, ramps=(*row.ramps, step))

    def stop_arm(self, name: str, arm: str, at_us: int, reason: str, by: str | None = None) -> bool:
        """Give the units of an arm the control's answer from now on; they stay counted as the arm's.

        Returns
        -------
        bool
            False if it was stopped before: the first time counts.

        Raises
        ------
        NotFoundError
            It is not registered.
        InputError
            It does not run, has no such arm, or the arm is the control.
        """
        with self.database.transaction() as con:
            row = _running_one(con, name, locked=True)
            names = [one.name for one in row.definition.arms]
            check_choice(f"experiment {name}", "arm", arm, names)
            if arm == names[0]:
                raise InputError(
                    f"experiment {name}: arm {arm} is the control, expected another one: what would its "
                    f"units get? Stop the experiment: matinee experiment stop {name}"
                )
            if arm in row.stopped_arms:
                return False
            _append(con, experiment_arm_stop, name, ArmStop(at_us, reason, by), arm=arm)
            return True

    def stop(self, name: str, end: End) -> ExperimentRow:
        """End an experiment: from now on its units are answered like all others.

        Raises
        ------
        NotFoundError
            It is not registered.
        InputError
            It was stopped before, or the end is before the start.
        """
        check_choice(f"experiment {name}", "verdict", end.verdict, VERDICTS)
        with self.database.transaction() as con:
            row = _running_one(con, name, locked=True)
            check_winner(row, end.verdict, end.winner)
            _check_time(name, "it was started", row.started_us, end.ended_us)
            con.execute(update(experiment).where(experiment.c.name == name).values(**values_of(end)))
            return msgspec.structs.replace(row, **values_of(end))

    def add_look(self, name: str, look: Look) -> None:
        """Keep what was seen. Append-only: the bounds of later looks depend on it.

        Raises
        ------
        NotFoundError
            It is not registered.
        InputError
            Its verdict or arms are not those of the experiment, or it was made before the last one.
        """
        check_choice(f"experiment {name}", "verdict", look.verdict, LOOK_VERDICTS)
        with self.database.transaction() as con:
            _lock_experiment(con, name)
            row = _read_one(con, name)
            check_winner(row, look.verdict, look.winner)
            for arm in {*look.n, *look.estimate, *look.error, *look.bound}:
                check_choice(f"experiment {name}", "arm", arm, [one.name for one in row.definition.arms])
            last = next(iter(_looks(con, name)[-1:]), None)
            if last is not None:
                _check_time(name, "the look before was made", last.at_us, look.at_us)
            _append(con, experiment_look, name, look)

    def looks(self, name: str) -> list[Look]:
        """Everything that was looked at, the first look first.

        Raises
        ------
        NotFoundError
            It is not registered.
        """
        with self.database.reading() as con:
            require(con, experiment, "registry", "experiment", name=name)
            return _looks(con, name)

    def read(self, name: str) -> ExperimentRow:
        """One experiment.

        Raises
        ------
        NotFoundError
            It is not registered.
        """
        with self.database.reading() as con:
            return _read_one(con, name)

    def running(self, initiative_name: str | None = None) -> list[ExperimentRow]:
        """Experiments that assign units: of one initiative or of all, the first started first."""
        query = select(experiment).where(experiment.c.ended_us.is_(None))
        if initiative_name is not None:
            query = query.where(experiment.c.initiative == initiative_name)
        with self.database.reading() as con:
            return _read(con, query.order_by(experiment.c.started_us, experiment.c.name))

    def all(self, initiative_name: str | None = None) -> list[ExperimentRow]:
        """Experiments of one initiative or of all, the latest first."""
        query = select(experiment).order_by(experiment.c.started_us.desc(), experiment.c.name)
        if initiative_name is not None:
            query = query.where(experiment.c.initiative == initiative_name)
        with self.database.reading() as con:
            return _read(con, query)


def check_winner(row: ExperimentRow, verdict: str, winner: str | None) -> None:
    """See that "ship" names an arm other than the control, and nothing else names one.

    Raises
    ------
    InputError
        It does not.
    """
    where = f"experiment {row.name}"
    if verdict == "ship":
        check_choice(where, "winner", str(winner), [arm.name for arm in row.definition.arms[1:]])
    elif winner is not None:
        raise InputError(f'{where}: winner is "{winner}" and the verdict "{verdict}", expected none with it.')


def _place(con: Connection, where: str, wanted: Experiment, digest: str, *, locked: bool) -> Experiment:
    """The definition at its place in the layer, once all that stands against it has been looked for."""
    name = wanted.initiative
    require(con, initiative, where, "initiative", name=name)
    if locked:
        lock_initiative(con, name)
        _lock_layer(con, wanted.in_layer)
    _check_name(con, wanted, digest)
    for version in sorted({arm.answers for arm in wanted.arms} - {FALLBACK}):
        require(con, model, where, "model version", initiative=name, version=version)
    check_no_rollout(con, name)
    beside = _read(con, select(experiment).where(_runs(), experiment.c.initiative == name))
    for other in beside:
        if other.layer != wanted.in_layer:
            raise InputError(
                f"{where}: layer is {wanted.in_layer}, expected {other.layer}, where experiment {other.name} "
                f"of {name} runs: two experiments of one initiative must not meet in one unit. "
                f'Write layer = "{other.layer}", or stop the other one.'
            )
    running = [one.current for one in _read(con, _running_in(wanted.in_layer))]
    return msgspec.structs.replace(wanted, from_share=find_place(wanted, running))


def _check_name(con: Connection, wanted: Experiment, digest: str) -> None:
    found = _read(con, select(experiment).where(experiment.c.name == wanted.name))
    if not found:
        return
    (row,) = found
    since = format_at(row.started_us)
    if row.state == "running" and row.digest == digest:
        raise InputError(
            f"experiment {row.name}: runs since {since}, expected one that was not started. "
            f"See: matinee experiment show {row.name}"
        )
    raise InputError(
        f"experiment {row.name}: the name is taken by one that was started {since} and is {row.state}, "
        "expected a new name: an experiment is started once. Give this one another: matinee experiment new"
    )


def _lock_experiment(con: Connection, name: str) -> None:
    """Wait until no other transaction changes this experiment: what is read after it is what is so."""
    con.execute(select(experiment.c.name).where(experiment.c.name == name).with_for_update(key_share=True))


def _lock_layer(con: Connection, layer: str) -> None:
    """Wait until no other transaction looks for room in this layer. SQLite has one writer at a time."""
    if con.dialect.name == "postgresql":
        con.execute(
            text("SELECT pg_advisory_xact_lock(:kind, hashtext(:layer))"),
            {"kind": LAYER_LOCK, "layer": layer},
        )


def _check_time(name: str, what: str, before_us: int, at_us: int) -> None:
    if at_us < before_us:
        raise InputError(
            f"experiment {name}: the time is {format_at(at_us)}, expected not before {format_at(before_us)}, "
            f"when {what}. Leave --at away, or give a later one."
        )


def _runs() -> Any:
    return experiment.c.ended_us.is_(None)


def _running_in(layer: str) -> Any:
    return select(experiment).where(_runs(), experiment.c.layer == layer)


def _running_one(con: Connection, name: str, *, locked: bool) -> ExperimentRow:
    if locked:
        _lock_experiment(con, name)
    row = _read_one(con, name)
    if row.ended_us is not None:
        raise InputError(
            f"experiment {name}: was stopped {format_at(row.ended_us)} ({row.verdict}), expected a running "
            "one. What it found stays."
        )
    return row


def _read_one(con: Connection, name: str) -> ExperimentRow:
    require(con, experiment, "registry", "experiment", name=name)
    return _read(con, select(experiment).where(experiment.c.name == name))[0]


def _read(con: Connection, query: Any) -> list[ExperimentRow]:
    """Rows of a query over `experiment`, each with its shares and stopped arms."""
    found = con.execute(query).mappings().all()
    if not found:
        return []
    names = [row["name"] for row in found]
    ramps: dict[str, list[Ramp]] = {name: [] for name in names}
    stops: dict[str, dict[str, ArmStop]] = {name: {} for name in names}
    for row in con.execute(_parts(experiment_ramp, names)).mappings():
        ramps[row["experiment"]].append(Ramp(row["at_us"], row["share"], row["made_by"]))
    for row in con.execute(_parts(experiment_arm_stop, names)).mappings():
        stops[row["experiment"]][row["arm"]] = ArmStop(row["at_us"], row["reason"], row["made_by"])
    return [
        ExperimentRow(
            **{**row, "definition": msgspec.convert(row["definition"], Experiment)},
            ramps=tuple(ramps[row["name"]]),
            stopped_arms=stops[row["name"]],
        )
        for row in found
    ]


def _parts(table: Any, names: Sequence[str]) -> Any:
    return select(table).where(table.c.experiment.in_(names)).order_by(table.c.id)


def _looks(con: Connection, name: str) -> list[Look]:
    columns = [column for column in experiment_look.c if column.name not in ("id", "experiment")]
    query = select(*columns).where(experiment_look.c.experiment == name).order_by(experiment_look.c.id)
    return all_rows(con, Look, query)


def _append(con: Connection, table: Any, name: str, row: msgspec.Struct, **more: Any) -> None:
    con.execute(insert(table).values(experiment=name, **more, **values_of(row)))
