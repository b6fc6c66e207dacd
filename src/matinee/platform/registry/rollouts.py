"""Rollouts: versions that are tried beside the one in production, one at a time for each initiative.

A *shadow* answers beside and is not shown; a *canary* answers a share of the units. A row is written at the
start and once more at the end; the databases refuse every other change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from matinee.errors import InputError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.exclusion import check_no_experiment, lock_initiative
from matinee.platform.registry.releases import ReleaseRow
from matinee.platform.registry.rows import all_rows, check_choice, require, values_of
from matinee.platform.registry.schema import initiative, model, release, rollout
from matinee.types import format_at

KINDS = ("shadow", "canary")
VERDICTS = ("released", "rolled back", "stopped")


class RolloutRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rollout.

    Attributes
    ----------
    kind : {"shadow", "canary"}
    share : float, above 0 and at most 1
        Of the units (canary) or of the requests (shadow).
    salt : str
        Who is in it depends on this and on their id; each rollout has its own.
    attempt_id : str or None
        Of the gates that agreed; None for a shadow.
    started_by, ended_by : str or None
        Who decided; `ended_by` is None when a guardrail did.
    ended_us : int or None
        None while it runs.
    verdict : {"released", "rolled back", "stopped"} or None
        None while it runs. "rolled back": a guardrail ended it.
    reason : str
        Why it ended.
    """

    id: int = 0
    initiative: str
    version: str
    kind: str
    share: float
    salt: str
    attempt_id: str | None = None
    started_us: int
    started_by: str | None = None
    note: str = ""
    ended_us: int | None = None
    verdict: str | None = None
    reason: str = ""
    ended_by: str | None = None


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How a rollout ended. Attributes as in `RolloutRow`."""

    ended_us: int
    verdict: str
    reason: str
    ended_by: str | None = None


class Rollouts:
    """Start, end and list rollouts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def start(self, row: RolloutRow) -> RolloutRow:
        """Store a rollout that begins.

        Returns
        -------
        RolloutRow
            As stored, with its number.

        Raises
        ------
        NotFoundError
            The initiative or the version is not registered.
        InputError
            Another one or an experiment runs, the version is in production, a canary has nothing in
            production beside it, or the share is not above 0 and at most 1.
        """
        name = row.initiative
        check_choice(f"rollout of {name}", "kind", row.kind, KINDS)
        check_share(name, row.share)
        with self.database.transaction() as con:
            require(con, initiative, "rollout", "initiative", name=name)
            lock_initiative(con, name)
            require(con, model, name, "model version", initiative=name, version=row.version)
            check_free(name, next(iter(all_rows(con, RolloutRow, _running(name))), None))
            check_no_experiment(con, name)
            last = select(release).where(release.c.initiative == name).order_by(release.c.id.desc()).limit(1)
            current = next(iter(all_rows(con, ReleaseRow, last)), None)
            check_not_in_production(name, row.version, current)
            if current is None and row.kind == "canary":
                raise InputError(nothing_beside(name))
            fresh = {**values_of(row, without=["id"]), "ended_us": None, "verdict": None, "reason": ""}
            done = con.execute(insert(rollout).values(**fresh).returning(rollout.c.id))
            return RolloutRow(**{**fresh, "id": int(done.scalar_one())})

    def end(self, rollout_id: int, end: End) -> bool:
        """End a rollout; False if it was over before: the first end counts.

        Raises
        ------
        NotFoundError
            There is none with this number.
        """
        check_choice(f"rollout {rollout_id}", "verdict", end.verdict, VERDICTS)
        with self.database.transaction() as con:
            require(con, rollout, "registry", "rollout", id=rollout_id)
            still = (rollout.c.id == rollout_id) & rollout.c.ended_us.is_(None)
            return bool(con.execute(update(rollout).where(still).values(**values_of(end))).rowcount)

    def settle(self, row: ReleaseRow) -> RolloutRow | None:
        """End the rollout that a release or rollback makes moot: what it was held against is gone.

        Returns
        -------
        RolloutRow or None
            The one that was ended: as "released" if it is its version that went into production.
        """
        with self.database.transaction() as con:
            found = next(iter(all_rows(con, RolloutRow, _running(row.initiative))), None)
            if found is None:
                return None
            ours = row.kind == "release" and row.version == found.version
            end = End(
                ended_us=max(row.released_us, found.started_us),
                verdict="released" if ours else "stopped",
                reason=f"{row.kind} {row.id} put {row.version} in production",
                ended_by=row.approver,
            )
            self.end(found.id, end)
            return msgspec.structs.replace(found, **values_of(end))

    def running(self, name: str) -> RolloutRow | None:
        """The rollout of an initiative; None while there is none."""
        with self.database.reading() as con:
            return next(iter(all_rows(con, RolloutRow, _running(name))), None)

    def all_running(self, names: Iterable[str]) -> dict[str, RolloutRow]:
        """Initiative -> its rollout. Those without one are absent."""
        query = select(rollout).where(rollout.c.ended_us.is_(None), rollout.c.initiative.in_(list(names)))
        with self.database.reading() as con:
            return {row.initiative: row for row in all_rows(con, RolloutRow, query)}

    def history(self, name: str) -> list[RolloutRow]:
        """All rollouts of an initiative, the first one first.

        Raises
        ------
        NotFoundError
            The initiative is not registered.
        """
        query = select(rollout).where(rollout.c.initiative == name).order_by(rollout.c.id)
        with self.database.reading() as con:
            require(con, initiative, "registry", "initiative", name=name)
            return all_rows(con, RolloutRow, query)


def check_share(name: str, share: float) -> None:
    """Refuse a share that is not above 0 and at most 1.

    Raises
    ------
    InputError
        It is not.
    """
    if not 0.0 < share <= 1.0:
        raise InputError(
            f"rollout of {name}: share is {share}, expected above 0 and at most 1: 0.05 is a twentieth."
        )


def check_free(name: str, running: RolloutRow | None) -> None:
    """Refuse a second rollout beside one that runs.

    Raises
    ------
    InputError
        One runs.
    """
    if running is not None:
        raise InputError(
            f"{name}: {told(running)}, expected no rollout. Stop it first: matinee rollout {name} --stop"
        )


def check_not_in_production(name: str, version: str, current: ReleaseRow | None) -> None:
    """Refuse to try what is in production already.

    Raises
    ------
    InputError
        It is.
    """
    if current is not None and current.version == version:
        raise InputError(
            f"{name}: version {version} is in production since {format_at(current.released_us)}, expected "
            "another one. Name one with --version."
        )


def nothing_beside(name: str) -> str:
    """Text for a canary where nothing is in production."""
    return (
        f"{name}: nothing is in production, expected a release to hold the canary against. "
        f"Release it (matinee release {name}), or try it as a shadow."
    )


def told(row: RolloutRow) -> str:
    """A rollout in a few words.

    Examples
    --------
    >>> told(RolloutRow(initiative="art", version="v2", kind="canary", share=0.05, salt="s", started_us=0))
    'canary of v2 for 5% of the units since 1970-01-01T00:00:00Z'
    """
    whom = "units" if row.kind == "canary" else "requests"
    since = format_at(row.started_us)
    return f"{row.kind} of {row.version} for {100 * row.share:.3g}% of the {whom} since {since}"


def _running(name: str) -> Any:
    return select(rollout).where(rollout.c.initiative == name, rollout.c.ended_us.is_(None))
