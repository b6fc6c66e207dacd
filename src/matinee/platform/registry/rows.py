"""Rows in and out of tables: one struct per table, its fields named like the columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, select
from sqlalchemy.dialects import postgresql, sqlite

from matinee.errors import InputError, NotFoundError, unknown_name

KNOWN_SHOWN = 1000
"""Most names among which the nearest to an unknown one is sought."""


R = TypeVar("R", bound=msgspec.Struct)


def insert_into(con: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    return postgresql.insert(table) if con.dialect.name == "postgresql" else sqlite.insert(table)


def values_of(row: msgspec.Struct, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Column -> value. A number that is not finite is none: SQLite keeps no NaN."""
    found = {key: value for key, value in msgspec.structs.asdict(row).items() if key not in without}
    nothing = (key for key, value in found.items() if isinstance(value, float) and not math.isfinite(value))
    return {**found, **dict.fromkeys(nothing)}


def same_key(table: FromClause, key: dict[str, Any]) -> ColumnElement[bool]:
    """Condition for the row with this key."""
    return and_(*(table.c[column] == value for column, value in key.items()))


def find(con: Connection, table: Table, kind: type[R], **key: Any) -> R | None:
    """The row with this key."""
    found = con.execute(select(table).where(same_key(table, key))).mappings().first()
    return None if found is None else kind(**found)


def all_rows(con: Connection, kind: type[R], query: Any) -> list[R]:
    """Rows of a query that selects a whole table."""
    return [kind(**found) for found in con.execute(query).mappings()]


def add_once(
    con: Connection, table: Table, row: msgspec.Struct, *, key: Sequence[str], times: Sequence[str]
) -> bool:
    """Insert a row that never changes; the same row again is no error.

    Parameters
    ----------
    key : sequence of str
        Columns that name it.
    times : sequence of str
        Columns that may differ when the same thing is registered again (when, by which process).

    Returns
    -------
    bool
        It is new.

    Raises
    ------
    InputError
        Something else is registered under this name: two versions with one name.
    """
    values = values_of(row)
    new = insert_into(con, table).values(**values).on_conflict_do_nothing().returning(table.c[key[0]])
    if con.execute(new).first() is not None:
        return True
    found = find(con, table, type(row), **{column: values[column] for column in key})
    name = "/".join(str(values[column]) for column in key)
    before = values if found is None else values_of(found)
    plain = msgspec.to_builtins
    for column, value in values.items():
        if column not in times and plain(value) != plain(before[column]):
            raise InputError(
                f"{table.name} {name}: {column} is {_short(value)}, expected {_short(before[column])}, as "
                "registered before. Two versions cannot have one name: give the new one another."
            )
    return False


def require(con: Connection, table: Table, where: str, noun: str, **key: Any) -> None:
    """See that a row exists.

    Raises
    ------
    NotFoundError
        It does not; the message names the nearest known one.
    """
    if con.execute(select(table.c[next(iter(key))]).where(same_key(table, key)).limit(1)).first() is None:
        *scope, (column, name) = key.items()
        known = con.execute(
            select(table.c[column]).where(same_key(table, dict(scope))).distinct().limit(KNOWN_SHOWN)
            if scope
            else select(table.c[column]).distinct().limit(KNOWN_SHOWN)
        ).scalars()
        raise NotFoundError(nearest(where, noun, str(name), known))


def nearest(where: str, noun: str, name: str, known: Iterable[str]) -> str:
    """Text for an unknown name; it says so where nothing is known yet, and shortens a long list."""
    names = sorted(map(str, known))
    if not names:
        return f'{where}: unknown {noun} "{name}". None is registered yet.'
    if len(names) <= 20:
        return unknown_name(where, noun, name, names)
    text = unknown_name(where, noun, name, names)
    return f"{text.partition(' Known: ')[0]} {len(names)} are known, such as {', '.join(names[:5])}."


def check_choice(where: str, noun: str, value: str, allowed: Sequence[str]) -> None:
    """See that a word is one of the agreed ones.

    Raises
    ------
    InputError
        It is not.
    """
    if value not in allowed:
        raise InputError(unknown_name(where, noun, value, allowed))


def _short(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
