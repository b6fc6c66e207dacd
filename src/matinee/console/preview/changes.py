"""What if: plays, thumbs and list entries that a member is imagined to have made, or not to have made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matinee.observe.state.fold import Line, fold
from matinee.observe.state.record import MemberRecord

UNKNOWN_RUNTIME_S = 7_200.0
"""Runtime of a title that has none in the catalogue."""
BEGUN_SHARE = 0.3
"""Share of the runtime that a title which was only begun has been watched."""
PLAYS = ("play", "begin")
SIGNALS = {
    "up": "thumb_up",
    "down": "thumb_down",
    "clear": "thumb_clear",
    "list": "list_add",
    "unlist": "list_remove",
}
KINDS = (*PLAYS, "unplay", *SIGNALS)
"""`play`: watched to the end; `begin`: begun and left; `unplay`: never played; thumbs and list entries."""
MOST = 20
"""Changes of one page."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a member is imagined to have done last, or (`unplay`) never to have done.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    title_id : str
    at_us : int or None
        When; None: just before the moment of the page, in the order of the changes.

    Examples
    --------
    >>> str(Change("play", "t17"))
    'play:t17'
    """

    kind: str
    title_id: str
    at_us: int | None = None

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{self.kind}:{self.title_id}"


def changed(
    lines: Iterable[Line], changes: Iterable[Change], *, at_us: int, runtime_s: Mapping[str, float]
) -> MemberRecord:
    """The record of a member with what is imagined, folded from the events as a server folds them.

    Parameters
    ----------
    lines : iterable of Line
        What really happened.
    at_us : int
        Moment of the page.
    runtime_s : mapping of str to float
        Runtimes of titles; 0 or absent where unknown.

    Notes
    -----
    What is taken away is taken from the events, not from the record: of a member with more plays than a
    record keeps, an older one comes up in its place, as it would have been. An imagined play is where the
    member's latest real play was.

    Examples
    --------
    >>> real = [Line("play", "e1", at_us=5, seq=1, title_id="t1", watch_s=60.0)]
    >>> what_if = [Change("unplay", "t1"), Change("play", "t2")]
    >>> found = changed(real, what_if, at_us=9, runtime_s={"t2": 100.0})
    >>> [(play.title_id, play.watch_s, play.at_us) for play in found.plays]
    [('t2', 100.0, 8)]
    """
    wanted = list(changes)
    never = {change.title_id for change in wanted if change.kind == "unplay"}
    real = [line for line in lines if not (line.type == "play" and line.title_id in never)]
    played = [line for line in real if line.type == "play" and line.territory is not None]
    where = max(played, key=lambda line: (line.at_us, line.seq)).territory if played else None
    seq = max((line.seq for line in real), default=0)
    imagined = [
        _line(change, at_us - len(wanted) + i, seq + 1 + i, where, runtime_s)
        for i, change in enumerate(wanted)
        if change.kind != "unplay"
    ]
    return fold(MemberRecord(), [*real, *imagined])


def _line(
    change: Change, at_us: int, seq: int, territory: str | None, runtime_s: Mapping[str, float]
) -> Line:
    when = at_us if change.at_us is None else change.at_us
    event_id = f"what-if {change} {seq}"
    if change.kind in SIGNALS:
        return Line("signal", event_id, when, seq, change.title_id, signal=SIGNALS[change.kind])
    runtime = runtime_s.get(change.title_id) or UNKNOWN_RUNTIME_S
    watched = runtime if change.kind == "play" else BEGUN_SHARE * runtime
    return Line(
        "play", event_id, when, seq, change.title_id, watch_s=watched, position_s=watched, territory=territory
    )
