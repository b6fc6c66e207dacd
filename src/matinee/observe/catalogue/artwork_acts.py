"""Approve images, and withdraw them: acts of people with a name, kept as new versions of the facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matinee.errors import InputError, NotFoundError, unknown_name
from matinee.observe.catalogue.artwork import TABLE
from matinee.observe.catalogue.artwork_store import Row, image_rows, stage_images, write_time
from matinee.observe.catalogue.clearance import ANYWHERE, COLUMNS, Clearances
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.facts import store_facts
from matinee.observe.lake.writer import writing
from matinee.types import format_at

Change = Callable[[Row, int], Row]
"""From a row and the moment since which the new one holds to the new one; the same row: nothing changes."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What an act did, or would do.

    Attributes
    ----------
    at_us : int
        Since when it holds.
    images, already : list of str
        Ids that were changed, and those that stood so before.
    titles : list of str
        Titles of the images that were changed.
    bare : list of str
        Of these, titles that have no cleared image now, in any territory.
    """

    at_us: int
    images: list[str]
    already: list[str]
    titles: list[str]
    bare: list[str]


def approve(
    home: Home,
    ids: Sequence[str],
    *,
    by: str,
    now_us: int,
    territories: Sequence[str] | None = None,
    start_us: int | None = None,
    end_us: int | None = None,
    again: bool = False,
    dry_run: bool = False,
) -> Acted:
    """Clear images.

    Parameters
    ----------
    by : str
        Who approves.
    now_us : int
        By the home's clock.
    territories : sequence of str, optional
        Where; empty: everywhere. None: as the image's facts say.
    start_us, end_us : int, optional
        When, the end excluded. None: as the image's facts say.
    again : bool
        Also images that were withdrawn.

    Raises
    ------
    NotFoundError
        An id is unknown. Nothing was written.
    InputError
        An image was withdrawn, the window is empty, or nobody is named. Nothing was written.
    StorageError
        The lake cannot be written.
    """
    if not by.strip():
        raise InputError("artwork approve: --by is empty, expected the name of who approves.")

    def change(row: Row, at_us: int) -> Row:
        if row["withdrawn_us"] is not None and not again:
            raise InputError(
                f"artwork {row['artwork_id']}: was withdrawn on {format_at(row['withdrawn_us'])} "
                f"({row['withdrawn_why']}). Pass --again to approve it all the same."
            )
        new = row | {"withdrawn_us": None, "withdrawn_by": None, "withdrawn_why": None}
        new |= {} if territories is None else {"territories": sorted(set(territories))}
        new |= {} if start_us is None else {"start_us": start_us}
        new |= {} if end_us is None else {"end_us": end_us}
        if new["start_us"] is not None and new["end_us"] is not None and new["end_us"] <= new["start_us"]:
            raise InputError(
                f"artwork {row['artwork_id']}: until is {format_at(new['end_us'])}, expected a time after "
                f"{format_at(new['start_us'])} (from). Give both."
            )
        if new == row and row["approved_by"] == by.strip():
            return row
        return new | {"approved_by": by.strip(), "approved_us": at_us}

    return _act(home, ids, change, now_us=now_us, dry_run=dry_run)


def withdraw(
    home: Home, ids: Sequence[str], *, why: str, by: str, now_us: int, dry_run: bool = False
) -> Acted:
    """Take images back: from now on none of them is shown, and running servers see it within a second.

    Raises
    ------
    NotFoundError
        An id is unknown. Nothing was written.
    InputError
        No reason or nobody is given. Nothing was written.
    StorageError
        The lake cannot be written.
    """
    for name, value in (("why", why), ("by", by)):
        if not value.strip():
            expected = "the reason" if name == "why" else "the name of who withdraws"
            raise InputError(f"artwork withdraw: --{name} is empty, expected {expected}.")

    def change(row: Row, at_us: int) -> Row:
        if row["withdrawn_us"] is not None:
            return row
        return row | {"withdrawn_us": at_us, "withdrawn_by": by.strip(), "withdrawn_why": why.strip()}

    return _act(home, ids, change, now_us=now_us, dry_run=dry_run)


def _act(home: Home, ids: Sequence[str], change: Change, *, now_us: int, dry_run: bool) -> Acted:
    """Change the rows of some ids in one write."""
    with writing(home.lake) as write, connect(write.scratch / "spill", threads=1) as con:
        every = image_rows(con, write, columns=("title_id", *COLUMNS))
        known = image_rows(con, write, ids=ids)
        missing = next((one for one in ids if one not in known), None)
        if missing is not None and not every:
            raise NotFoundError(
                f'artwork: unknown id "{missing}". No image is known: matinee import artwork PATH.'
            )
        if missing is not None:
            raise NotFoundError(_unknown(missing, every))
        at_us = write_time(write.before.of(TABLE), now_us)
        wanted = {one: change(known[one], at_us) for one in dict.fromkeys(ids)}
        changed = {one: row for one, row in wanted.items() if row != known[one]}
        if changed and not dry_run:
            stage_images(con, write, list(changed.values()), "acted")
            store_facts(write, con, TABLE, "acted", from_us=at_us)
    titles = sorted({row["title_id"] for row in changed.values()})
    able = cleared_titles(list((every | changed).values()), at_us)
    return Acted(
        at_us=at_us,
        images=list(changed),
        already=[one for one in wanted if one not in changed],
        titles=titles,
        bare=[title for title in titles if title not in able],
    )


def cleared_titles(rows: Sequence[Row], at_us: int) -> set[str]:
    """Titles with at least one image that is cleared at a moment, wherever."""
    codes = Clearances.from_rows(rows).why_not(at_us, None)
    return {row["title_id"] for row, code in zip(rows, codes, strict=True) if code in ANYWHERE}


def _unknown(one: str, known: dict[str, Row]) -> str:
    """Text for an unknown id; all the others are too many to name."""
    text = unknown_name("artwork", "id", one, known)
    start, _, _ = text.partition(" Known: ")
    return f"{start} See them: matinee artwork list."
