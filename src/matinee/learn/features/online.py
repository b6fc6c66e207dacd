"""Features of now: takes events as they arrive, and answers for one entity in microseconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from matinee.errors import InputError, unknown_name
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.moments import day_start_us, start_us
from matinee.learn.features.online_parts import INT_LIMIT, Index, Recent, Tiles
from matinee.learn.features.online_state import CompiledJob, EntityState, JobState
from matinee.learn.features.plan import Slot, jobs
from matinee.types import DAY_US, format_at

FORMAT = 1
FactRows = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Table of facts -> key -> column -> value."""


class OnlineEvaluator:
    """Computes a view for one entity now, from its recent events and its tiles.

    The answer at T equals what `backfill` gives for a label at T, once every event that arrived by T was
    given to `update`: counts, extremes, last values, distinct values and sums of integers exactly, other sums
    up to the order of addition. Asking changes nothing, and does not store an unknown entity.

    Parameters
    ----------
    view : FeatureView
        May not have features from free-form SQL.
    facts : mapping, optional
        Rows of the tables of facts that features group by: `{"titles": {"t1": {"genres": ["Drama"]}}}`.

    Raises
    ------
    InputError
        A feature comes from free-form SQL, or a table of facts is missing.

    Notes
    -----
    Memory of an entity: 8 bytes per recent event for each clock and column, and one tile per day of the
    longest finite window. A tile of `Distinct` keeps the values themselves. An entity is kept in this
    process; `dump` and `load` move it to a store, one value per entity.

    Examples
    --------
    >>> from matinee.learn.features.aggregates import Count
    >>> from matinee.learn.features.declaration import Feature
    >>> from matinee.learn.features.sources import lake_source
    >>> plays = lake_source("plays")
    >>> view = FeatureView("taste", "member", (Feature("plays_7d", plays, Count(), "7d"),))
    >>> online = OnlineEvaluator(view)
    >>> online.update("plays", {"member_id": "m1", "at_us": 5, "seq": 1})
    >>> online.evaluate("m1", 6), online.evaluate("m1", 5)
    ({'plays_7d': 1}, {'plays_7d': 0})
    """

    def __init__(self, view: FeatureView, facts: FactRows | None = None) -> None:
        self.view = view
        self.facts = facts or {}
        self._tail_us = view.tail_us
        self._identity = view.identity  # hashing the declarations takes longer than packing a state
        self._jobs = [CompiledJob(job, view.tail_us) for job in jobs(view)]
        self._entities: dict[str, EntityState] = {}
        self._nobody = self._new()
        self._check()

    def __len__(self) -> int:
        """Entities that are kept."""
        return len(self._entities)

    def update(self, table: str, event: Mapping[str, Any]) -> None:
        """Take in one event that has just arrived.

        Parameters
        ----------
        table : str
            Table of the source; a table that no feature reads is ignored.
        event : mapping
            `at_us`, `seq`, the entity's column and the columns of the source; `seen_us` is `at_us` if it is
            missing, other columns have no value. Not checked for repeats: give each event once.

        Raises
        ------
        InputError
            A value is missing or of another type than declared. Nothing was changed.
        """
        concerned = [(n, c) for n, c in enumerate(self._jobs) if c.job.source.table == table]
        if not concerned:
            return
        source = concerned[0][1].job.source
        clocks = _clocks(table, event)
        entity_id = _checked(table, source.entity, "text", event.get(source.entity))
        if entity_id is None:
            raise InputError(f"event of {table}: {source.entity} is missing, expected an id.")
        taken = [(n, list(self._seen(compiled, event, clocks))) for n, compiled in concerned]
        state = self._entities.get(entity_id)
        if state is None:
            state = self._entities[entity_id] = self._new()
        self._advance(state, clocks["seen_us"])
        for n, items in taken:
            for group, item in items:
                if group is not None:
                    item["g"] = state.jobs[n].group(group)
                if state.jobs[n].put(item, state.horizon_us):
                    state.folded_us = max(state.folded_us, clocks["seen_us"])

    def evaluate(self, entity_id: str, at_us: int) -> dict[str, Any]:
        """Values of all features at a time; of an unknown entity the empty ones.

        Parameters
        ----------
        at_us : int
            Now: at or after the last arrival, up to events that are still in the tail.

        Returns
        -------
        dict
            In the order of the view. A grouped feature is a dict from group to value.

        Raises
        ------
        InputError
            The time lies so far before the last arrival that the events of then were folded already.
        """
        state = self._entities.get(entity_id, self._nobody)
        if at_us < state.folded_us or at_us - self._tail_us < state.horizon_us:
            raise InputError(
                f"evaluate({entity_id!r}): at_us is {at_us} ({format_at(at_us)}), before what was known when "
                f"the last event arrived ({format_at(state.now_us)}). Ask about now; backfill does the past."
            )
        out: dict[str, Any] = dict.fromkeys(self.view.names)
        for job in state.jobs:
            _evaluate_job(job, at_us, self._tail_us, out)
        return out

    def dump(self, entity_id: str) -> bytes:
        """Everything about an entity as MessagePack; of an unknown one the state without events."""
        state = self._entities.get(entity_id, self._nobody)
        clocks = [state.horizon_us, state.now_us, state.folded_us]
        return msgspec.msgpack.encode([FORMAT, self._identity, clocks, [job.packed() for job in state.jobs]])

    def load(self, entity_id: str, blob: bytes) -> None:
        """Replace what is known about an entity by what `dump` gave.

        Raises
        ------
        InputError
            It is damaged, or was made from another declaration.
        """
        try:
            format_, identity, clocks, packed = msgspec.msgpack.decode(blob)
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise InputError(f"state of {entity_id}: it cannot be read ({error}). Rebuild it.") from error
        if (format_, identity) != (FORMAT, self._identity):
            raise InputError(
                f"state of {entity_id}: it was made from the declaration {identity} in format {format_}, "
                f"expected {self._identity} in format {FORMAT}. Rebuild it from the events."
            )
        try:
            restored = [JobState.unpacked(c, p) for c, p in zip(self._jobs, packed, strict=True)]
            self._entities[entity_id] = EntityState(restored, *clocks)
        except (ValueError, TypeError, IndexError) as error:
            raise InputError(f"state of {entity_id}: it cannot be read ({error}). Rebuild it.") from error

    def drop(self, entity_id: str) -> bool:
        """Forget an entity; whether it was known."""
        return self._entities.pop(entity_id, None) is not None

    def _new(self) -> EntityState:
        return EntityState([JobState.new(compiled) for compiled in self._jobs])

    def _check(self) -> None:
        if self.view.batch_only:
            raise InputError(
                f"OnlineEvaluator of {self.view.name}: {', '.join(self.view.batch_only)} come from free-form "
                "SQL, which only a batch computes. Leave them out with view.only(...)."
            )
        for compiled in self._jobs:
            by = compiled.job.by
            if by is not None and by.facts is not None and by.facts.table not in self.facts:
                raise InputError(
                    unknown_name(
                        f"OnlineEvaluator of {self.view.name}", "table of facts", by.facts.table, self.facts
                    )
                    + f' Pass facts={{"{by.facts.table}": ...}}.'
                )

    def _advance(self, state: EntityState, seen_us: int) -> None:
        state.now_us = max(state.now_us, seen_us)
        horizon_us = day_start_us(state.now_us - self._tail_us)
        if horizon_us > state.horizon_us:
            for job in state.jobs:
                state.folded_us = max(state.folded_us, job.roll(horizon_us))
                job.forget(horizon_us - job.compiled.longest_us - 2 * DAY_US)
            state.horizon_us = horizon_us

    def _seen(
        self, compiled: CompiledJob, event: Mapping[str, Any], clocks: dict[str, int]
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The event as a job keeps it, once for each of its groups (None without grouping)."""
        job = compiled.job
        read = {c: _checked(job.source.table, c, job.source.columns[c], event.get(c)) for c in job.columns}
        item: dict[str, Any] = dict(clocks)
        for column, type_ in compiled.values.items():
            value = read[column]
            item[f"c_{column}"] = value if value is not None or type_ == "text" else 0
        for (where, value), mask in compiled.masks.items():
            item[mask] = (where is None or where.holds(read) is True) and (
                value is None or read[value] is not None
            )
        if job.by is None:
            yield None, item
            return
        if job.by.facts is None:
            groups = read[job.by.column]
        else:
            row = self.facts[job.by.facts.table].get(read[job.by.facts.key] or "")
            groups = None if row is None else row.get(job.by.column)
        for group in dict.fromkeys(groups if isinstance(groups, list | tuple) else [groups]):
            if group is not None:
                yield group, dict(item)


def _evaluate_job(state: JobState, at_us: int, tail_us: int, out: dict[str, Any]) -> None:
    job = state.compiled.job
    reach = _Reach(state, at_us, tail_us)
    if job.by is None:
        values = [reach.value(slot) for slot in job.slots]
        for feature, slots in job.features:
            out[feature.name] = feature.aggregate.finish([values[slot] for slot in slots])
        return
    grouped = [reach.values_by_group(slot) for slot in job.slots]
    groups = list(state.codes)
    for feature, slots in job.features:
        *own, there = slots
        found = {}
        for code, n in grouped[there].items():
            if n:
                found[groups[code]] = feature.aggregate.finish([grouped[s].get(code) for s in own])
        out[feature.name] = dict(sorted(found.items()))


class _Reach:
    """Which rows each window and mask of a job reach at a time; each is looked up once."""

    def __init__(self, state: JobState, at_us: int, tail_us: int) -> None:
        self.state = state
        self.at_us = at_us
        self.tail_us = tail_us
        self._at = state.tail.column("at_us")
        self._end = int(self._at.searchsorted(at_us))
        self._all_seen = state.latest_seen_us <= at_us
        self._indices: dict[tuple[int | None, str | None], tuple[Index, int]] = {}

    def value(self, slot: Slot) -> Any:
        """Value of a slot over all its events."""
        compiled = self.state.compiled
        part = compiled.stored[slot.part]
        index, count = self._recent(slot)
        tiles = self._tiles(slot)
        return part.total(
            Recent(self.state.tail, index, count),
            None if tiles is None else _states(*tiles, compiled.position[slot.part]),
            self.at_us,
        )

    def values_by_group(self, slot: Slot) -> dict[int, Any]:
        """Value of a slot for each group with an event or a tile."""
        compiled = self.state.compiled
        part = compiled.stored[slot.part]
        index, _ = self._recent(slot)
        tail = self.state.tail
        recent = _split(tail.column("g"), index)
        tiles = self._tiles(slot)
        old = {} if tiles is None else _split(tiles[0].column("g"), tiles[1])
        out: dict[int, Any] = {}
        nothing = np.zeros(0, np.intp)
        for code in {*recent, *old}:
            mine = recent.get(code, nothing)
            states = None
            if tiles is not None:
                states = _states(tiles[0], old.get(code, nothing), compiled.position[slot.part])
            out[code] = part.total(Recent(tail, mine, len(mine)), states, self.at_us)
        return out

    def _recent(self, slot: Slot) -> tuple[Index, int]:
        mask = self.state.compiled.mask_of(slot.part)
        key = (slot.window_us, mask)
        found = self._indices.get(key)
        if found is None:
            found = self._indices[key] = self._find(slot.window_us, mask)
        return found

    def _find(self, window_us: int | None, mask: str | None) -> tuple[Index, int]:
        tail, end = self.state.tail, self._end
        first = 0
        if window_us is not None:
            first = int(self._at.searchsorted(start_us(self.at_us, window_us, self.tail_us)))
        if mask is None and self._all_seen:
            return slice(first, max(first, end)), max(end - first, 0)
        counts = np.ones(max(end - first, 0), np.bool_) if mask is None else tail.slice(mask, first, end)
        if not self._all_seen:
            counts = counts & (tail.slice("seen_us", first, end) <= self.at_us)
        index = np.flatnonzero(counts)
        if len(index) == end - first:
            return slice(first, end), len(index)
        return index + first, len(index)

    def _tiles(self, slot: Slot) -> tuple[Any, Index] | None:
        if slot.window_us is None:
            return self.state.ever, slice(0, self.state.ever.n)
        if slot.window_us <= self.tail_us:
            return None
        days = self.state.days
        first = int(days.column("day_us").searchsorted(start_us(self.at_us, slot.window_us, self.tail_us)))
        return days, slice(first, days.n)


def _states(tiles: Any, index: Index, position: int) -> Tiles:
    return Tiles(tiles.column(f"t{position}")[index], tiles.column("ref_us")[index])


def _split(codes: Any, index: Index) -> dict[int, Any]:
    """Positions of each code among some rows."""
    positions = np.arange(index.start, index.stop) if isinstance(index, slice) else index
    mine = codes[positions]
    order = np.argsort(mine, kind="stable")
    found, starts = np.unique(mine[order], return_index=True)
    parts = np.split(positions[order], starts[1:]) if len(found) else []
    return {int(code): part for code, part in zip(found, parts, strict=True)}


def _clocks(table: str, event: Mapping[str, Any]) -> dict[str, int]:
    out: dict[str, int] = {}
    for name in ("at_us", "seen_us", "seq"):
        value = event.get(name)
        if value is None and name == "seen_us":
            value = out["at_us"]
        out[name] = _checked(table, name, "int", value)
        if out[name] is None:
            raise InputError(f"event of {table}: {name} is missing, expected an integer.")
    return out


def _checked(table: str, column: str, type_: str, value: Any) -> Any:
    """The value as the column's type, or None."""
    if value is None:
        return None
    if type_ == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isnan(value):
            return float(value)
    elif type_ == "int" and isinstance(value, int) and not isinstance(value, bool):
        if -INT_LIMIT <= value < INT_LIMIT:
            return value
    elif (type_ == "text" and isinstance(value, str)) or (type_ == "bool" and isinstance(value, bool)):
        return value
    elif type_ == "text[]" and isinstance(value, list | tuple):
        return [_checked(table, column, "text", item) for item in value]
    raise InputError(
        f"event of {table}: {column} is {value!r}, expected {type_} as the source declares it"
        f"{' (a number that is not NaN)' if type_ == 'float' else ''}."
    )
