"""Where events and their attributes come from, and the types of their columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from matinee.errors import InputError, unknown_name
from matinee.learn.features.kinds import check_kind
from matinee.observe.lake.tables import EVENTS, FACTS, VERSION

TYPES = ("text", "int", "float", "bool", "text[]")
CLOCKS = ("at_us", "seen_us", "seq")
"""Every table of events has these; a feature's window and order come from them."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_LAKE_TYPES = {
    "VARCHAR": "text",
    "BIGINT": "int",
    "INTEGER": "int",
    "DOUBLE": "float",
    "BOOLEAN": "bool",
    "VARCHAR[]": "text[]",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A table of events: one row per event with `at_us`, `seen_us` and `seq` beside its columns.

    `seq` orders events of one entity with equal times and must differ among them.

    Attributes
    ----------
    table : str
        Name of the view or table in the engine; for the evaluator, the name given with each event.
    columns : mapping of str to str
        Column -> "text", "int" (64 bits), "float" (64 bits, never NaN), "bool" or "text[]".
    entity : str
        Column of type text that says whom the event belongs to.
    sql : str or None
        Free-form SQL that stands for the table: for features that only a batch computes. The online
        evaluator refuses them by name.

    Raises
    ------
    InputError
        A name or type is not usable, or the entity is no text column.
    """

    table: str
    columns: Mapping[str, str]
    entity: str = "member_id"
    sql: str | None = field(default=None)

    def __post_init__(self) -> None:
        _check_columns("Source", self.table, self.columns)
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        check_kind(self.entity, str, f"Source {self.table}: entity", "the name of a column of type text")
        if self.columns.get(self.entity) != "text":
            raise InputError(
                f"Source {self.table}: entity is {self.entity!r}, expected a column of type text. "
                f"Known: {', '.join(c for c, t in self.columns.items() if t == 'text') or 'none'}."
            )
        if self.sql is not None:
            check_kind(self.sql, str, f"Source {self.table}: sql", "a SELECT, or None for a table")
        if self.sql is not None and not self.sql.strip():
            raise InputError(f"Source {self.table}: sql is empty, expected a SELECT, or None for a table.")


@dataclass(frozen=True, slots=True)
class Facts:
    """A table with one row per key, such as titles: what an event's id stands for.

    Attributes
    ----------
    table : str
        Name of the view or table in the engine.
    key : str
        Its column that an event's column of the same name points to.
    columns : mapping of str to str
        Column -> type, as in `Source`.
    """

    table: str
    key: str
    columns: Mapping[str, str]

    def __post_init__(self) -> None:
        _check_columns("Facts", self.table, self.columns)
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        check_kind(self.key, str, f"Facts {self.table}: key", "the name of a column of type text")
        if self.columns.get(self.key) != "text":
            raise InputError(f"Facts {self.table}: key is {self.key!r}, expected a column of type text.")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What events are grouped by besides the entity; the feature is then a value per group.

    A list column counts the event once in each of its groups. Events without the attribute are in none.

    Attributes
    ----------
    column : str
        Column of the event, or of `facts`, of type text, int or text[].
    facts : Facts or None
        Look the event's key up in this table. Its newest version is read: a title whose genres were
        corrected counts with the corrected ones in every window of a batch, and online from then on.

    Examples
    --------
    >>> by_genre = Attribute("genres", lake_facts("titles"))
    """

    column: str
    facts: Facts | None = None

    def __post_init__(self) -> None:
        check_kind(self.column, str, "Attribute: column", 'the name of a column, such as "genres"')
        if self.facts is not None:
            check_kind(
                self.facts, Facts, f"Attribute {self.column!r}: facts", 'a Facts. Write lake_facts("titles")'
            )
        if self.facts is not None and self.facts.columns.get(self.column) not in ("text", "int", "text[]"):
            raise InputError(
                f"Attribute {self.column!r} of {self.facts.table}: expected a column of type text, int or "
                f"text[]. Known: {', '.join(self.facts.columns)}."
            )


def lake_source(table: str, entity: str = "member_id") -> Source:
    """Table of events of the lake, such as "plays".

    Raises
    ------
    InputError
        The lake has no such table of events.

    Examples
    --------
    >>> lake_source("plays").columns["watch_s"]
    'float'
    """
    if not isinstance(table, str) or table not in EVENTS:
        raise InputError(unknown_name("lake_source", "table of events", table, EVENTS))
    columns = {c: _LAKE_TYPES[t] for c, t in EVENTS[table].items() if c not in (*CLOCKS, "copy")}
    return Source(table, columns, entity)


def lake_facts(table: str) -> Facts:
    """Table of facts of the lake with one row per key: "titles" or "members".

    Raises
    ------
    InputError
        The lake has no such table, or it has several rows per key.
    """
    keys = {"titles": "title_id", "members": "member_id"}
    if not isinstance(table, str) or table not in keys:
        raise InputError(unknown_name("lake_facts", "table of facts", table, keys))
    return Facts(table, keys[table], {c: _LAKE_TYPES[t] for c, t in FACTS[table].items() if c not in VERSION})


def sql_source(name: str, sql: str, columns: Mapping[str, str], entity: str = "member_id") -> Source:
    """Events made by free-form SQL in the engine's own dialect; only for batch features.

    The result needs `at_us`, `seen_us` and `seq` as every source. Nothing checks that the text keeps to what
    was known at a time: that is its author's duty.
    """
    return Source(name, columns, entity, sql)


def _check_columns(kind: str, table: str, columns: Mapping[str, str]) -> None:
    if not (isinstance(table, str) and _NAME.fullmatch(table)):
        raise InputError(f"{kind}: table is {table!r}, expected letters, digits and _, at most 63.")
    check_kind(columns, Mapping, f"{kind} {table}: columns", 'types by column, such as {"member_id": "text"}')
    for column, type_ in columns.items():
        if not (isinstance(column, str) and _NAME.fullmatch(column)):
            raise InputError(
                f"{kind} {table}: column is {column!r}, expected letters, digits and _, at most 63."
            )
        if type_ not in TYPES:
            raise InputError(unknown_name(f"{kind} {table}, column {column}", "type", type_, TYPES))
