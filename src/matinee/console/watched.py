"""What is watched lately."""

from __future__ import annotations

from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.types import DAY_US

HALF_LIFE_DAYS = 30.0
"""After so many days a play counts half for what is popular."""


def watched_lately(home: Home, at_us: int) -> dict[str, float]:
    """How much each title that was ever watched is watched lately: it takes reading all plays.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    with spilling() as con:
        open_events(con, home, "plays", moment=Moment(at_us, at_us))
        rows = con.execute(
            f"SELECT title_id, sum(0.5 ** (({at_us} - at_us) / {HALF_LIFE_DAYS * DAY_US})) "
            "FROM plays GROUP BY title_id"
        ).fetchall()
    return dict(rows)
