"""Members as they were, with what is imagined about them: what a preview gives the initiatives to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock

from matinee.console.preview.changes import Change, changed
from matinee.observe.home import Home
from matinee.observe.members import MATURITY_MAX, Member
from matinee.observe.state.as_of import MembersAsOf, lines_as_of
from matinee.observe.state.fold import Line
from matinee.observe.state.record import MemberRecord


@dataclass(frozen=True, slots=True)
class Facts:
    """What is imagined to be stored about a member; None: as it is.

    Attributes
    ----------
    territory : str or None
    maturity : int or None
        Highest age, 0-18.
    kids : bool or None
    """

    territory: str | None = None
    maturity: int | None = None
    kids: bool | None = None

    def of(self, member_id: str, stored: Member | None) -> Member | None:
        """What is then stored about a member.

        Examples
        --------
        >>> Facts(maturity=6).of("m1", Member("m1", territory="AT")).limits
        Limits(territory='AT', maturity_max=6, kids=False, languages=())
        """
        if self == Facts():
            return stored
        now = stored or Member(member_id)
        return replace(
            now,
            territory=now.territory if self.territory is None else self.territory,
            maturity_max=now.maturity_max if self.maturity is None else min(self.maturity, MATURITY_MAX),
            kids=now.kids if self.kids is None else self.kids,
        )


@dataclass(frozen=True, slots=True)
class Imagined:
    """One member at one moment, with what is imagined.

    Attributes
    ----------
    at_us, latest_us, seen_us : int
        Moment of the page; events that had happened, and had arrived, by these (both included) count.
    """

    member_id: str
    at_us: int
    latest_us: int
    seen_us: int
    changes: tuple[Change, ...] = ()
    facts: Facts = field(default_factory=Facts)


@dataclass(slots=True)
class ImaginedMembers:
    """A `MemberReader` that answers about the member who is imagined at the time, and writes nothing.

    One member is imagined at a time: `being` waits for its turn.

    Attributes
    ----------
    home : Home
    runtime_s : mapping of str to float
        For plays that are imagined.
    """

    home: Home
    runtime_s: Mapping[str, float] = field(default_factory=dict)
    _now: Imagined | None = None
    _record: MemberRecord | None = None
    _turn: Lock = field(default_factory=Lock, repr=False)

    @contextmanager
    def being(self, imagined: Imagined) -> Iterator[MemberRecord]:
        """Answer about this member as imagined, until the end of the block; gives their record.

        Raises
        ------
        StorageError
            The lake or the log cannot be read.
        """
        with self._turn:
            lines: list[Line] = lines_as_of(
                self.home, imagined.member_id, imagined.latest_us, imagined.seen_us
            )
            record = changed(lines, imagined.changes, at_us=imagined.at_us, runtime_s=self.runtime_s)
            self._now, self._record = imagined, record
            try:
                yield record
            finally:
                self._now = self._record = None

    def record(self, member_id: str) -> MemberRecord:
        """What the member did; nothing, of any other one."""
        now, record = self._now, self._record
        if now is None or record is None or now.member_id != member_id:
            return MemberRecord()
        return record

    def member(self, member_id: str) -> Member | None:
        """What is stored about the member."""
        now = self._now
        if now is None or now.member_id != member_id:
            return None
        stored = MembersAsOf(self.home, now.at_us, now.seen_us).member(member_id)
        return now.facts.of(member_id, stored)
