"""When an image may be shown: approved, not withdrawn, inside its time and territory.

It is one rule: `Clearances` says it of arrays, `why_not_sql` of rows in DuckDB. Both read the columns of the
table `artwork`, and a test compares them row by row. Whoever shows an image asks here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.observe.catalogue.catalogue import Tags
from matinee.types import ALWAYS_US, NEVER_US, Mask, Times

REASONS = ("", "withdrawn", "not approved", "before its time", "after its time", "not in this territory")
"""Why an image may not be shown, the first that holds; by the codes of `Clearances.why_not`. "": it may."""
ANYWHERE = (0, REASONS.index("not in this territory"))
"""Codes of `Clearances.why_not` of an image that is cleared somewhere."""

COLUMNS = (
    "approved_by", "approved_us", "territories", "start_us", "end_us", "withdrawn_us",
)  # fmt: skip
"""Columns of the table `artwork` that the rule reads."""


@dataclass(frozen=True, slots=True)
class Clearances:
    """What the rule reads of each image.

    Attributes
    ----------
    approved_us : ndarray of int64, shape (n,)
        NEVER_US where nobody approved it.
    start_us, end_us : ndarray of int64, shape (n,)
        The end is excluded.
    withdrawn : ndarray of bool, shape (n,)
    territories : Tags
        None of an image: everywhere.
    """

    approved_us: Times
    start_us: Times
    end_us: Times
    withdrawn: Mask
    territories: Tags

    def __len__(self) -> int:
        return len(self.approved_us)

    @staticmethod
    def from_rows(rows: Sequence[Mapping[str, Any]]) -> Clearances:
        """Of rows with the columns `COLUMNS`; a missing one is NULL."""

        def times(column: str, missing: int) -> Times:
            found = [row.get(column) for row in rows]
            return np.array([missing if value is None else value for value in found], np.int64)

        approved_us = times("approved_us", NEVER_US)
        approved_us[[not row.get("approved_by") for row in rows]] = NEVER_US
        return Clearances(
            approved_us,
            times("start_us", ALWAYS_US),
            times("end_us", NEVER_US),
            np.array([row.get("withdrawn_us") is not None for row in rows], np.bool_),
            Tags.from_lists([row.get("territories") or () for row in rows]),
        )

    def why_not(self, at_us: int, territory: str | None) -> NDArray[np.int8]:
        """Why each image may not be shown at a moment in a territory: a place in `REASONS`, 0 where it may.

        Parameters
        ----------
        territory : str or None
            None: it is not known. Then an image that is limited to some territories may not be shown.

        Returns
        -------
        ndarray of int8, shape (n,)

        Examples
        --------
        >>> given = {"approved_by": "ada", "approved_us": 5, "end_us": 9, "territories": ["NL"]}
        >>> one = Clearances.from_rows([given])
        >>> [REASONS[one.why_not(at, place)[0]] for at, place in ((4, "NL"), (5, "NL"), (9, "NL"), (5, None))]
        ['not approved', '', 'after its time', 'not in this territory']
        """
        here = np.diff(self.territories.indptr) == 0
        if territory is not None:
            here = here | self.territories.with_any([territory])
        conditions = [
            self.withdrawn,
            self.approved_us > at_us,
            self.start_us > at_us,
            self.end_us <= at_us,
            ~here,
        ]
        return np.select(conditions, np.arange(1, 6, dtype=np.int8), np.int8(0)).astype(np.int8)

    def cleared(self, at_us: int, territory: str | None) -> Mask:
        """Images that may be shown at a moment in a territory; shape (n,)."""
        return np.asarray(self.why_not(at_us, territory) == 0, np.bool_)

    def cleared_somewhere(self, at_us: int) -> Mask:
        """Images that may be shown at a moment in some territory at least; shape (n,)."""
        return np.isin(self.why_not(at_us, None), ANYWHERE)

    def next_change_us(self, at_us: int) -> int:
        """First moment after this one at which the clearance of an image begins or ends; else NEVER_US."""
        moments = np.concatenate([self.approved_us, self.start_us, self.end_us])
        later = moments[moments > at_us]
        return int(later.min()) if len(later) else NEVER_US


def why_not_sql(at: str, territory: str, row: str = "") -> str:
    """SQL of why an image may not be shown: a text of `REASONS`, NULL where it may.

    Parameters
    ----------
    at, territory : str
        Expressions; the territory may be NULL.
    row : str
        Name of the relation with the columns of `artwork`, if it needs one.

    Examples
    --------
    >>> why_not_sql("7", "NULL").startswith("CASE WHEN withdrawn_us IS NOT NULL THEN 'withdrawn'")
    True
    """
    of = f"{row}." if row else ""
    _, withdrawn, unapproved, early, late, elsewhere = REASONS
    return (
        f"CASE WHEN {of}withdrawn_us IS NOT NULL THEN '{withdrawn}' "
        f"WHEN coalesce({of}approved_by, '') = '' OR {of}approved_us IS NULL OR {of}approved_us > {at} "
        f"THEN '{unapproved}' "
        f"WHEN {of}start_us > {at} THEN '{early}' WHEN {of}end_us <= {at} THEN '{late}' "
        f"WHEN len({of}territories) > 0 AND NOT coalesce(list_contains({of}territories, {territory}), false) "
        f"THEN '{elsewhere}' END"
    )


def cleared_sql(at: str, territory: str, row: str = "") -> str:
    """SQL condition: the image may be shown; never NULL."""
    return f"(({why_not_sql(at, territory, row)}) IS NULL)"


def restricted(mask: Mask, ids: Sequence[str], withdrawn: Collection[str]) -> Mask:
    """A mask without some ids: those that were withdrawn since the facts were read."""
    if not withdrawn:
        return mask
    return mask & ~np.fromiter((one in withdrawn for one in ids), np.bool_, len(ids))
