"""What aggregates are made of: partial results that can be merged, so that a day's events become one tile.

Every aggregate names its parts. The SQL engines fold events into parts and merge parts of tiles; the online
evaluator does the same on arrays. An engine knows the seven parts, not the aggregates.
"""

from __future__ import annotations

from dataclasses import dataclass

from matinee.learn.features.predicates import Predicate


@dataclass(frozen=True, slots=True)
class Part:
    """A partial result over the events that pass `where` and have a value.

    Attributes
    ----------
    value : str or None
        Column of the event; events in which it is missing do not count. None: every event counts.
    where : Predicate or None
        Only events for which it is true.
    """

    value: str | None
    where: Predicate | None


class CountPart(Part):
    """Number of events."""

    __slots__ = ()


class SumPart(Part):
    """Sum of the values."""

    __slots__ = ()


class MinPart(Part):
    """Smallest value."""

    __slots__ = ()


class MaxPart(Part):
    """Largest value."""

    __slots__ = ()


class TimePart(Part):
    """Microseconds since the latest event."""

    __slots__ = ()


class SetPart(Part):
    """Number of different values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LastPart(Part):
    """The latest `k` values by (at_us, seq), latest first."""

    k: int


@dataclass(frozen=True, slots=True)
class DecayPart(Part):
    """Sum of the values (1 per event without a value), each halved per half-life since its event."""

    half_life_us: int
