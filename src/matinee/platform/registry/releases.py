"""Releases: an append-only history per initiative. What is in production is its last row.

Each row names the row that it follows, and only one can: of two processes that release at once, one wins and
the other is told. Order is the order of the rows; a row's time is never before that of the row it follows, so
"in production at T" is the last row whose time is not after T.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from matinee.errors import InputError, VerdictError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import initiative_node, link, model_node, release_node, unlink
from matinee.platform.registry.rows import all_rows, check_choice, require, same_key, values_of
from matinee.platform.registry.schema import gate_result, initiative, model, release
from matinee.types import format_at

VERDICTS = ("passed", "failed", "not_measured")


class GateRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate said in one attempt to release.

    Attributes
    ----------
    attempt_id : str
        Joins the gates of one attempt, and the release that came of it.
    verdict : {"passed", "failed", "not_measured"}
    figure, bound : float or None
        What was measured, and what it was held against.
    """

    id: int = 0
    attempt_id: str
    initiative: str
    version: str
    gate: str
    verdict: str
    text: str
    figure: float | None = None
    bound: float | None = None
    measured_us: int


class ReleaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the history.

    Attributes
    ----------
    kind : {"release", "rollback"}
    previous_id : int or None
        The row that it follows; None for the first of an initiative.
    evidence : dict
        What the release was decided on.
    approver : str or None
    """

    id: int = 0
    initiative: str
    version: str
    kind: str
    previous_id: int | None
    attempt_id: str | None = None
    evidence: dict[str, Any] = {}
    approver: str | None = None
    note: str = ""
    released_us: int


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a version is put in production: kept with the release for ever.

    Attributes
    ----------
    attempt_id : str or None
        Whose gate results belong to it.
    """

    note: str = ""
    approver: str | None = None
    attempt_id: str | None = None
    evidence: Mapping[str, Any] | None = None


NO_REASONS = Reasons()


