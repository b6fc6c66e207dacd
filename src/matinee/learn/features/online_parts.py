"""Partial results on arrays: folding an event into a tile; the value over recent events and tiles."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.learn.features.online_arrays import Rows
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

Index = slice | NDArray[np.intp]
"""Rows of a table: a range, or positions in ascending order."""
INT_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class Recent:
    """Events of one entity (and group) that count for a slot, in order of (at_us, seq)."""

    rows: Rows
    index: Index
    count: int

    def column(self, name: str) -> NDArray[Any]:
        """Values of these events."""
        return self.rows.column(name)[self.index]


@dataclass(frozen=True, slots=True)
class Tiles:
    """States of one part in the tiles of a window, oldest day first, and the times they are as of."""

    states: NDArray[Any]
    refs: NDArray[np.int64]


class OnlinePart(ABC):
    """One part of a view, compiled.

    Parameters
    ----------
    type_ : str
        Type of its column, "" without one.
    """

    state: str = "O"

    def __init__(self, part: Part, type_: str) -> None:
        self.part = part
        self.type_ = type_
        self.value = f"c_{part.value}"

    @property
    def nothing(self) -> Any:
        """State over no events."""
        return None

    @abstractmethod
    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        """State with one more event; `ref_us` is the time that a decayed sum is as of, never before it."""

    @abstractmethod
    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        """Value at a time; None over no events (a count or sum: 0)."""

    def plain(self, states: Any) -> Any:
        """A column of states for MessagePack; `add` and `total` take what comes out of it again."""
        return states


class OnlineCount(OnlinePart):
    """Number of events."""

    state = "i8"

    @property
    def nothing(self) -> int:
        return 0

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del value, at_us, seq, ref_us
        return state + 1

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        del at_us
        return recent.count if tiles is None else recent.count + int(np.add.reduce(tiles.states))


class OnlineSum(OnlinePart):
    """Sum; of integers exact, or an error beyond 64 bits."""

    def __init__(self, part: Part, type_: str) -> None:
        super().__init__(part, type_)
        self.whole = type_ == "int"
        self.state = "O" if self.whole else "f8"

    @property
    def nothing(self) -> Any:
        return 0 if self.whole else 0.0

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del at_us, seq, ref_us
        return state + value

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        del at_us
        values = recent.column(self.value)
        if not self.whole:
            total = float(np.add.reduce(values))
            return total if tiles is None else total + float(np.add.reduce(tiles.states))
        exact = _sum_of_integers(values) + (0 if tiles is None else sum(tiles.states.tolist()))
        if not -INT_LIMIT <= exact < INT_LIMIT:
            raise InputError(
                f"sum of {self.part.value}: it is {exact}, expected an integer of 64 bits. "
                "Declare the column as float, or sum a smaller unit."
            )
        return exact


class OnlineExtreme(OnlinePart):
    """Smallest or largest value."""

    def __init__(self, part: Part, type_: str) -> None:
        super().__init__(part, type_)
        self.least = isinstance(part, MinPart)

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del at_us, seq, ref_us
        return value if state is None else min(state, value) if self.least else max(state, value)

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        del at_us
        found = [] if tiles is None else [state for state in tiles.states.tolist() if state is not None]
        if recent.count:
            values = recent.column(self.value)
            found.append((np.minimum if self.least else np.maximum).reduce(values).item())
        if not found:
            return None
        return min(found) if self.least else max(found)


class OnlineTime(OnlinePart):
    """Microseconds since the latest event."""

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del value, seq, ref_us
        return at_us if state is None else max(state, at_us)

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        if recent.count:  # later than any tile
            return at_us - int(_last(recent, "at_us"))
        states = [] if tiles is None else [state for state in tiles.states.tolist() if state is not None]
        return at_us - max(states) if states else None


class OnlineSet(OnlinePart):
    """Number of different values."""

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del at_us, seq, ref_us
        values: set[Any] = state if isinstance(state, set) else set(state or ())  # a list when just loaded
        values.add(value)
        return values

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        del at_us
        values = set(recent.column(self.value).tolist())
        if tiles is not None:
            values.update(*(state for state in tiles.states.tolist() if state is not None))
        return len(values)

    def plain(self, states: Any) -> Any:
        return [None if state is None else sorted(state) for state in states]


class OnlineLast(OnlinePart):
    """The latest values."""

    def __init__(self, part: Part, type_: str) -> None:
        super().__init__(part, type_)
        assert isinstance(part, LastPart)
        self.k = part.k

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del ref_us
        latest = [] if state is None else state
        latest.append((at_us, seq, value))
        latest.sort(key=_moment, reverse=True)
        del latest[self.k :]
        return latest

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        del at_us
        index = recent.index
        first = max(recent.count - self.k, 0)
        newest = slice(index.start + first, index.stop) if isinstance(index, slice) else index[first:]
        values: list[Any] = recent.rows.column(self.value)[newest][::-1].tolist()
        if tiles is not None and len(values) < self.k:
            for state in reversed(tiles.states.tolist()):
                values += [value for _, _, value in state or ()]
                if len(values) >= self.k:
                    break
        return values[: self.k]


class OnlineDecay(OnlinePart):
    """Decayed sum. A tile holds it as of a time after its events, so that no factor exceeds 1."""

    state = "f8"

    def __init__(self, part: Part, type_: str) -> None:
        super().__init__(part, type_)
        assert isinstance(part, DecayPart)
        self.rate = math.log(2) / part.half_life_us

    @property
    def nothing(self) -> float:
        return 0.0

    def add(self, state: Any, value: Any, at_us: int, seq: int, ref_us: int) -> Any:
        del seq
        worth = 1.0 if self.part.value is None else value
        return state + worth * math.exp((at_us - ref_us) * self.rate)

    def moved(self, state: float, before_us: int, ref_us: int) -> float:
        """The same sum as of a later time."""
        return state * math.exp((before_us - ref_us) * self.rate)

    def total(self, recent: Recent, tiles: Tiles | None, at_us: int) -> Any:
        total = 0.0
        if recent.count:
            weights = np.exp((recent.column("at_us") - at_us) * self.rate)
            total = float(
                np.add.reduce(weights)
                if self.part.value is None
                else np.add.reduce(weights * recent.column(self.value))
            )
        if tiles is not None and len(tiles.states):
            total += float(np.add.reduce(np.exp((tiles.refs - at_us) * self.rate) * tiles.states))
        return total


COMPILED: dict[type[Part], type[OnlinePart]] = {
    CountPart: OnlineCount,
    SumPart: OnlineSum,
    MinPart: OnlineExtreme,
    MaxPart: OnlineExtreme,
    TimePart: OnlineTime,
    SetPart: OnlineSet,
    LastPart: OnlineLast,
    DecayPart: OnlineDecay,
}


def _moment(entry: tuple[int, int, Any]) -> tuple[int, int]:
    return entry[0], entry[1]


def _last(recent: Recent, name: str) -> Any:
    index = recent.index
    return recent.rows.get(index.stop - 1 if isinstance(index, slice) else int(index[-1]), name)


def _sum_of_integers(values: NDArray[Any]) -> int:
    """Exact sum; numpy wraps around silently, so large values are summed as Python integers."""
    if not len(values):
        return 0
    largest = max(abs(int(np.maximum.reduce(values))), abs(int(np.minimum.reduce(values))))
    if largest * len(values) < INT_LIMIT:
        return int(np.add.reduce(values))
    return sum(values.tolist())
