"""Models that must be trained again, since they learned from somebody who was erased afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select, update

from matinee.platform.registry.connection import Database
from matinee.platform.registry.rows import all_rows, insert_into
from matinee.platform.registry.schema import model, retraining


class RetrainingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version that holds what erased members did.

    Attributes
    ----------
    since_us : int
        When the first of them was erased.
    members : int
        How many they are.
    """

    initiative: str
    version: str
    since_us: int
    members: int


class Retraining:
    """Mark versions and list them. A version that is trained again from the log as it is now is clean."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def mark(self, *, learned_after_us: int, marked_us: int, already: Sequence[str] = ()) -> list[str]:
        """Mark every version that learned from a home's log as it was at a moment or later.

        Parameters
        ----------
        learned_after_us : int
            Time of the first event of the member who is erased: models that learned until before it do not
            know them.
        marked_us : int
            Now.
        already : sequence of str
            "initiative/version" of those that were marked for this member before.

        Returns
        -------
        list of str
            "initiative/version" of all that know the member.
        """
        query = select(model.c.initiative, model.c.version).where(
            model.c.data == "home", model.c.at_us >= learned_after_us
        )
        with self.database.transaction() as con:
            found = [
                (row[0], row[1]) for row in con.execute(query.order_by(model.c.initiative, model.c.version))
            ]
            for name, version in found:
                if f"{name}/{version}" in already:
                    continue
                same = (retraining.c.initiative == name) & (retraining.c.version == version)
                changed = con.execute(update(retraining).where(same).values(members=retraining.c.members + 1))
                if not changed.rowcount:
                    con.execute(
                        insert_into(con, retraining).values(
                            initiative=name, version=version, since_us=marked_us, members=1
                        )
                    )
        return [f"{name}/{version}" for name, version in found]

    def trained_again(self, initiative: str, version: str) -> None:
        """Take the mark from a version: training from the log as it is now gave the same files."""
        with self.database.transaction() as con:
            con.execute(
                delete(retraining).where(
                    retraining.c.initiative == initiative, retraining.c.version == version
                )
            )

    def all(self, initiative: str | None = None) -> list[RetrainingRow]:
        """Marked versions, of one initiative or of all."""
        query = select(retraining).order_by(retraining.c.initiative, retraining.c.version)
        if initiative is not None:
            query = query.where(retraining.c.initiative == initiative)
        with self.database.reading() as con:
            return all_rows(con, RetrainingRow, query)
