"""A rollout and an experiment of one initiative exclude each other: both say who answers whom."""

from __future__ import annotations

from sqlalchemy import Connection, select

from matinee.errors import InputError
from matinee.platform.registry.schema import experiment, initiative, rollout
from matinee.types import format_at


def lock_initiative(con: Connection, name: str) -> None:
    """Wait until no other transaction starts a rollout or experiment of this initiative."""
    con.execute(select(initiative.c.name).where(initiative.c.name == name).with_for_update(key_share=True))


def check_no_rollout(con: Connection, name: str) -> None:
    """Refuse an experiment beside a shadow or canary of its initiative.

    Raises
    ------
    InputError
        One runs.
    """
    query = select(rollout.c.kind, rollout.c.version, rollout.c.started_us).where(
        rollout.c.initiative == name, rollout.c.ended_us.is_(None)
    )
    found = con.execute(query).first()
    if found is not None:
        raise InputError(
            f"{name}: a {found.kind} of {found.version} runs since {format_at(found.started_us)}, expected "
            f"no rollout beside an experiment. Stop it first: matinee rollout {name} --stop"
        )


def check_no_experiment(con: Connection, name: str) -> None:
    """Refuse a rollout beside an experiment of its initiative.

    Raises
    ------
    InputError
        One runs.
    """
    query = (
        select(experiment.c.name, experiment.c.started_us)
        .where(experiment.c.initiative == name, experiment.c.ended_us.is_(None))
        .order_by(experiment.c.started_us, experiment.c.name)
    )
    found = con.execute(query).first()
    if found is not None:
        raise InputError(
            f"{name}: experiment {found.name} runs since {format_at(found.started_us)}, expected no "
            f"experiment beside a rollout. Stop it first: matinee experiment stop {found.name}"
        )