class Releases:
    """Put versions in production, take them back, ask what was there when."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def record_gates(self, results: Sequence[GateRow]) -> None:
        """Store what the gates of an attempt said, whether a release follows or not. Append-only.

        Raises
        ------
        NotFoundError
            The model version is not registered.
        InputError
            A gate of this attempt was recorded before.
        """
        with self.database.transaction() as con:
            for result in results:
                where = f"gate {result.gate}"
                check_choice(where, "verdict", result.verdict, VERDICTS)
                _require_version(con, where, result.initiative, result.version)
                again = same_key(gate_result, {"attempt_id": result.attempt_id, "gate": result.gate})
                if con.execute(select(gate_result.c.id).where(again)).first() is not None:
                    raise InputError(
                        f"{where}: attempt {result.attempt_id} has its verdict already, expected a new "
                        "attempt. Give each attempt an id of its own."
                    )
                con.execute(insert(gate_result).values(**values_of(result, without=["id"])))

    def release(
        self,
        name: str,
        version: str,
        *,
        expected_previous: int | None,
        released_us: int,
        reasons: Reasons = NO_REASONS,
    ) -> ReleaseRow:
        """Put a version in production.

        Parameters
        ----------
        expected_previous : int or None
            Id of the release that the caller saw as the last one; None: there was none.
        released_us : int
            Now.

        Raises
        ------
        NotFoundError
            The initiative or the version is not registered.
        VerdictError
            Another release came first. The message says which.
        InputError
            The version is in production already, or the time is before that of the last release.
        """
        with self.database.transaction() as con:
            last = self._last(con, name, expected_previous)
            _require_version(con, name, name, version)
            if last is not None and last.version == version:
                raise InputError(
                    f"{name}: version {version} is in production since {format_at(last.released_us)}, "
                    "expected another one."
                )
            row = ReleaseRow(
                initiative=name,
                version=version,
                kind="release",
                previous_id=expected_previous,
                attempt_id=reasons.attempt_id,
                evidence=dict(reasons.evidence or {}),
                approver=reasons.approver,
                note=reasons.note,
                released_us=released_us,
            )
            return _append(con, row, last)

    def rollback(
        self,
        name: str,
        version: str | None = None,
        *,
        expected_previous: int | None,
        released_us: int,
        reasons: Reasons = NO_REASONS,
    ) -> ReleaseRow:
        """Put a version back in production that was there before: a new row, nothing is removed.

        Parameters
        ----------
        version : str, optional
            By default the one that the version in production replaced. Two rollbacks go back two versions.

        Raises
        ------
        NotFoundError
            The initiative is not registered.
        VerdictError
            Another release came first, or there is nothing to go back to.
        InputError
            This version was never in production, is in production, or the time is before the last release's.
        """
        with self.database.transaction() as con:
            last = self._last(con, name, expected_previous)
            earlier = _replaced(all_rows(con, ReleaseRow, _history(name)))
            if last is None or (version is None and not earlier):
                raise VerdictError(
                    f"{name}: nothing to roll back to, expected at least two releases. Release another "
                    "version, or switch the initiative off: its fallback answers."
                )
            target = earlier[-1] if version is None else version
            _check_target(con, name, target, last)
            row = ReleaseRow(
                initiative=name,
                version=target,
                kind="rollback",
                previous_id=last.id,
                attempt_id=reasons.attempt_id,
                evidence=dict(reasons.evidence or {}),
                approver=reasons.approver,
                note=reasons.note,
                released_us=released_us,
            )
            return _append(con, row, last)

    def current(self, name: str) -> ReleaseRow | None:
        """What is in production; None before the first release.

        Raises
        ------
        NotFoundError
            The initiative is not registered.
        """
        with self.database.reading() as con:
            require(con, initiative, "registry", "initiative", name=name)
            return _newest(con, name)

    def current_on(self, name: str, at_us: int) -> ReleaseRow | None:
        """What was in production at a moment; None before the first release."""
        with self.database.reading() as con:
            require(con, initiative, "registry", "initiative", name=name)
            return _newest(con, name, at_us)

    def history(self, name: str) -> list[ReleaseRow]:
        """All releases and rollbacks, the first one first."""
        with self.database.reading() as con:
            require(con, initiative, "registry", "initiative", name=name)
            return all_rows(con, ReleaseRow, _history(name))

    def gates(self, name: str, attempt_id: str | None = None) -> list[GateRow]:
        """Gate results of one attempt, or of all of an initiative, in the order they were recorded."""
        query = select(gate_result).where(gate_result.c.initiative == name).order_by(gate_result.c.id)
        if attempt_id is not None:
            query = query.where(gate_result.c.attempt_id == attempt_id)
        with self.database.reading() as con:
            return all_rows(con, GateRow, query)

    def _last(self, con: Connection, name: str, expected: int | None) -> ReleaseRow | None:
        """The last row, if it is the expected one. Until the transaction ends nobody else releases."""
        require(con, initiative, "registry", "initiative", name=name)
        con.execute(
            select(initiative.c.name).where(initiative.c.name == name).with_for_update(key_share=True)
        )
        last = _newest(con, name)
        if (None if last is None else last.id) == expected:
            return last
        seen = "none" if expected is None else f"release {expected}"
        if last is None:
            raise InputError(
                f"{name}: there is no release yet, expected {seen} to be the last one. Pass None."
            )
        raise VerdictError(
            f"{name}: {last.kind} {last.id} (version {last.version}, {format_at(last.released_us)}, by "
            f"{last.approver or 'nobody named'}) came first, expected {seen} to be the last one. Nothing was "
            f"released. Look at it (matinee history {name}), then decide again."
        )


def _append(con: Connection, row: ReleaseRow, last: ReleaseRow | None) -> ReleaseRow:
    if last is not None and row.released_us < last.released_us:
        raise InputError(
            f"{row.initiative}: the clock says {format_at(row.released_us)}, expected no time before the "
            f"last release ({last.id}, {format_at(last.released_us)}). Correct the clock; if it is that "
            f"release which carries a wrong time, pass --at {format_at(last.released_us)}. Nothing was "
            "released."
        )
    done = con.execute(insert(release).values(**values_of(row, without=["id"])).returning(release.c.id))
    new = ReleaseRow(**{**values_of(row), "id": int(done.scalar_one())})
    me, served = release_node(new.id), initiative_node(row.initiative)
    link(con, model_node(row.initiative, row.version), me, since_us=row.released_us)
    if last is not None:
        unlink(con, release_node(last.id), served, until_us=row.released_us)
    link(con, me, served, since_us=row.released_us)
    return new


def _newest(con: Connection, name: str, at_us: int | None = None) -> ReleaseRow | None:
    query = _history(name).order_by(None).order_by(release.c.id.desc()).limit(1)
    if at_us is not None:
        query = query.where(release.c.released_us <= at_us)
    found = all_rows(con, ReleaseRow, query)
    return found[0] if found else None


def _history(name: str) -> Any:
    return select(release).where(release.c.initiative == name).order_by(release.c.id)


def _replaced(history: Sequence[ReleaseRow]) -> list[str]:
    """Versions that the one in production stands on, the nearest last: a rollback takes off what it undid."""
    stack: list[str] = []
    for row in history:
        if row.kind == "rollback" and row.version in stack:
            del stack[stack.index(row.version) + 1 :]
        else:
            stack.append(row.version)
    return stack[:-1]


def _check_target(con: Connection, name: str, version: str, last: ReleaseRow) -> None:
    _require_version(con, name, name, version)
    if version == last.version:
        raise InputError(
            f"{name}: version {version} is in production since {format_at(last.released_us)}, expected an "
            "earlier one."
        )
    used = sorted({row.version for row in all_rows(con, ReleaseRow, _history(name))})
    if version not in used:
        raise InputError(
            f"{name}: version {version} was never in production, expected one of {', '.join(used)}. To put "
            f"it there, release it: matinee release {name}."
        )


def _require_version(con: Connection, where: str, name: str, version: str) -> None:
    require(con, initiative, where, "initiative", name=name)
    require(con, model, where, "model version", initiative=name, version=version)
