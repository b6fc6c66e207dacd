"""What was learned from the explored slots of the pages: a log that `matinee ope` reads."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from matinee.errors import InputError, StorageError
from matinee.initiatives.homepage.answering import ODDS
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.platform.outcomes.explored import Explored
from matinee.types import NEVER_US

COLUMNS = (
    "decision_id", "unit_id", "at", "action", "propensity", "reward", "n_actions", "p_all", "row", "col",
    "row_kind", "device",
)  # fmt: skip
LEFT_OUT = (
    ("sticky_of IS NOT NULL", "on a page that was served again"),
    ("coalesce(shadow, false)", "on a page made in the shadow of another"),
    ("coalesce(fallback, false)", "on a page of the fallback"),
    ("json_extract_string(context, '$.teams') IS NOT NULL", "on a page of two arms interleaved"),
    ("json_extract_string(context, '$.made') = 'ahead'", "on a page made ahead and corrected since"),
    ("value IS NULL", "without a known reward"),
)
"""Explored slots that are no examples: SQL condition and the reason that is counted."""
WITHOUT_ODDS = "without the odds it was drawn with"
BATCH = 10_000


def write_explored(
    home: Home, path: Path, at_us: int = NEVER_US, *, initiative: str = "homepage"
) -> Explored:
    """Write the explored slots whose outcome is final as a log for `matinee ope --log`, one row each.

    Parameters
    ----------
    home : Home
    path : Path
        CSV. `decision_id` is that of the page with the number of the slot behind a colon; `p_all` holds the
        probability of each title that could have been drawn there; `reward` is the slot's. Row, column, kind
        of row and device are context: known before the draw.
    at_us : int
        Only outcomes that were final at this moment.

    Returns
    -------
    Explored

    Raises
    ------
    InputError
        There is no explored slot whose outcome is final.
    StorageError
        The lake cannot be read, or the file not be written.

    Notes
    -----
    A slot's propensity is that of its title given what stood on the page before. So a policy's estimate is
    the value of drawing these slots differently on pages that are otherwise the same. A page that was made
    ahead loses a drawn title that was watched since, so what is left of it does not follow the odds any more.
    """
    reason = "CASE " + " ".join(f"WHEN {test} THEN {literal(why)}" for test, why in LEFT_OUT) + " ELSE '' END"
    out = {WITHOUT_ODDS: 0}
    slots = rewarded = 0
    with spilling() as con:
        open_events(con, home, "outcomes", moment=Moment(at_us, at_us))
        con.execute(
            f"CREATE TEMP TABLE judged AS SELECT *, {reason} AS why FROM outcomes "
            f"WHERE initiative = {literal(initiative)} AND explored"
        )
        out |= dict(con.execute("SELECT why, count(*) FROM judged WHERE why <> '' GROUP BY 1").fetchall())
        found = con.execute(
            "SELECT decision_id || ':' || slot, unit_id, at_us / 1e6, action, propensity, value, "
            f"""n_permitted, json_extract_string(context, '$.{ODDS}'), "row", col, row_kind, device """
            "FROM judged WHERE why = '' ORDER BY at_us, decision_id, slot"
        )
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                for line in _lines(found):
                    if line[7] is None:
                        out[WITHOUT_ODDS] += 1
                        continue
                    writer.writerow(line)
                    slots, rewarded = slots + 1, rewarded + (line[5] > 0)
        except OSError as error:
            raise StorageError(
                f"{path}: it cannot be written ({error.strerror}). Choose another file."
            ) from error
    if not slots:
        path.unlink()
        said = "; ".join(f"{n} {why}" for why, n in sorted(out.items()) if n) or "none was shown"
        raise InputError(
            f"{home.root}: no explored slot whose outcome is final ({said}). Set [homepage] explore_slots, "
            "let the pages be shown, and run: matinee compact."
        )
    return Explored(slots, rewarded, {why: n for why, n in sorted(out.items()) if n})


def _lines(found: Any) -> Iterator[list[Any]]:
    """Rows of the file; the odds are those of the slot's row, None where they are not known."""
    while rows := found.fetchmany(BATCH):
        for row in rows:
            line = list(row)
            by_row = msgspec.json.decode(row[7], type=dict[str, dict[str, float]]) if row[7] else {}
            odds = by_row.get(str(row[8]))
            line[7] = msgspec.json.encode(odds).decode() if odds and row[3] in odds else None
            yield line
