"""Alerts: one open row per thing that is wrong, however often a monitor sees it."""

from __future__ import annotations

import msgspec
from sqlalchemy import select, text, update

from matinee.platform.registry.connection import Database
from matinee.platform.registry.rows import all_rows, check_choice, find, insert_into, require, values_of
from matinee.platform.registry.schema import alert, initiative

SEVERITIES = ("critical", "high", "medium", "low")


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    Attributes
    ----------
    monitor : str
        What noticed it.
    key : str
        What it is about within the monitor, such as a feature. The same key is the same alert while it is
        open.
    severity : {"critical", "high", "medium", "low"}
    value, bound : float or None
        What was measured last, and what it was held against.
    n_seen : int
        How often it was seen since it opened.
    opened_us, seen_us, closed_us : int
        First time, last time, and end (None while it is open).
    """

    id: int = 0
    initiative: str
    monitor: str
    key: str = ""
    severity: str
    owner: str
    text: str
    value: float | None = None
    bound: float | None = None
    state: str = "open"
    n_seen: int = 1
    opened_us: int
    seen_us: int
    closed_us: int | None = None


class Alerts:
    """Open, find and close alerts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def see(self, row: AlertRow) -> AlertRow:
        """Store that something is wrong: a new alert, or one more sight of the one that is open.

        Returns
        -------
        AlertRow
            As stored. `n_seen` is 1 for a new one: only then does its owner need a message.

        Raises
        ------
        NotFoundError
            The initiative is not registered.
        InputError
            The severity is unknown.
        """
        where = f"alert {row.monitor}"
        check_choice(where, "severity", row.severity, SEVERITIES)
        with self.database.transaction() as con:
            require(con, initiative, where, "initiative", name=row.initiative)
            latest = {c: getattr(row, c) for c in ("severity", "owner", "text", "value", "bound", "seen_us")}
            first = {**values_of(row, without=["id"]), "state": "open", "n_seen": 1, "closed_us": None}
            done = con.execute(
                insert_into(con, alert)
                .values(**first)
                .on_conflict_do_update(
                    index_elements=["initiative", "monitor", "key"],
                    index_where=text("state = 'open'"),
                    set_={**latest, "n_seen": alert.c.n_seen + 1},
                )
                .returning(alert.c.id)
            )
            found = find(con, alert, AlertRow, id=int(done.scalar_one()))
            assert found is not None
            return found

    def close(self, alert_id: int, *, closed_us: int) -> None:
        """End an alert; one that is closed stays as it is.

        Raises
        ------
        NotFoundError
            There is none with this number.
        """
        with self.database.transaction() as con:
            require(con, alert, "registry", "alert", id=alert_id)
            still_open = (alert.c.id == alert_id) & (alert.c.state == "open")
            con.execute(update(alert).where(still_open).values(state="closed", closed_us=closed_us))

    def clear(self, name: str, monitor: str, *, key: str = "", closed_us: int) -> bool:
        """End the open alert about one thing, now that it is well; False if there was none."""
        about = (alert.c.initiative == name) & (alert.c.monitor == monitor) & (alert.c.key == key)
        with self.database.transaction() as con:
            done = con.execute(
                update(alert)
                .where(about, alert.c.state == "open")
                .values(state="closed", closed_us=closed_us)
            )
            return bool(done.rowcount)

    def open(self, name: str | None = None) -> list[AlertRow]:
        """Open alerts of one initiative or of all, the most severe and oldest first."""
        query = select(alert).where(alert.c.state == "open").order_by(alert.c.opened_us, alert.c.id)
        with self.database.reading() as con:
            rows = all_rows(con, AlertRow, query if name is None else query.where(alert.c.initiative == name))
        return sorted(rows, key=lambda row: SEVERITIES.index(row.severity))

    def history(self, name: str, *, limit: int = 100) -> list[AlertRow]:
        """Alerts of an initiative, open and closed, the latest first."""
        query = select(alert).where(alert.c.initiative == name).order_by(alert.c.id.desc()).limit(limit)
        with self.database.reading() as con:
            return all_rows(con, AlertRow, query)
