"""The aggregates that a feature may be.

Missing values never count. Over no events count, sum, distinct and decayed sum are 0, the last values are an
empty list, and the others have no value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from matinee.errors import InputError
from matinee.learn.features.kinds import check_kind
from matinee.learn.features.moments import duration_us
from matinee.learn.features.parts import (
    CountPart,
    DecayPart,
    LastPart,
    MaxPart,
    MinPart,
    Part,
    SetPart,
    SumPart,
    TimePart,
)
from matinee.learn.features.predicates import AllOf, Predicate, check_condition
from matinee.types import SECOND_US

NUMBERS = ("int", "float")
SCALARS = ("text", "int", "float", "bool")
MAX_K = 10_000


class Aggregate(ABC):
    """What is computed over the events of a window.

    Attributes
    ----------
    empty : int, list or None
        The value over no events.
    takes : tuple of str
        Types that its columns may have.
    """

    empty: ClassVar[Any] = None
    takes: ClassVar[tuple[str, ...]] = NUMBERS

    @abstractmethod
    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        """Partial results it is made of, over the events that pass the feature's `where`."""

    def finish(self, parts: Sequence[Any]) -> Any:
        """Value from its merged parts, a part over no events being None; by default the only part."""
        return self.empty if parts[0] is None else parts[0]

    def finish_sql(self, parts: Sequence[str]) -> str:
        """SQL of the value from SQL of the merged parts; DuckDB and Spark read it alike."""
        return parts[0] if self.empty is None else f"coalesce({parts[0]}, {self.empty})"

    def columns(self) -> tuple[str, ...]:
        """Columns it reads; none by default."""
        return ()

    def result_type(self, _: str | None) -> str:
        """Type of the value, from the type of its column; "float" unless it says otherwise."""
        return "float"

    def conditions(self) -> tuple[Predicate, ...]:
        """Conditions of its own, beside the feature's."""
        return ()


@dataclass(frozen=True, slots=True)
class OnePart(Aggregate):
    """An aggregate of one column that is one partial result.

    Attributes
    ----------
    value : str
        The column.
    part : type of Part
        The partial result.
    gives : str or None
        Type of the value; None: that of the column.
    """

    value: str
    part: ClassVar[type[Part]]
    gives: ClassVar[str | None] = None

    def columns(self) -> tuple[str, ...]:
        return (self.value,)

    def result_type(self, value_type: str | None) -> str:
        return self.gives or value_type or "float"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (self.part(self.value, where),)


@dataclass(frozen=True, slots=True)
class Count(Aggregate):
    """Number of events; with `value`, of those in which that column has a value."""

    value: str | None = None
    empty: ClassVar[Any] = 0
    takes: ClassVar[tuple[str, ...]] = SCALARS

    def columns(self) -> tuple[str, ...]:
        return () if self.value is None else (self.value,)

    def result_type(self, _: str | None) -> str:
        return "int"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (CountPart(self.value, where),)


@dataclass(frozen=True, slots=True)
class Sum(OnePart):
    """Sum of a column of numbers. A sum of integers must fit into 64 bits; more is an error."""

    empty: ClassVar[Any] = 0
    part: ClassVar[type[Part]] = SumPart


@dataclass(frozen=True, slots=True)
class Min(OnePart):
    """Smallest value of a column of numbers."""

    part: ClassVar[type[Part]] = MinPart


@dataclass(frozen=True, slots=True)
class Max(OnePart):
    """Largest value of a column of numbers."""

    part: ClassVar[type[Part]] = MaxPart


@dataclass(frozen=True, slots=True)
class Distinct(OnePart):
    """Number of different values, exact: a tile keeps the values themselves, however many."""

    empty: ClassVar[Any] = 0
    takes: ClassVar[tuple[str, ...]] = ("text", "int", "bool")
    part: ClassVar[type[Part]] = SetPart
    gives: ClassVar[str | None] = "int"


@dataclass(frozen=True, slots=True)
class Mean(Aggregate):
    """Mean of a column of numbers."""

    value: str

    def columns(self) -> tuple[str, ...]:
        return (self.value,)

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return SumPart(self.value, where), CountPart(self.value, where)

    def finish(self, parts: Sequence[Any]) -> Any:
        return parts[0] / parts[1] if parts[1] else None

    def finish_sql(self, parts: Sequence[str]) -> str:
        return f"CAST({parts[0]} AS DOUBLE) / nullif({parts[1]}, 0)"


