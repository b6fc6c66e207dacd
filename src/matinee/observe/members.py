"""Members: where they live and what they may be shown."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from matinee.observe.catalogue.catalogue import Limits

MATURITY_MAX = 18
"""Limit of a member who has none, in years."""


@dataclass(frozen=True, slots=True)
class Member:
    """One profile that watches.

    Attributes
    ----------
    member_id : str
    account_id : str or None
        Who pays; None where unknown.
    territory : str or None
    maturity_max : int, 0-18
    kids : bool
    languages : tuple of str
        Empty: any.
    """

    member_id: str
    account_id: str | None = None
    territory: str | None = None
    maturity_max: int = MATURITY_MAX
    kids: bool = False
    languages: tuple[str, ...] = ()

    @property
    def limits(self) -> Limits:
        """What the member may be shown.

        Examples
        --------
        >>> Member("m1", territory="NL", kids=True).limits.kids
        True
        """
        return Limits(self.territory, self.maturity_max, self.kids, self.languages)


def member_rows(con: duckdb.DuckDBPyConnection) -> dict[str, Member]:
    """Members of the view `members`, by id, in the order of their ids."""
    rows = con.execute(
        "SELECT member_id, account_id, territory, coalesce(maturity_max, ?), coalesce(kids, false), "
        "coalesce(languages, []) FROM members ORDER BY member_id",
        [MATURITY_MAX],
    ).fetchall()
    return {r[0]: Member(r[0], r[1], r[2], r[3], r[4], tuple(r[5])) for r in rows}
