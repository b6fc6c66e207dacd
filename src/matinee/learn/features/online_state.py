"""What is kept about one entity: its recent events as facts, and tiles of what is older.

The tail holds every event from the horizon on, the start of the day in which the tail begins. When an arrival
moves the horizon, the events before it are folded into tiles of one day, and of all time where a feature asks
for it; an event that arrives after its day was folded goes into the tiles at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from matinee.learn.features.moments import day_start_us
from matinee.learn.features.online_arrays import Rows
from matinee.learn.features.online_parts import COMPILED, OnlineDecay, OnlinePart
from matinee.learn.features.parts import Part
from matinee.learn.features.plan import Job
from matinee.learn.features.predicates import Predicate
from matinee.types import ALWAYS_US, DAY_US

ARRAY_TYPE = {"int": "i8", "float": "f8", "bool": "?", "text": "O"}
TILE_TYPES = {"day_us": "i8", "g": "i4", "ref_us": "i8"}
FIRST_STATE = 1 + len(TILE_TYPES)
"""Position of the first column of states in packed tiles, after their number and the columns above."""
Event = Mapping[str, Any]
"""Clocks, `g` if the job is grouped, and columns as `c_…` and masks as `m…`."""


class CompiledJob:
    """Which columns, masks and tiles a job keeps.

    Attributes
    ----------
    masks : dict of (Predicate or None, str or None) to str
        Which events count for a part, decided once when an event arrives; no entry: all.
    tail_types : dict of str to str
        Columns of the tail.
    stored : dict of Part to OnlinePart
        All parts; windows share them.
    daily, ever : list of int
        Positions in `stored` of the parts that are kept in tiles of a day, and of all time.
    daily_types, ever_types : dict of str to str
        Columns of these tiles: the time one is as of is `ref_us`, its states are `t…`.
    """

    def __init__(self, job: Job, tail_us: int) -> None:
        self.job = job
        self.stored: dict[Part, OnlinePart] = {}
        self.masks: dict[tuple[Predicate | None, str | None], str] = {}
        for slot in job.slots:
            self.stored.setdefault(slot.part, COMPILED[type(slot.part)](slot.part, slot.type_))
            if slot.part.where is not None or slot.part.value is not None:
                self.masks.setdefault((slot.part.where, slot.part.value), f"m{len(self.masks)}")
        self.parts = list(self.stored.values())
        self.position = {part: n for n, part in enumerate(self.stored)}
        values = sorted({slot.part.value for slot in job.slots if slot.part.value is not None})
        self.values = {column: job.source.columns[column] for column in values}
        self.tail_types = {"at_us": "i8", "seen_us": "i8", "seq": "i8"}
        self.tail_types |= {} if job.by is None else {"g": "i4"}
        self.tail_types |= {f"c_{column}": ARRAY_TYPE[type_] for column, type_ in self.values.items()}
        self.tail_types |= dict.fromkeys(self.masks.values(), "?")
        finite = [s for s in job.slots if s.window_us is not None and s.window_us > tail_us]
        self.daily = sorted({self.position[slot.part] for slot in finite})
        self.ever = sorted({self.position[slot.part] for slot in job.slots if slot.window_us is None})
        self.daily_types = self._tile_types(self.daily)
        self.ever_types = self._tile_types(self.ever)
        self.longest_us = max((slot.window_us or 0 for slot in finite), default=0)

    def mask_of(self, part: Part) -> str | None:
        """Mask of a part, or None where every event counts."""
        return self.masks.get((part.where, part.value))

    def _tile_types(self, kept: list[int]) -> dict[str, str]:
        return dict(TILE_TYPES) | {f"t{n}": self.parts[n].state for n in kept}


@dataclass(slots=True)
class JobState:
    """Tail and tiles of one job of one entity."""

    compiled: CompiledJob
    tail: Rows
    days: Rows
    ever: Rows
    codes: dict[Any, int] = field(default_factory=dict)
    """Group -> code, in order of appearance."""
    latest_seen_us: int = ALWAYS_US
    """No event of the tail was seen later."""

    @staticmethod
    def new(compiled: CompiledJob) -> JobState:
        """No events."""
        return JobState(
            compiled,
            Rows(compiled.tail_types),
            Rows(compiled.daily_types),
            Rows(compiled.ever_types),
        )

    def group(self, value: Any) -> int:
        """Code of a group, a new one for a new group."""
        return self.codes.setdefault(value, len(self.codes))

    def put(self, event: Event, horizon_us: int) -> bool:
        """Take in an event; whether it went into tiles because its day was folded already."""
        if event["at_us"] < horizon_us:
            self._fold(event, horizon_us)
            return True
        self.tail.insert(_place(self.tail, event["at_us"], event["seq"]), event)
        self.latest_seen_us = max(self.latest_seen_us, event["seen_us"])
        return False

    def roll(self, horizon_us: int) -> int:
        """Fold the events before a horizon; returns when the last one of them was seen."""
        count = int(self.tail.column("at_us").searchsorted(horizon_us))
        seen_us = int(self.tail.slice("seen_us", 0, count).max()) if count else ALWAYS_US
        for event in _events(self.tail, count):
            self._fold(event, horizon_us)
        self.tail.drop_first(count)
        return seen_us

    def forget(self, before_us: int) -> None:
        """Drop the tiles of days that no window reaches any more."""
        self.days.drop_first(int(self.days.column("day_us").searchsorted(before_us)))

    def packed(self) -> list[Any]:
        """Plain values for MessagePack."""
        parts = self.compiled.parts
        days = _plain(parts, self.compiled.daily, self.days)
        ever = _plain(parts, self.compiled.ever, self.ever)
        return [list(self.codes), self.latest_seen_us, self.tail.packed(), days, ever]

    @staticmethod
    def unpacked(compiled: CompiledJob, packed: list[Any]) -> JobState:
        """State from what `packed` gave."""
        groups, latest, tail, days, ever = packed
        return JobState(
            compiled,
            Rows.unpacked(compiled.tail_types, tail),
            Rows.unpacked(compiled.daily_types, days),
            Rows.unpacked(compiled.ever_types, ever),
            {group: code for code, group in enumerate(groups)},
            latest,
        )

    def _fold(self, event: Event, horizon_us: int) -> None:
        day_us = day_start_us(event["at_us"])
        if self.compiled.daily and day_us + self.compiled.longest_us + 2 * DAY_US > horizon_us:
            self._add(self.days, self.compiled.daily, event, day_us, day_us + DAY_US)
        if self.compiled.ever:
            self._add(self.ever, self.compiled.ever, event, ALWAYS_US, horizon_us)

    def _add(self, tiles: Rows, kept: list[int], event: Event, day_us: int, ref_us: int) -> None:
        group = event.get("g", 0)
        row = _tile(tiles, day_us, group)
        if row is None:
            row = int(tiles.column("day_us").searchsorted(day_us, "right"))
            empty = {f"t{n}": self.compiled.parts[n].nothing for n in kept}
            tiles.insert(row, {"day_us": day_us, "g": group, "ref_us": ref_us} | empty)
        self._move(tiles, row, kept, ref_us)
        for n in kept:
            part = self.compiled.parts[n]
            mask = self.compiled.mask_of(part.part)
            if mask is None or event[mask]:
                state = tiles.get(row, f"t{n}")
                value = None if part.part.value is None else event[part.value]
                tiles.set(row, f"t{n}", part.add(state, value, event["at_us"], event["seq"], ref_us))

    def _move(self, tiles: Rows, row: int, kept: list[int], ref_us: int) -> None:
        """Bring the decayed sums of a tile to a later time (the tile of all time moves with the horizon)."""
        before_us = int(tiles.get(row, "ref_us"))
        if before_us != ref_us:
            for n in kept:
                part = self.compiled.parts[n]
                if isinstance(part, OnlineDecay):
                    tiles.set(row, f"t{n}", part.moved(tiles.get(row, f"t{n}"), before_us, ref_us))
            tiles.set(row, "ref_us", ref_us)


@dataclass(slots=True)
class EntityState:
    """Everything about one entity.

    Attributes
    ----------
    horizon_us : int
        Events before it are in tiles.
    now_us : int
        When the last event arrived.
    folded_us : int
        When the last event arrived that is in a tile: no earlier time can be asked about.
    """

    jobs: list[JobState]
    horizon_us: int = ALWAYS_US
    now_us: int = ALWAYS_US
    folded_us: int = ALWAYS_US


def _events(rows: Rows, count: int) -> Iterator[dict[str, Any]]:
    columns = {name: rows.slice(name, 0, count).tolist() for name in rows.types}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _place(tail: Rows, at_us: int, seq: int) -> int:
    """Where an event belongs by (at_us, seq); mostly at the end."""
    row = tail.n
    if row and at_us < tail.get(row - 1, "at_us"):
        row = int(tail.column("at_us").searchsorted(at_us, "right"))
    while row and tail.get(row - 1, "at_us") == at_us and tail.get(row - 1, "seq") > seq:
        row -= 1
    return row


def _tile(tiles: Rows, day_us: int, group: int) -> int | None:
    days = tiles.column("day_us")
    low, high = int(days.searchsorted(day_us)), int(days.searchsorted(day_us, "right"))
    same = np.flatnonzero(tiles.slice("g", low, high) == group)
    return low + int(same[0]) if len(same) else None


def _plain(parts: list[OnlinePart], kept: list[int], tiles: Rows) -> list[Any]:
    packed = tiles.packed()
    for position, n in enumerate(kept, FIRST_STATE):
        packed[position] = parts[n].plain(packed[position])
    return packed
