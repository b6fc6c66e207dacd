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
from matinee.learn.features.predicates import AllOf, Predicate
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
    """

    empty: ClassVar[Any] = None

    @abstractmethod
    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        """Partial results it is made of, over the events that pass the feature's `where`."""

    def finish(self, parts: Sequence[Any]) -> Any:
        """Value from its merged parts, a part over no events being None; by default the only part."""
        return self.empty if parts[0] is None else parts[0]

    def finish_sql(self, parts: Sequence[str]) -> str:
        """SQL of the value from SQL of the merged parts; DuckDB and Spark read it alike."""
        return parts[0] if self.empty is None else f"coalesce({parts[0]}, {self.empty})"

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Columns it reads, each with the types it may have."""
        return {}

    def result_type(self, _: str | None) -> str:
        """Type of the value, from the type of its column; "float" unless it says otherwise."""
        return "float"

    def conditions(self) -> tuple[Predicate, ...]:
        """Conditions of its own, beside the feature's."""
        return ()


@dataclass(frozen=True, slots=True)
class Count(Aggregate):
    """Number of events; with `value`, of those in which that column has a value."""

    value: str | None = None
    empty: ClassVar[Any] = 0

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {} if self.value is None else {self.value: SCALARS}

    def result_type(self, _: str | None) -> str:
        return "int"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (CountPart(self.value, where),)


@dataclass(frozen=True, slots=True)
class Sum(Aggregate):
    """Sum of a column of numbers. A sum of integers must fit into 64 bits; more is an error."""

    value: str
    empty: ClassVar[Any] = 0

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {self.value: NUMBERS}

    def result_type(self, value_type: str | None) -> str:
        return value_type or "float"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (SumPart(self.value, where),)


@dataclass(frozen=True, slots=True)
class Mean(Aggregate):
    """Mean of a column of numbers."""

    value: str

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {self.value: NUMBERS}

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return SumPart(self.value, where), CountPart(self.value, where)

    def finish(self, parts: Sequence[Any]) -> Any:
        return parts[0] / parts[1] if parts[1] else None

    def finish_sql(self, parts: Sequence[str]) -> str:
        return f"CAST({parts[0]} AS DOUBLE) / nullif({parts[1]}, 0)"


@dataclass(frozen=True, slots=True)
class Min(Aggregate):
    """Smallest value of a column of numbers."""

    value: str

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {self.value: NUMBERS}

    def result_type(self, value_type: str | None) -> str:
        return value_type or "float"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (MinPart(self.value, where),)


@dataclass(frozen=True, slots=True)
class Max(Aggregate):
    """Largest value of a column of numbers."""

    value: str

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {self.value: NUMBERS}

    def result_type(self, value_type: str | None) -> str:
        return value_type or "float"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (MaxPart(self.value, where),)


@dataclass(frozen=True, slots=True)
class LastK(Aggregate):
    """The latest `k` values, latest first; equal times are ordered by `seq`, later arrival first."""

    value: str
    k: int

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MAX_K:
            raise InputError(
                f"LastK({self.value!r}): k is {self.k!r}, expected a number from 1 to {MAX_K:,}."
            )

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {self.value: SCALARS}

    def result_type(self, value_type: str | None) -> str:
        return f"{value_type}[]"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (LastPart(self.value, where, self.k),)

    def finish(self, parts: Sequence[Any]) -> Any:
        return [] if parts[0] is None else parts[0]

    def finish_sql(self, parts: Sequence[str]) -> str:
        return parts[0]


@dataclass(frozen=True, slots=True)
class Distinct(Aggregate):
    """Number of different values, exact: a tile keeps the values themselves, however many."""

    value: str
    empty: ClassVar[Any] = 0

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {self.value: ("text", "int", "bool")}

    def result_type(self, _: str | None) -> str:
        return "int"

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (SetPart(self.value, where),)


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
        if self.part is None and (self.over is None or self.value is None):
            raise InputError(
                "Ratio: neither part nor both value and over are given, so it would always be 1. "
                'Pass part=where(...), or value="watch_s", over="runtime_s".'
            )
        if self.over is not None and self.value is None:
            raise InputError(f"Ratio: over is {self.over!r} without a value. Pass value too.")

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {column: NUMBERS for column in (self.value, self.over) if column is not None}

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

    def needs(self) -> dict[str, tuple[str, ...]]:
        return {} if self.value is None else {self.value: NUMBERS}

    def parts(self, where: Predicate | None) -> tuple[Part, ...]:
        return (DecayPart(self.value, where, duration_us(self.half_life, "DecayedSum: half_life")),)
