"""Questions about all initiatives at once: what is in production; stale, unused and alerted models."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from matinee.errors import InputError
from matinee.platform.registry.alerts import SEVERITIES, AlertRow
from matinee.platform.registry.connection import Database
from matinee.platform.registry.initiatives import InitiativeRow
from matinee.platform.registry.models import EvaluationRow, ModelRow
from matinee.platform.registry.releases import ReleaseRow
from matinee.platform.registry.rows import all_rows
from matinee.platform.registry.schema import alert, evaluation, initiative, model, release, run
from matinee.types import DAY_US


class StaleModel(msgspec.Struct, frozen=True):
    """A model in production that has learned from old data; `age_days` since the last moment it knows."""

    model: ModelRow
    age_days: float


class UnusedModel(msgspec.Struct, frozen=True):
    """A model that is not in production; `last_release` None: it never was."""

    model: ModelRow
    last_release: ReleaseRow | None


class AlertedModel(msgspec.Struct, frozen=True):
    """A model in production whose initiative has open alerts; `worst` is the highest severity."""

    release: ReleaseRow
    worst: str
    alerts: list[AlertRow]


class Line(msgspec.Struct, frozen=True):
    """One initiative on the status screen.

    Attributes
    ----------
    release : ReleaseRow or None
        In production.
    model : ModelRow or None
        Of that release.
    evaluation : EvaluationRow or None
        The latest one of that model's code, with its lift over the baseline.
    alerts : list of AlertRow
        Open ones.
    cost_minor : dict of str to int
        Currency -> what all runs cost together, in minor units.
    cpu_s : float
        Processor time of all runs together.
    """

    initiative: InitiativeRow
    release: ReleaseRow | None
    model: ModelRow | None
    evaluation: EvaluationRow | None
    alerts: list[AlertRow]
    cost_minor: dict[str, int]
    cpu_s: float


class Portfolio:
    """Ask about all initiatives."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def in_production(self, *, on_us: int | None = None) -> dict[str, ReleaseRow]:
        """Initiative -> its release in production, now or at a moment. Those without one are absent."""
        with self.database.reading() as con:
            return _serving(con, on_us)

    def stale(self, *, now_us: int, older_than_days: float) -> list[StaleModel]:
        """Models in production that learned from data which end more than so many days ago, the oldest first.

        Raises
        ------
        InputError
            The number of days is not above 0.
        """
        if not older_than_days > 0:
            raise InputError(f"stale: older_than_days is {older_than_days}, expected days above 0.")
        with self.database.reading() as con:
            serving = {(row.initiative, row.version) for row in _serving(con).values()}
            models = all_rows(con, ModelRow, select(model))
        aged = [StaleModel(one, (now_us - one.at_us) / DAY_US) for one in models if _key(one) in serving]
        return sorted((one for one in aged if one.age_days > older_than_days), key=lambda one: -one.age_days)

    def unused(self) -> list[UnusedModel]:
        """Models that are not in production, by initiative, the latest registered first."""
        with self.database.reading() as con:
            serving = {(row.initiative, row.version) for row in _serving(con).values()}
            ever = {
                (row.initiative, row.version): row
                for row in all_rows(con, ReleaseRow, select(release).order_by(release.c.id))
            }
            models = all_rows(
                con, ModelRow, select(model).order_by(model.c.initiative, model.c.registered_us.desc())
            )
        return [UnusedModel(one, ever.get(_key(one))) for one in models if _key(one) not in serving]

    def alerted(self) -> list[AlertedModel]:
        """Models in production with open alerts, the most severe first."""
        with self.database.reading() as con:
            serving = _serving(con)
            alerts = _open_alerts(con)
        found = [
            AlertedModel(serving[name], min((a.severity for a in own), key=SEVERITIES.index), own)
            for name, own in alerts.items()
            if name in serving
        ]
        return sorted(found, key=lambda one: (SEVERITIES.index(one.worst), one.release.initiative))

    def overview(self) -> list[Line]:
        """Every initiative with its release, lift, alerts and cost, the most important first."""
        with self.database.reading() as con:
            serving, alerts = _serving(con), _open_alerts(con)
            models = {_key(one): one for one in all_rows(con, ModelRow, select(model))}
            latest = select(func.max(evaluation.c.id)).group_by(evaluation.c.initiative, evaluation.c.code)
            judged = {
                (one.initiative, one.code): one
                for one in all_rows(con, EvaluationRow, select(evaluation).where(evaluation.c.id.in_(latest)))
            }
            costs, cpu_s = _costs(con)
            rows = all_rows(
                con, InitiativeRow, select(initiative).order_by(initiative.c.tier, initiative.c.name)
            )
        lines = []
        for row in rows:
            served = serving.get(row.name)
            used = None if served is None else models[row.name, served.version]
            lift = None if used is None else judged.get((row.name, used.code))
            own = alerts.get(row.name, [])
            lines.append(
                Line(row, served, used, lift, own, costs.get(row.name, {}), cpu_s.get(row.name, 0.0))
            )
        return lines


def _serving(con: Connection, on_us: int | None = None) -> dict[str, ReleaseRow]:
    last = select(func.max(release.c.id)).group_by(release.c.initiative)
    if on_us is not None:
        last = last.where(release.c.released_us <= on_us)
    query = select(release).where(release.c.id.in_(last)).order_by(release.c.initiative)
    return {row.initiative: row for row in all_rows(con, ReleaseRow, query)}


def _open_alerts(con: Connection) -> dict[str, list[AlertRow]]:
    found: dict[str, list[AlertRow]] = {}
    query = select(alert).where(alert.c.state == "open").order_by(alert.c.opened_us, alert.c.id)
    for row in all_rows(con, AlertRow, query):
        found.setdefault(row.initiative, []).append(row)
    return found


def _costs(con: Connection) -> tuple[dict[str, dict[str, int]], dict[str, float]]:
    costs: dict[str, dict[str, int]] = {}
    cpu_s: dict[str, float] = {}
    query = select(
        run.c.initiative, run.c.currency, func.sum(run.c.cost_minor), func.sum(run.c.cpu_s)
    ).group_by(run.c.initiative, run.c.currency)
    for name, currency, minor, seconds in con.execute(query):
        cpu_s[name] = cpu_s.get(name, 0.0) + (seconds or 0.0)
        if currency is not None:
            costs.setdefault(name, {})[currency] = int(minor or 0)
    return costs, cpu_s


def _key(one: ModelRow) -> tuple[str, str]:
    return one.initiative, one.version
