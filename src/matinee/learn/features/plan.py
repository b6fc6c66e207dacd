"""How a view is computed: one job per source and grouping, in it each different partial result once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.parts import Part
from matinee.learn.features.sources import Attribute, Source


@dataclass(frozen=True, slots=True)
class Slot:
    """A partial result over one window, shared by all features that need it.

    Attributes
    ----------
    part : Part
        What is computed.
    window_us : int or None
        Length of the window; None: all time.
    type_ : str
        Type of the part's column, or "" without one.
    """

    part: Part
    window_us: int | None
    type_: str


@dataclass(frozen=True, slots=True)
class Job:
    """Features that one pass over one table of events computes.

    Attributes
    ----------
    columns : tuple of str
        Columns of the source that it reads.
    slots : tuple of Slot
        Columns `p0`, `p1`, … of its result.
    features : tuple of (Feature, tuple of int)
        Each with the positions of its slots, in the order of its parts.
    """

    source: Source
    by: Attribute | None
    columns: tuple[str, ...]
    slots: tuple[Slot, ...]
    features: tuple[tuple[Feature, tuple[int, ...]], ...]

    @property
    def windows(self) -> tuple[int | None, ...]:
        """The different windows, the longest first."""
        return tuple(sorted({slot.window_us for slot in self.slots}, key=_length, reverse=True))


def jobs(view: FeatureView, keep: Callable[[Feature], bool] = lambda _: True) -> tuple[Job, ...]:
    """Jobs of a view, in the order in which their first features stand.

    Parameters
    ----------
    keep : callable
        Leave out the features for which it is false.
    """
    together: dict[tuple[str, ...], list[Feature]] = {}
    for feature in view.features:
        if keep(feature):
            together.setdefault((feature.source.table, *_grouping(feature.by)), []).append(feature)
    return tuple(_job(features) for features in together.values())


def windows(view: FeatureView) -> tuple[int | None, ...]:
    """The different windows of a view, the longest first."""
    return tuple(sorted({feature.window_us for feature in view.features}, key=_length, reverse=True))


def _job(features: list[Feature]) -> Job:
    slots: dict[Slot, int] = {}
    placed = []
    for feature in features:
        columns = feature.source.columns
        wanted = [Slot(part, feature.window_us, columns.get(part.value or "", "")) for part in feature.parts]
        placed.append((feature, tuple(slots.setdefault(slot, len(slots)) for slot in wanted)))
    read = sorted(set().union(*(feature.columns for feature in features)))
    return Job(features[0].source, features[0].by, tuple(read), tuple(slots), tuple(placed))


def _grouping(by: Attribute | None) -> tuple[str, ...]:
    if by is None:
        return ()
    return (by.column,) if by.facts is None else (by.column, by.facts.table, by.facts.key)


def _length(window_us: int | None) -> float:
    return float("inf") if window_us is None else window_us
