"""What an import may do to the clearance of an image: it may limit it, and lifts nothing that was decided.

A file that is read every night does not know what a person decided in between. So an approval of the pixels
that stand, its limits and a withdrawal outlast it; only an import that is asked to goes before them.
"""

from __future__ import annotations

from collections.abc import Sequence

from matinee.observe.catalogue.artwork import TABLE
from matinee.observe.catalogue.artwork_store import Row
from matinee.observe.importers.part import Preparing
from matinee.observe.lake.manifest import parquet
from matinee.types import NEVER_US, format_at

APPROVAL = ("approved_by", "approved_us")
WITHDRAWAL = ("withdrawn_us", "withdrawn_by", "withdrawn_why")
LIMITS = ("territories", "start_us", "end_us")
"""Where and when an image is cleared. A row that leaves one empty and names nobody who approved the image
says nothing about it."""
OPTION = "--override-clearance"


class RefusedError(Exception):
    """What is wrong with a row, in the words of the message."""


def approved_once(given: Preparing) -> set[str]:
    """Images that somebody approved at any time, perhaps with other pixels."""
    files = given.write.before.of(TABLE)
    if not files:
        return set()
    rows = given.con.execute(
        f"SELECT DISTINCT artwork_id FROM {parquet(given.write.lake, files)} "
        "WHERE coalesce(approved_by, '') <> ''"
    ).fetchall()
    return {row[0] for row in rows}


def standing(old: Row, new: Row, *, same_pixels: bool, once: bool) -> Row:
    """An image as an import would have it, with the decisions that stand.

    Parameters
    ----------
    old, new : Row
        The image as it is known, and as the file would have it.
    same_pixels : bool
        Whether the file of the image stays.
    once : bool
        Whether it was ever approved: then its limits can only become narrower.

    Raises
    ------
    RefusedError
        Inside the limits that stand and those of the file the image could be shown nowhere, or never.
    """
    out = dict(new)
    if old["withdrawn_us"] is not None:
        out |= {column: old[column] for column in WITHDRAWAL}
    if old["approved_by"] and same_pixels:
        out |= {column: old[column] for column in APPROVAL}
    if once:
        out |= _narrower(old, new)
    return out


def overridden(row: Row, old: Row, new: Row, *, now_us: int) -> Row:
    """An image as an import has it that goes before what was decided: with an approver it comes back."""
    if old["withdrawn_us"] is None or row.get("withdrawn_us") is not None or not row.get("approved_by"):
        return new
    return new | dict.fromkeys(WITHDRAWAL) | {"approved_us": now_us}


def held(new: Row, out: Row) -> bool:
    """Whether the limits that stand are narrower than those of the file."""
    return any((new[column] or None) != (out[column] or None) for column in LIMITS)


def _narrower(old: Row, new: Row) -> Row:
    """Limits inside of both.

    Examples
    --------
    >>> _narrower(
    ...     {"territories": ["BE", "NL"], "start_us": None, "end_us": 9},
    ...     {"territories": ["NL", "SE"], "start_us": 3, "end_us": None},
    ... )
    {'territories': ['NL'], 'start_us': 3, 'end_us': 9}
    """
    before, after = old["territories"] or [], new["territories"] or []
    both = [one for one in after if one in before] if before and after else before or after
    if before and after and not both:
        raise RefusedError(
            f"territories is {_named(after)}, expected some of {_named(before)}, where the image is cleared. "
            f"Approve it there with matinee artwork approve, or pass {OPTION}."
        )
    starts = [one["start_us"] for one in (old, new) if one["start_us"] is not None]
    ends = [one["end_us"] for one in (old, new) if one["end_us"] is not None]
    start_us, end_us = max(starts, default=None), min(ends, default=None)
    if start_us is not None and start_us >= (NEVER_US if end_us is None else end_us):
        raise RefusedError(
            f"from and until leave no time: the image is cleared {_window(old)}, and the file says "
            f"{_window(new)}. Approve it with matinee artwork approve, or pass {OPTION}."
        )
    return {"territories": both, "start_us": start_us, "end_us": end_us}


def _named(territories: Sequence[str]) -> str:
    return "|".join(territories)


def _window(row: Row) -> str:
    start, end = (row[name] for name in ("start_us", "end_us"))
    since = "always" if start is None else f"from {format_at(start)}"
    return since if end is None else f"{since} until {format_at(end)}"
