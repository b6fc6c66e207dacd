"""What a server knows about one member: a bounded summary of events, the same in whatever order they came."""

from __future__ import annotations

import msgspec

PLAYS_KEPT = 1_000
"""Latest plays kept in full; of earlier ones only which titles they were of."""
IMPRESSIONS_KEPT = 400
"""Latest impressions kept."""
SEARCHES_KEPT = 20
"""Latest searches kept."""


class Played(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One play. `key` is a 64-bit hash of the event's id; `share` the rating divided by its scale."""

    at_us: int
    seq: int
    key: int
    title_id: str
    watch_s: float | None = None
    position_s: float | None = None
    share: float | None = None
    territory: str | None = None


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One impression: a tile came into view."""

    at_us: int
    seq: int
    key: int
    title_id: str


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last word on a title: a thumb, or its place on the list."""

    at_us: int
    seq: int
    signal: str


class Searched(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One search, with the title that was opened, if any."""

    at_us: int
    seq: int
    key: int
    query: str
    title_id: str | None = None


class MemberRecord(msgspec.Struct, array_like=True, weakref=True):
    """What one member did. Each part is a bounded set or a last word, so late and repeated events do no harm.

    Attributes
    ----------
    plays : list of Played
        The latest `PLAYS_KEPT`, by (at_us, seq).
    older : list of str
        Titles of plays that are not in `plays` any more, each once, sorted.
    thumbs : dict of str to Said
        Title -> "thumb_up", "thumb_down" or "thumb_clear".
    listing : dict of str to Said
        Title -> "list_add" or "list_remove".
    impressions : list of Shown
        The latest `IMPRESSIONS_KEPT`, by (at_us, seq).
    searches : list of Searched
        The latest `SEARCHES_KEPT`, by (at_us, seq).
    status : Said or None
        The last change of the membership.
    acted : int
        Another number after each play or signal that was not known before; a page made at one number is as
        good as new while it stays.
    """

    plays: list[Played] = []
    older: list[str] = []
    thumbs: dict[str, Said] = {}
    listing: dict[str, Said] = {}
    impressions: list[Shown] = []
    searches: list[Searched] = []
    status: Said | None = None
    acted: int = 0

    @property
    def territory(self) -> str | None:
        """Where the member is: of the latest play that says so."""
        for play in reversed(self.plays):
            if play.territory is not None:
                return play.territory
        return None
