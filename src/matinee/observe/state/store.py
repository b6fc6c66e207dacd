"""The contract of a state store: what the processes of a service share about members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from matinee.errors import StorageError
from matinee.observe.members import Member
from matinee.observe.state.folds import Fold
from matinee.observe.state.record import MemberRecord


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One event that is in the log: its line there (as `events.schema.stored` writes it), and two ids."""

    event_id: str
    member_id: str
    line: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """How far a log segment has been taken in: its file name and a number of bytes from its start."""

    segment: str
    end: int


class CopiesLeftError(StorageError):
    """Members are erased, and copies of what was theirs may be left where no value is. Erase again.

    Attributes
    ----------
    removed : dict of str to int
        How many values of each kind were removed; erasing again finds them no more.
    """

    def __init__(self, text: str, removed: dict[str, int]) -> None:
        super().__init__(text)
        self.removed = removed


class StateStore(Protocol):
    """Keeps the state of members. Every method may be called from several threads and processes.

    Raises
    ------
    StorageError
        Any method, when the store cannot be reached, is full or damaged.
    """

    def known(self, event_ids: Sequence[str]) -> list[bool]:
        """Which of these events were taken in before, within the window."""
        ...

    def take(self, arrivals: Sequence[Arrival], position: Position | None, now_us: int) -> list[bool]:
        """Take in events that are in the log, all or none; True for each that was new.

        Of equal ids the first is new. `position` is remembered together with the events, or not at all.
        """
        ...

    def tend(self) -> None:
        """Do some of the work that `take` leaves for later; called after each, when nobody waits any more.

        Who does not call it leaves that work to `maintain`. What was taken in is seen by readers all along.
        """
        ...

    def positions(self) -> dict[str, int]:
        """Segment -> bytes of it that were taken in."""
        ...

    def forget_segments(self, names: Iterable[str]) -> None:
        """Forget the positions of segments that are gone."""
        ...

    def record(self, member_id: str) -> MemberRecord:
        """What a member did; an empty record of an unknown one."""
        ...

    def member(self, member_id: str) -> Member | None:
        """What was imported about a member."""
        ...

    def put_members(self, members: Iterable[Member]) -> None:
        """Store what was imported about members."""
        ...

    def member_ids(self, after: str = "", limit: int = 1_000) -> list[str]:
        """Ids of members that the store knows, in their order as text, behind `after`."""
        ...

    def get(self, kind: str, key: str) -> bytes | None:
        """A value kept for a member or another unit: its page, its assignment; None if it is gone."""
        ...

    def put(self, kind: str, values: Sequence[tuple[str, bytes]], *, expires_us: int | None = None) -> None:
        """Keep values by key. `expires_us`: until when at least."""
        ...

    def count(self, name: str, add: int = 1) -> int:
        """Add to a counter that all processes share, and read it."""
        ...

    def erase(self, member_ids: Sequence[str]) -> dict[str, int]:
        """Remove every trace of members; how many values of each kind were removed.

        Raises
        ------
        CopiesLeftError
            They are removed, and copies may be left where no value is. Erasing again removes those.
        """
        ...

    def sync(self) -> None:
        """Make all that was written so far survive a power cut, as far as the store can."""
        ...

    def maintain(self, now_us: int) -> None:
        """Fold what has gathered, drop what has expired; called now and then by one process."""
        ...

    def size(self) -> dict[str, int]:
        """Members, events waiting to be folded, ids in the window, values folds failed to make, bytes."""
        ...

    def close(self) -> None:
        """Free what is held open."""
        ...


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the lake and the log say about one member.

    Attributes
    ----------
    member_id : str
    record : MemberRecord or None
        None: no event is known.
    member : Member or None
    lines : bytes
        All events as lines of the log, for what else is kept for members (`folds.Fold`); empty where nothing
        is.
    recent_ids : tuple of str
        Ids of events that arrived within the window.
    """

    member_id: str
    record: MemberRecord | None
    member: Member | None
    lines: bytes = b""
    recent_ids: tuple[str, ...] = ()


class OpenedStore(StateStore, Protocol):
    """A state store with what else is kept for members, and with a way to make it again."""

    @property
    def folds(self) -> Mapping[str, Fold] | None:
        """What else is kept for members, by name; None: this process leaves it as it is."""
        ...

    def folded(self, member_id: str, name: str) -> tuple[bytes | None, bytes]:
        """What is kept for a member under the name of a fold, and the lines that are not in it yet.

        Raises
        ------
        StorageError
            It lacks earlier events: the fold is new, and the state was not rebuilt since.
        """
        ...

    def begin_rebuild(self) -> int:
        """Stop folding in all processes; what arrives waits. Returns a token for the other two."""
        ...

    def renew_rebuild(self, token: int) -> None:
        """Say that a rebuild goes on though it has nothing to write yet. Errors as in `write_rebuilt`."""
        ...

    def write_rebuilt(
        self, token: int, rows: Sequence[Rebuilt], *, after: str, upto: str | None, now_us: int
    ) -> None:
        """Replace what is known about all members behind `after` up to `upto` (None: to the end).

        Those that are not in `rows` are removed. Events that wait stay, and are folded later.

        Raises
        ------
        StorageError
            Someone was erased meanwhile, another rebuild began, or this one took too long between writes.
        """
        ...

    def end_rebuild(self, token: int, positions: Iterable[Position]) -> None:
        """Note how far the log was read, and let folding go on. Errors as in `write_rebuilt`."""
        ...


OpenStore = Callable[[], StateStore]
