"""What a request for a homepage asks: its parameters, checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from matinee.errors import InputError
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.members import MATURITY_MAX
from matinee.platform.deciding import Context

ROWS, COLS = 6, 10
"""First screen of a request that names no size."""
MOST_ROWS, MOST_COLS = 100, 100


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of one request for a page.

    Attributes
    ----------
    rows, cols : int
        Largest size of what is asked for now.
    territory, maturity, kids : str, int, bool or None
        They narrow the member's limits.
    device, locale : str or None
        Kept in the decision's context.
    """

    rows: int = ROWS
    cols: int = COLS
    territory: str | None = None
    maturity: int | None = None
    kids: bool | None = None
    device: str | None = None
    locale: str | None = None

    @property
    def limits(self) -> Limits:
        """What the parameters permit."""
        maturity = MATURITY_MAX if self.maturity is None else self.maturity
        return Limits(self.territory, maturity, bool(self.kids))

    def context(self) -> Context:
        """The parameters as a decision sees and logs them; those that were not given are left out."""
        values: Context = {
            "rows": self.rows,
            "cols": self.cols,
            "territory": self.territory,
            "maturity": self.maturity,
            "kids": self.kids,
            "device": self.device,
            "locale": self.locale,
        }
        return {name: value for name, value in values.items() if value is not None}

    def digest(self, *besides: object) -> str:
        """Equal for requests that ask the same under the same circumstances (`besides`)."""
        text = "\x1f".join(map(repr, [*self.context().items(), *besides]))
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page goes on: whose decision made its first rows, and how many rows were given out.

    Examples
    --------
    >>> Cursor.parse(str(Cursor("d1", 6)))
    Cursor(decision_id='d1', rows=6)
    """

    decision_id: str
    rows: int

    def __str__(self) -> str:
        return f"{self.decision_id}.{self.rows}"

    @staticmethod
    def parse(text: str) -> Cursor:
        """Read a cursor.

        Raises
        ------
        InputError
            It is not one of ours.
        """
        decision_id, dot, rows = text.rpartition(".")
        if not dot or not decision_id or not rows.isascii() or not rows.isdigit() or len(rows) > 6:
            raise InputError(
                f'cursor is "{text[:80]}", expected the next_cursor of a page. Ask for the page without one.'
            )
        return Cursor(decision_id, int(rows))
