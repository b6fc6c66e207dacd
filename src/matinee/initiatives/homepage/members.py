"""Where a member's past comes from: the lake as of a moment, or a server's state when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from matinee.learn.interactions import Interactions
from matinee.learn.member_history import history_of
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.observe.member_state import MemberMarks, TitleTable, marks_of
from matinee.observe.members import Member
from matinee.observe.state.reading import MemberReader
from matinee.observe.state.record import MemberRecord
from matinee.types import Index, Scores, Times

_NO_TITLES, _NO_TIMES, _NO_WEIGHTS = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Past:
    """What a member has done and may be shown; positions are those of one catalogue.

    Attributes
    ----------
    history : ndarray of int32
        Titles watched (series for episodes), oldest first; may repeat.
    history_at_us : ndarray of int64
    history_weight : ndarray of float32
    limits : Limits
        As stored; no limits for a member of whom nothing is stored.
    last_territory : str or None
    marks : MemberMarks
    acted : int or None
        Number of the member's state (`MemberRecord.acted`); None where it has none.
    """

    member_id: str
    history: Index
    history_at_us: Times
    history_weight: Scores
    limits: Limits = field(default_factory=Limits)
    last_territory: str | None = None
    marks: MemberMarks = field(default_factory=MemberMarks)
    acted: int | None = None


class Pasts(Protocol):
    """Knows members; one that nobody has heard of has no history and no limits."""

    def of(self, member_ids: Sequence[str], at_us: int) -> list[Past]:
        """What is known about members at a moment.

        Raises
        ------
        StorageError
            What keeps it cannot be reached.
        """
        ...

    def since(self, member_id: str, acted: int, at_us: int) -> Past:
        """What is known about one member; without history and marks if nothing happened since `acted`."""
        ...


@dataclass(frozen=True, slots=True)
class LakeMembers:
    """Everything that was read from the lake at one moment, in memory: for batches and the command line."""

    interactions: Interactions
    members: Mapping[str, Member] = field(default_factory=dict)
    marks: Mapping[str, MemberMarks] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._rows.update((str(m), i) for i, m in enumerate(self.interactions.member_ids))

    @property
    def member_ids(self) -> list[str]:
        """Members with a history, stored limits or marks, in the order of their ids."""
        return sorted({*self.members, *self.marks, *self._rows})

    def of(self, member_ids: Sequence[str], at_us: int) -> list[Past]:
        """Pasts until a moment; marks and limits are those of the moment that was read."""
        log, histories, none = self.interactions, self.interactions.histories, MemberMarks()
        found = []
        for member_id in map(str, member_ids):
            row = self._rows.get(member_id, -1)
            events = slice(0, 0)
            if row >= 0:
                first, last = int(histories.indptr[row]), int(histories.indptr[row + 1])
                last = first + int(np.searchsorted(histories.at_us[first:last], at_us, side="right"))
                events = slice(first, last)
            stored = self.members.get(member_id)
            found.append(
                Past(
                    member_id,
                    histories.title[events],
                    histories.at_us[events],
                    log.weight[events],
                    Limits() if stored is None else stored.limits,
                    None if row < 0 or log.territory is None else log.territory[row],
                    self.marks.get(member_id, none),
                )
            )
        return found

    def since(self, member_id: str, acted: int, at_us: int) -> Past:
        """Always the whole past: the lake does not count what happened."""
        del acted
        return self.of([member_id], at_us)[0]


@dataclass(frozen=True, slots=True)
class StateMembers:
    """Members as a server's state has them when they are asked for; nothing of them is kept."""

    reader: MemberReader
    titles: TitleTable

    @staticmethod
    def on(catalogue: Catalogue, reader: MemberReader) -> StateMembers:
        """Members of a state, in the positions of a catalogue."""
        return StateMembers(reader, TitleTable.of(catalogue))

    def of(self, member_ids: Sequence[str], at_us: int) -> list[Past]:
        """Pasts as they are now, the last acknowledged event included."""
        return [
            self.past(member_id, self.reader.record(member_id), self.reader.member(member_id), at_us)
            for member_id in member_ids
        ]

    def since(self, member_id: str, acted: int, at_us: int) -> Past:
        """What is known about one member; without history and marks if nothing happened since `acted`."""
        record, stored = self.reader.record(member_id), self.reader.member(member_id)
        if record.acted != acted:
            return self.past(member_id, record, stored, at_us)
        limits = Limits() if stored is None else stored.limits
        return Past(
            member_id,
            _NO_TITLES,
            _NO_TIMES,
            _NO_WEIGHTS,
            limits,
            record.territory,
            MemberMarks(),
            record.acted,
        )

    def past(self, member_id: str, record: MemberRecord, stored: Member | None, at_us: int) -> Past:
        """What follows from a record and from what was imported about the member."""
        watched = history_of(record, self.titles)
        return Past(
            member_id,
            watched.title,
            watched.at_us,
            watched.weight,
            Limits() if stored is None else stored.limits,
            watched.territory,
            marks_of(record, self.titles, at_us),
            record.acted,
        )
