"""Which events a feature counts: a small typed language, pure data, with SQL's three-valued logic.

A comparison with a missing value is unknown, `not unknown` is unknown, and an event counts only where the
whole is true. The same trees become DuckDB SQL, Spark SQL and Python; nothing is evaluated from text.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matinee.errors import InputError, unknown_name
from matinee.learn.features.kinds import check_kind
from matinee.observe.lake.connection import literal

Scalar = str | int | float | bool
Quote = Callable[[str], str]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = (*_COMPARE, "in")


class Predicate(ABC):
    """A condition on one event."""

    @abstractmethod
    def sql(self, prefix: str, text: Quote = literal) -> str:
        """SQL of the condition; `prefix` stands before each column ("v."), `text` writes a text value."""

    @abstractmethod
    def holds(self, event: Mapping[str, object]) -> bool | None:
        """True, False, or None where a missing value leaves it unknown. A column not given is missing."""

    @abstractmethod
    def comparisons(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        """Each column with the values it is compared with."""


@dataclass(frozen=True, slots=True)
class Compare(Predicate):
    """`column op value`; made by `where`."""

    column: str
    op: str
    value: Scalar | tuple[Scalar, ...]

    def __post_init__(self) -> None:
        check_kind(self.column, str, "where: column", 'the name of a column, such as "device"')
        if not isinstance(self.op, str) or self.op not in OPERATORS:
            raise InputError(unknown_name(f"where({self.column!r})", "operator", self.op, OPERATORS))
        if self.op == "in":
            if not isinstance(self.value, tuple) or not self.value:
                raise InputError(
                    f'where({self.column!r}, "in"): value is {self.value!r}, expected at least one value '
                    'in a tuple. Write where("device", "in", ("tv", "phone")).'
                )
        elif isinstance(self.value, tuple):
            raise InputError(
                f'where({self.column!r}, "{self.op}"): value is {self.value!r}, expected one value. '
                'Use "in" for several.'
            )
        for value in self.values:
            _check_value(self.column, value)

    @property
    def values(self) -> tuple[Scalar, ...]:
        """What the column is compared with."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def sql(self, prefix: str, text: Quote = literal) -> str:
        texts = [text(value) if isinstance(value, str) else _sql_number(value) for value in self.values]
        column = prefix + self.column
        if self.op == "in":
            return f"{column} IN ({', '.join(texts)})"
        return f"{column} {'=' if self.op == '==' else '<>' if self.op == '!=' else self.op} {texts[0]}"

    def holds(self, event: Mapping[str, object]) -> bool | None:
        found = event.get(self.column)
        if found is None:
            return None
        if self.op == "in":
            return found in self.values
        return _COMPARE[self.op](found, self.value)

    def comparisons(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        yield self.column, self.values


@dataclass(frozen=True, slots=True)
class IsNull(Predicate):
    """The column has no value."""

    column: str

    def __post_init__(self) -> None:
        check_kind(self.column, str, "is_null: column", 'the name of a column, such as "device"')

    def sql(self, prefix: str, _: Quote = literal) -> str:
        return f"{prefix}{self.column} IS NULL"

    def holds(self, event: Mapping[str, object]) -> bool | None:
        return event.get(self.column) is None

    def comparisons(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        yield self.column, ()


@dataclass(frozen=True, slots=True)
class AllOf(Predicate):
    """Every part holds."""

    parts: tuple[Predicate, ...]

    def sql(self, prefix: str, text: Quote = literal) -> str:
        return "(" + " AND ".join(part.sql(prefix, text) for part in self.parts) + ")"

    def holds(self, event: Mapping[str, object]) -> bool | None:
        found = [part.holds(event) for part in self.parts]
        return False if False in found else None if None in found else True

    def comparisons(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        for part in self.parts:
            yield from part.comparisons()


@dataclass(frozen=True, slots=True)
class AnyOf(Predicate):
    """At least one part holds."""

    parts: tuple[Predicate, ...]

    def sql(self, prefix: str, text: Quote = literal) -> str:
        return "(" + " OR ".join(part.sql(prefix, text) for part in self.parts) + ")"

    def holds(self, event: Mapping[str, object]) -> bool | None:
        found = [part.holds(event) for part in self.parts]
        return True if True in found else None if None in found else False

    def comparisons(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        for part in self.parts:
            yield from part.comparisons()


@dataclass(frozen=True, slots=True)
class Not(Predicate):
    """The part does not hold; unknown stays unknown."""

    part: Predicate

    def __post_init__(self) -> None:
        check_condition(self.part, "not_: its part")

    def sql(self, prefix: str, text: Quote = literal) -> str:
        return f"(NOT {self.part.sql(prefix, text)})"

    def holds(self, event: Mapping[str, object]) -> bool | None:
        found = self.part.holds(event)
        return None if found is None else not found

    def comparisons(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        yield from self.part.comparisons()


def where(column: str, op: str, value: Scalar | tuple[Scalar, ...]) -> Predicate:
    """Compare a column with a value.

    Parameters
    ----------
    op : "==", "!=", "<", "<=", ">", ">=" or "in"
        Texts compare by code point.
    value : str, int, float, bool, or a tuple of them for "in"
        Of the type of the column.

    Raises
    ------
    InputError
        The operator is unknown, or the value does not suit it.

    Examples
    --------
    >>> where("device", "in", ("tv", "phone")).holds({"device": "tv"})
    True
    >>> where("watch_s", ">=", 120.0).holds({}) is None
    True
    """
    return Compare(column, op, value)


def is_null(column: str) -> Predicate:
    """The column has no value.

    Examples
    --------
    >>> is_null("rating").sql("v.")
    'v.rating IS NULL'
    """
    return IsNull(column)


def all_of(*parts: Predicate) -> Predicate:
    """And.

    Examples
    --------
    >>> all_of(where("a", ">", 1), where("b", "==", "x")).sql("v.")
    "(v.a > 1 AND v.b = 'x')"
    """
    return AllOf(_some("all_of", parts))


def any_of(*parts: Predicate) -> Predicate:
    """Or."""
    return AnyOf(_some("any_of", parts))


def not_(part: Predicate) -> Predicate:
    """Not. An unknown condition stays unknown, so `not_(where("rating", ">", 3))` needs a rating.

    Examples
    --------
    >>> not_(where("rating", ">", 3)).holds({}) is None
    True
    """
    return Not(part)


def check_condition(part: object, what: str) -> None:
    """Refuse what is no condition, such as a text of SQL; `what` begins the message.

    Raises
    ------
    InputError
        It is no `Predicate`.
    """
    check_kind(part, Predicate, what, 'a condition. Write where("device", "==", "tv")')


def _some(name: str, parts: tuple[Predicate, ...]) -> tuple[Predicate, ...]:
    if not parts:
        raise InputError(f"{name}: no condition was given, expected at least one.")
    for number, part in enumerate(parts, 1):
        check_condition(part, f"{name}: part {number}")
    return parts


def _check_value(column: str, value: object) -> None:
    if not isinstance(value, str | int | float):
        raise InputError(
            f"where({column!r}): value is {value!r}, expected a text, number or truth value. "
            "For a missing value use is_null."
        )
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        raise InputError(f"where({column!r}): value is {value!r}, expected a finite number.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InputError(f"where({column!r}): value is {value!r}, expected an integer of 64 bits.")


def _sql_number(value: float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"CAST({value!r} AS DOUBLE)" if isinstance(value, float) else repr(value)