@dataclass(frozen=True, slots=True)
class LastK(Aggregate):
    """The latest `k` values, latest first; equal times are ordered by `seq`, later arrival first."""

    value: str
    k: int
    takes: ClassVar[tuple[str, ...]] = SCALARS

    def __post_init__(self) -> None:
        expected = f"a whole number from 1 to {MAX_K:,}"
        check_kind(self.k, int, f"LastK({self.value!r}): k", expected)
        if not 1 <= self.k <= MAX_K:
            raise InputError(f"LastK({self.value!r}): k is {self.k!r}, expected {expected}.")

    def columns(self) -> tuple[str, ...]:
        return (self.value,)

    def result_type(self, value_type: str | None) -> str:
        return f"{value_type}[]"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (LastPart(self.value, where, self.k),)

    def finish(self, parts: Sequence[Any]) -> Any:
        return [] if parts[0] is None else parts[0]

    def finish_sql(self, parts: Sequence[str]) -> str:
        return parts[0]


@dataclass(frozen=True, slots=True)
class Ratio(Aggregate):
    """One sum over another; no value where the lower one is 0.

    Above: events that pass `part` too, counted, or the sum of `value`. Below: all events of the feature,
    counted; the sum of `over` if given, else of `value` if given.

    Examples
    --------
    >>> from matinee.learn.features.predicates import where
    >>> share_on_tv = Ratio(part=where("device", "==", "tv"))
    >>> share_of_runtime = Ratio(value="watch_s", over="runtime_s")
    """

    value: str | None = None
    over: str | None = None
    part: Predicate | None = None

    def __post_init__(self) -> None:
        if self.part is not None:
            check_condition(self.part, "Ratio: part")
        if self.part is None and (self.over is None or self.value is None):
            raise InputError(
                "Ratio: neither part nor both value and over are given, so it would always be 1. "
                'Pass part=where(...), or value="watch_s", over="runtime_s".'
            )
        if self.over is not None and self.value is None:
            raise InputError(f"Ratio: over is {self.over!r} without a value. Pass value too.")

    def columns(self) -> tuple[str, ...]:
        return tuple(column for column in (self.value, self.over) if column is not None)

    def conditions(self) -> tuple[Predicate, ...]:
        return () if self.part is None else (self.part,)

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        both = tuple(p for p in (where, self.part) if p is not None)
        above = AllOf(both) if len(both) == 2 else both[0] if both else None
        below = self.over or self.value
        return (
            CountPart(None, above) if self.value is None else SumPart(self.value, above),
            CountPart(None, where) if below is None else SumPart(below, where),
        )

    def finish(self, parts: Sequence[Any]) -> Any:
        return (parts[0] or 0) / parts[1] if parts[1] else None

    def finish_sql(self, parts: Sequence[str]) -> str:
        return f"CAST(coalesce({parts[0]}, 0) AS DOUBLE) / nullif({parts[1]}, 0)"


@dataclass(frozen=True, slots=True)
class TimeSince(Aggregate):
    """Seconds since the latest event."""

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (TimePart(None, where),)

    def finish(self, parts: Sequence[Any]) -> Any:
        return None if parts[0] is None else parts[0] / SECOND_US

    def finish_sql(self, parts: Sequence[str]) -> str:
        return f"CAST({parts[0]} AS DOUBLE) / {SECOND_US}"


@dataclass(frozen=True, slots=True)
class DecayedSum(Aggregate):
    """Sum in which an event's value is halved for every `half_life` that has passed since it.

    Parameters
    ----------
    half_life : str
        Such as "7d"; at least a minute.
    value : str, optional
        Column of numbers; without it every event counts 1.
    """

    half_life: str
    value: str | None = None
    empty: ClassVar[Any] = 0.0

    def __post_init__(self) -> None:
        duration_us(self.half_life, "DecayedSum: half_life")

    def columns(self) -> tuple[str, ...]:
        return () if self.value is None else (self.value,)

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (DecayPart(self.value, where, duration_us(self.half_life, "DecayedSum: half_life")),)
