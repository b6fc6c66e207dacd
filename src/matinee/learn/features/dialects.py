"""What differs between SQL engines; the rest of the compiler is shared.

A part is written in three ways: `whole` gives its value over the joined events of a label, `fold` a state
that can be merged, and `merge` the value from the states of a label. `v` is the event, `l` the label. The
value of a `TimePart` is the time of the latest event; the compiler makes an age of it at last.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

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
from matinee.learn.features.plan import Slot
from matinee.observe.lake.connection import literal, quoted

Write = Callable[["Dialect", Slot, str], str]


class Dialect(ABC):
    """Names, texts and the few functions that engines call differently."""

    sql_type: ClassVar[dict[str, str]]
    hashed: frozenset[str] = frozenset()
    """Columns whose different values are counted by their hashes, `h_…` of the event."""

    @abstractmethod
    def name(self, text: str) -> str:
        """A column or table inside SQL."""

    @abstractmethod
    def text(self, value: str) -> str:
        """A text value inside SQL."""

    @abstractmethod
    def unfold(self, array: str) -> str:
        """One row per different element of an array."""

    @abstractmethod
    def numbers(self, first: str, after: str) -> str:
        """Array of the integers from `first` to before `after`; empty if there are none."""

    @abstractmethod
    def join_arrays(self, one: str, other: str) -> str:
        """Elements of both arrays."""

    @abstractmethod
    def each(self, array: str) -> str:
        """One row per element of an array, repeats included."""

    @abstractmethod
    def latest(self, value: str, k: int, condition: str) -> str:
        """Aggregate: the `k` latest values by (at_us, seq) as an array, latest first."""

    @abstractmethod
    def latest_states(self, value: str, k: int, condition: str) -> str:
        """Aggregate: the same with their times, to be merged by `merge_latest`."""

    @abstractmethod
    def merge_latest(self, states: str, k: int, condition: str) -> str:
        """Aggregate: the `k` latest values of several such states."""

    @abstractmethod
    def values(self, value: str, condition: str) -> str:
        """Aggregate: the different values as an array."""

    @abstractmethod
    def count_values(self, arrays: str, condition: str) -> str:
        """Aggregate: number of different elements of several arrays."""

    @abstractmethod
    def as_map(self, key: str, value: str, condition: str) -> str:
        """Aggregate: a map with the keys in order."""

    @abstractmethod
    def no_map(self, key_type: str, value_type: str) -> str:
        """An empty map."""

    @abstractmethod
    def no_array(self, type_: str) -> str:
        """An empty array."""

    @abstractmethod
    def array_of(self, sql_type: str) -> str:
        """Type of an array."""

    def different(self, slot: Slot, condition: str) -> str:
        """Aggregate: number of different values."""
        return f"count(DISTINCT {_picked(_value(slot), condition)})"

    def tied(self, slot: Slot, condition: str) -> str:
        """Aggregate: whether `latest` may be wrong because of equal times; "" where it never is."""
        del slot, condition
        return ""

    def condition(self, slot: Slot, *more: str) -> str:
        """SQL of the events that count for a slot."""
        terms = list(more)
        if isinstance(
            slot.part, LastPart | SetPart
        ):  # the other aggregates skip missing values by themselves
            terms.append(f"v.c_{slot.part.value} IS NOT NULL")
        if slot.part.where is not None:
            terms.append(slot.part.where.sql("v.c_", self.text))
        return " AND ".join(terms) or "true"

    def whole(self, slot: Slot, condition: str) -> str:
        """Aggregate over the events of a label."""
        return WHOLE[type(slot.part)](self, slot, condition)

    def fold(self, slot: Slot, condition: str) -> str:
        """Aggregate over the events of a tile: its state. Decayed sums are as of `v.ref_us`."""
        return FOLD[type(slot.part)](self, slot, condition)

    def merge(self, slot: Slot, state: str, condition: str) -> str:
        """Aggregate over the states of a label."""
        return MERGE[type(slot.part)](self, slot, state, condition)


def rate(half_life_us: int) -> str:
    """SQL of the decay per microsecond: ln 2 / half-life."""
    return f"CAST({math.log(2) / half_life_us!r} AS DOUBLE)"


def _kept(aggregate: str, condition: str) -> str:
    return aggregate if condition == "true" else f"{aggregate} FILTER (WHERE {condition})"


def _picked(value: str, condition: str) -> str:
    """The value where the condition holds; DuckDB is faster with this than with FILTER."""
    return value if condition == "true" else f"CASE WHEN {condition} THEN {value} END"


def _value(slot: Slot) -> str:
    return f"v.c_{slot.part.value}"


def _count(_: Dialect, slot: Slot, condition: str) -> str:
    return f"count({_picked('1' if slot.part.value is None else _value(slot), condition)})"


def _sum(_: Dialect, slot: Slot, condition: str) -> str:
    type_ = "BIGINT" if slot.type_ == "int" else "DOUBLE"
    return f"CAST(sum({_picked(_value(slot), condition)}) AS {type_})"


def _min(_: Dialect, slot: Slot, condition: str) -> str:
    return f"min({_picked(_value(slot), condition)})"


def _max(_: Dialect, slot: Slot, condition: str) -> str:
    return f"max({_picked(_value(slot), condition)})"


def _time(_: Dialect, __: Slot, condition: str) -> str:
    return f"max({_picked('v.at_us', condition)})"


def _decayed(until: str) -> Write:
    def write(_: Dialect, slot: Slot, condition: str) -> str:
        assert isinstance(slot.part, DecayPart)
        worth = "1" if slot.part.value is None else _value(slot)
        since = f"CAST({until} - v.at_us AS DOUBLE)"
        return f"sum({_picked(f'{worth} * exp(-{since} * {rate(slot.part.half_life_us)})', condition)})"

    return write


def _latest(dialect: Dialect, slot: Slot, condition: str) -> str:
    assert isinstance(slot.part, LastPart)
    return dialect.latest(_value(slot), slot.part.k, condition)


def _latest_states(dialect: Dialect, slot: Slot, condition: str) -> str:
    assert isinstance(slot.part, LastPart)
    return dialect.latest_states(_value(slot), slot.part.k, condition)


WHOLE: dict[type[Part], Write] = {
    CountPart: _count,
    SumPart: _sum,
    MinPart: _min,
    MaxPart: _max,
    TimePart: _time,
    SetPart: lambda dialect, slot, condition: dialect.different(slot, condition),
    LastPart: _latest,
    DecayPart: _decayed("l.at_us"),
}
FOLD: dict[type[Part], Write] = WHOLE | {
    SetPart: lambda dialect, slot, condition: dialect.values(_value(slot), condition),
    LastPart: _latest_states,
    DecayPart: _decayed("v.ref_us"),
}


def _merge_sum(_: Dialect, slot: Slot, state: str, condition: str) -> str:
    whole = slot.type_ == "int" or isinstance(slot.part, CountPart)
    return f"CAST({_kept(f'sum({state})', condition)} AS {'BIGINT' if whole else 'DOUBLE'})"


def _merge_decayed(_: Dialect, slot: Slot, state: str, condition: str) -> str:
    assert isinstance(slot.part, DecayPart)
    since = "CAST(l.at_us - v.ref_us AS DOUBLE)"
    return _kept(f"sum({state} * exp(-{since} * {rate(slot.part.half_life_us)}))", condition)


def _merge_latest(dialect: Dialect, slot: Slot, state: str, condition: str) -> str:
    assert isinstance(slot.part, LastPart)
    return dialect.merge_latest(state, slot.part.k, f"{condition} AND {state} IS NOT NULL")


MERGE: dict[type[Part], Callable[[Dialect, Slot, str, str], str]] = {
    CountPart: _merge_sum,
    SumPart: _merge_sum,
    MinPart: lambda _, __, state, condition: _kept(f"min({state})", condition),
    MaxPart: lambda _, __, state, condition: _kept(f"max({state})", condition),
    TimePart: lambda _, __, state, condition: _kept(f"max({state})", condition),
    SetPart: lambda dialect, _, state, condition: dialect.count_values(
        state, f"{condition} AND {state} IS NOT NULL"
    ),
    LastPart: _merge_latest,
    DecayPart: _merge_decayed,
}


class DuckDb(Dialect):
    """DuckDB, from 1.4.

    Parameters
    ----------
    by_time : bool, default False
        Last values are ordered by time alone; `tied` says where that may be wrong. See `shortcuts`.
    hashed : frozenset of str
        Columns of text in which no two values share a hash.
    """

    sql_type: ClassVar[dict[str, str]] = {
        "text": "VARCHAR",
        "int": "BIGINT",
        "float": "DOUBLE",
        "bool": "BOOLEAN",
        "text[]": "VARCHAR[]",
    }

    def __init__(self, *, by_time: bool = False, hashed: frozenset[str] = frozenset()) -> None:
        self.by_time = by_time
        self.hashed = hashed

    def name(self, text: str) -> str:
        return quoted(text)

    def text(self, value: str) -> str:
        return literal(value)

    def unfold(self, array: str) -> str:
        return f"unnest(list_distinct({array}))"

    def numbers(self, first: str, after: str) -> str:
        return f"range({first}, {after})"

    def join_arrays(self, one: str, other: str) -> str:
        return f"list_concat({one}, {other})"

    def each(self, array: str) -> str:
        return f"unnest({array})"

    def latest(self, value: str, k: int, condition: str) -> str:
        order = "v.at_us" if self.by_time else "row(v.at_us, v.seq)"
        return _kept(f"arg_max({value}, {order}, {k})", condition)

    def tied(self, slot: Slot, condition: str) -> str:
        if not self.by_time or not isinstance(slot.part, LastPart):
            return ""
        times = _kept(f"max(v.at_us, {slot.part.k + 1})", condition)
        return f"coalesce(list_unique({times}) < len({times}), false)"

    def different(self, slot: Slot, condition: str) -> str:
        if slot.type_ == "text" and slot.part.value not in self.hashed:
            return super().different(slot, condition)
        value = f"v.h_{slot.part.value}" if slot.type_ == "text" else _value(slot)
        return f"CAST(list_unique({_kept(f'list({value})', condition)}) AS BIGINT)"

    def latest_states(self, value: str, k: int, condition: str) -> str:
        state = f"{{'at_us': v.at_us, 'seq': v.seq, 'value': {value}}}"
        return _kept(f"arg_max({state}, row(v.at_us, v.seq), {k})", condition)

    def merge_latest(self, states: str, k: int, condition: str) -> str:
        newest = f"list_reverse_sort(flatten({_kept(f'list({states})', condition)}))[:{k}]"
        return f"[x.value for x in {newest}]"

    def values(self, value: str, condition: str) -> str:
        return _kept(f"list(DISTINCT {value})", condition)

    def count_values(self, arrays: str, condition: str) -> str:
        return f"len(list_distinct(flatten({_kept(f'list({arrays})', condition)})))"

    def as_map(self, key: str, value: str, condition: str) -> str:
        return f"map_from_entries({_kept(f'list(row({key}, {value}) ORDER BY {key})', condition)})"

    def no_map(self, key_type: str, value_type: str) -> str:
        return f"CAST(MAP {{}} AS MAP({self.sql_type[key_type]}, {value_type}))"

    def no_array(self, type_: str) -> str:
        return f"CAST([] AS {self.sql_type[type_]}[])"

    def array_of(self, sql_type: str) -> str:
        return f"{sql_type}[]"
