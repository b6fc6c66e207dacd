"""Outages: declared stretches of time in which what members did says nothing about what they like."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from matinee.errors import InputError, NotFoundError, unknown_name
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.facts import store_facts
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.observe.lake.tables import FACTS
from matinee.observe.lake.writer import writing
from matinee.types import NEVER_US, Ids, Mask, Times, format_at

TABLE = "outages"
"""Of the lake. Every reader may read it: it says something about the log and nothing about a member."""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of time.

    Attributes
    ----------
    outage_id : str
        Follows from begin and territory: declaring it again changes its end or its note.
    start_us, end_us : int
        Both included. `end_us` is `NEVER_US` while it lasts.
    note : str
        What happened, for people.
    territory : str or None
        Only there; None: everywhere.
    """

    outage_id: str
    start_us: int
    end_us: int
    note: str
    territory: str | None = None

    @property
    def span(self) -> str:
        """Begin and end, readable."""
        return f"{format_at(self.start_us)} to {'now' if self.end_us == NEVER_US else format_at(self.end_us)}"


@dataclass(frozen=True, slots=True)
class Outages:
    """The outages that were known at a moment.

    Examples
    --------
    >>> one = Outage(outage_id="o1", start_us=10, end_us=20, note="DNS")
    >>> Outages((one,)).cover(np.array([9, 10, 20, 21])).tolist()
    [False, True, True, False]
    """

    known: tuple[Outage, ...] = ()

    def __len__(self) -> int:
        return len(self.known)

    def __iter__(self) -> Iterator[Outage]:
        return iter(self.known)

    def cover(self, at_us: Times, territory: Ids | None = None) -> Mask:
        """Which events lie inside an outage.

        Parameters
        ----------
        at_us : ndarray of int64, shape (n_events,)
        territory : ndarray of object (str or None), shape (n_events,), optional
            Where. An outage of one territory covers only events that are known to be from there.

        Returns
        -------
        ndarray of bool, shape (n_events,)
        """
        inside = np.zeros(len(at_us), np.bool_)
        for one in self.known:
            there = (at_us >= one.start_us) & (at_us <= one.end_us)
            if one.territory is not None:
                there &= np.zeros(len(at_us), np.bool_) if territory is None else territory == one.territory
            inside |= there
        return inside

    def sql(self, at: str = "at_us", territory: str = "territory") -> str:
        """Condition of SQL for "inside an outage"; `at` and `territory` are expressions. Never NULL."""
        parts = []
        for one in self.known:
            part = f"{at} BETWEEN {one.start_us} AND {one.end_us}"
            if one.territory is not None:
                part += f" AND {territory} IS NOT DISTINCT FROM {literal(one.territory)}"
            parts.append(f"({part})")
        return f"({' OR '.join(parts)})" if parts else "false"

    def touch(self, start_us: int, end_us: int) -> tuple[Outage, ...]:
        """Those that share a moment with a stretch of time, its begin excluded and its end included."""
        return tuple(one for one in self.known if one.start_us <= end_us and one.end_us > start_us)


def outages(home: Home, at_us: int = NEVER_US) -> Outages:
    """What was declared by a moment, the earliest outage first.

    An outage that was declared later is not seen: a training that is repeated as of a past moment learns from
    the same events as it did then.

    Raises
    ------
    StorageError
        The lake cannot be read.
    """
    files = [file for file in read_manifest(home.lake).of(TABLE) if file.min_at_us <= at_us]
    if not files:
        return Outages()
    names = Outage.__struct_fields__
    with connect(threads=1) as con:
        rows = con.execute(
            f"SELECT {', '.join(names)} FROM (SELECT * FROM {parquet(home.lake, files)} WHERE from_us <= ? "
            "QUALIFY row_number() OVER (PARTITION BY outage_id ORDER BY from_us DESC, batch DESC) = 1) "
            "WHERE NOT withdrawn ORDER BY start_us, outage_id",
            [int(at_us)],
        ).fetchall()
    return Outages(tuple(Outage(**dict(zip(names, row, strict=True))) for row in rows))


def declare(
    home: Home,
    start_us: int,
    end_us: int | None,
    *,
    note: str,
    territory: str | None = None,
    from_us: int,
) -> Outage:
    """Declare an outage, or change the end or the note of one with this begin and territory.

    Parameters
    ----------
    end_us : int or None
        None: it lasts.
    from_us : int
        Since when it is known (the home's now): readings as of an earlier moment do not see it.

    Raises
    ------
    InputError
        It ends before it begins, begins in the future, or has no note. Nothing was written.
    StorageError
        The lake cannot be written.
    """
    if end_us is not None and end_us < start_us:
        raise InputError(
            f"outage: until is {format_at(end_us)}, expected a time not before {format_at(start_us)} (from)."
        )
    if start_us > from_us:
        raise InputError(
            f"outage: from is {format_at(start_us)}, expected a time not after now ({format_at(from_us)}). "
            "Declare it when it has begun."
        )
    if not note.strip():
        raise InputError("outage: note is empty, expected what happened, as in --note 'DNS failure'.")
    if territory is not None and not territory.strip():
        raise InputError("outage: territory is empty, expected a code such as NL, or none for everywhere.")
    digest = hashlib.blake2b(f"{start_us} {territory or ''}".encode(), digest_size=4).hexdigest()
    found = Outage(
        outage_id=digest,
        start_us=start_us,
        end_us=NEVER_US if end_us is None else end_us,
        note=note.strip(),
        territory=territory,
    )
    _store(home, found, from_us=from_us, withdrawn=False)
    return found


def withdraw(home: Home, outage_id: str, *, from_us: int) -> Outage:
    """Take a declaration back: from now on its events count again.

    Raises
    ------
    NotFoundError
        No outage of this id is known at `from_us`.
    StorageError
        The lake cannot be written.
    """
    known = {one.outage_id: one for one in outages(home, from_us)}
    if outage_id not in known:
        if not known:
            raise NotFoundError(f'outage: unknown id "{outage_id}". None is declared.')
        raise NotFoundError(unknown_name("outage", "id", outage_id, known))
    _store(home, known[outage_id], from_us=from_us, withdrawn=True)
    return known[outage_id]


def _store(home: Home, one: Outage, *, from_us: int, withdrawn: bool) -> None:
    values = msgspec.structs.asdict(one) | {"withdrawn": withdrawn}
    columns = [column for column in FACTS[TABLE] if column in values]
    select = ", ".join(f"CAST(? AS {FACTS[TABLE][column]}) AS {column}" for column in columns)
    with writing(home.lake) as write, connect(write.scratch / "spill", threads=1) as con:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE incoming_facts AS SELECT {select}",
            [values[column] for column in columns],
        )
        store_facts(write, con, TABLE, "incoming_facts", from_us=from_us)
