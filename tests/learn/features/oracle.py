"""The meaning of a feature in the plainest Python: every event looked at for every label. Only for tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matinee.learn.features.aggregates import (
    Count,
    DecayedSum,
    Distinct,
    LastK,
    Max,
    Mean,
    Min,
    Ratio,
    Sum,
    TimeSince,
)
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.moments import duration_us

Event = Mapping[str, Any]
DAY = 86_400_000_000


def expected(
    view: FeatureView,
    events: Mapping[str, Sequence[Event]],
    facts: Mapping[str, Mapping[str, Mapping[str, Any]]],
    entity: str,
    at_us: int,
) -> dict[str, Any]:
    """Values of a view for one label."""
    return {f.name: value(f, view.tail, events[f.source.table], facts, entity, at_us) for f in view.features}


def value(
    feature: Feature,
    tail: str,
    events: Sequence[Event],
    facts: Mapping[str, Mapping[str, Mapping[str, Any]]],
    entity: str,
    at_us: int,
) -> Any:
    visible = [
        event
        for event in events
        if event[feature.source.entity] == entity
        and event["at_us"] < at_us
        and event["seen_us"] <= at_us
        and (feature.window == "all" or event["at_us"] >= start(feature.window, tail, at_us))
        and (feature.where is None or feature.where.holds(event) is True)
    ]
    visible.sort(key=lambda event: (event["at_us"], event["seq"]))
    if feature.by is None:
        return aggregated(feature, visible, at_us)
    groups: dict[Any, list[Event]] = {}
    for event in visible:
        if feature.by.facts is None:
            found = event.get(feature.by.column)
        else:
            row = facts[feature.by.facts.table].get(event[feature.by.facts.key] or "", {})
            found = row.get(feature.by.column)
        for group in set(found) if isinstance(found, list) else {found}:
            if group is not None:
                groups.setdefault(group, []).append(event)
    return {group: aggregated(feature, mine, at_us) for group, mine in groups.items()}


def start(window: str, tail: str, at_us: int) -> int:
    length = duration_us(window, "window")
    begin = at_us - length
    return begin if length <= duration_us(tail, "tail") else begin // DAY * DAY


def aggregated(feature: Feature, events: Sequence[Event], at_us: int) -> Any:
    aggregate = feature.aggregate
    column = getattr(aggregate, "value", None)
    values = [event[column] for event in events if event[column] is not None] if column else []
    match aggregate:
        case Count():
            return len(values) if column else len(events)
        case Sum():
            return total(values)
        case Mean():
            return total(values) / len(values) if values else None
        case Min():
            return min(values, default=None)
        case Max():
            return max(values, default=None)
        case LastK():
            return values[::-1][: aggregate.k]
        case Distinct():
            return len(set(values))
        case TimeSince():
            return (at_us - events[-1]["at_us"]) / 1e6 if events else None
        case DecayedSum():
            half = duration_us(aggregate.half_life, "half_life")
            return math.fsum(
                (event[column] if column else 1) * 0.5 ** ((at_us - event["at_us"]) / half)
                for event in events
                if column is None or event[column] is not None
            )
        case Ratio():
            above = [e for e in events if aggregate.part is None or aggregate.part.holds(e) is True]
            top = total([e[column] for e in above if e[column] is not None]) if column else len(above)
            below = aggregate.over or column
            bottom = total([e[below] for e in events if e[below] is not None]) if below else len(events)
            return top / bottom if bottom else None
    raise AssertionError(aggregate)


def total(values: Sequence[Any]) -> Any:
    return sum(values) if all(isinstance(v, int) for v in values) else math.fsum(values)


def same(one: Any, other: Any) -> bool:
    """Integers, texts and lists equal; floats within 1e-9 relative."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, float) or isinstance(other, float):
        if one is None or other is None:
            return False
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)
