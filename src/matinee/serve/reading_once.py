"""What is known about a member is read once for a request, though two deciders ask one after the other.

Each decider reads the state when it is asked, so that it sees the member's last event. The one that chooses
the images of a page comes a moment after the one that composed it, in the same thread: it is given what that
one read, and the state is not asked again.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager

from matinee.observe.members import Member
from matinee.observe.state.reading import MemberReader
from matinee.observe.state.record import MemberRecord


class _Here(threading.local):
    """Of one thread: whether a request is on its way, whether it may be told the same, and what it read."""

    begun = again = False
    member_id: str | None = None
    record: MemberRecord | None = None

    def __enter__(self) -> None:
        self.begun, self.again = True, False

    def __exit__(self, *problem: object) -> None:
        self.begun = self.again = False
        self.member_id = self.record = None


class ReadOnce:
    """A reader that can repeat what it read for the same request. Outside of `request` it reads each time.

    Parameters
    ----------
    reader : MemberReader
    """

    def __init__(self, reader: MemberReader) -> None:
        self.reader = reader
        self._here = _Here()

    def request(self) -> AbstractContextManager[None]:
        """While one request is answered, in the thread that answers it; nothing is held after it."""
        return self._here

    def repeat(self) -> None:
        """From here on a member who was read for this request is not read again."""
        self._here.again = self._here.begun

    def record(self, member_id: str) -> MemberRecord:
        """As of the state."""
        here = self._here
        if here.again and here.member_id == member_id and here.record is not None:
            return here.record
        found = self.reader.record(member_id)
        if here.begun:
            here.member_id, here.record = member_id, found
        return found

    def member(self, member_id: str) -> Member | None:
        """As of the state."""
        return self.reader.member(member_id)
