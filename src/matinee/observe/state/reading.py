"""What a decision asks the state of members for."""

from __future__ import annotations

from typing import Protocol

from matinee.observe.members import Member
from matinee.observe.state.record import MemberRecord


class MemberReader(Protocol):
    """Reads what is known about one member now, their last acknowledged event included."""

    def record(self, member_id: str) -> MemberRecord:
        """What the member did; an empty record for one that nobody has heard of.

        Raises
        ------
        StorageError
            The state cannot be reached.
        """
        ...

    def member(self, member_id: str) -> Member | None:
        """Territory, limits and account as they were imported; None for a member without any.

        Raises
        ------
        StorageError
            The state cannot be reached.
        """
        ...
