"""Who looks at a page: a member's limits, what they have begun, listed and judged; read once a request."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.console.titles import EPISODE, Seen, TitlesNow
from matinee.errors import StorageError
from matinee.observe.member_state import FINISHED_SHARE, MemberMarks, marks_of
from matinee.observe.state.record import MemberRecord, Played
from matinee.platform.deciding import Context
from matinee.serve.known import Known, look
from matinee.serve.services import Services

THUMB_UP, THUMB_DOWN, LIST_ADD = "thumb_up", "thumb_down", "list_add"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A member at the moment of a request.

    Attributes
    ----------
    member_id : str
    known : Known
    seen : Seen
        Which titles they may know of.
    record : MemberRecord
        Empty where the state cannot be reached.
    marks : MemberMarks
    behind : bool
        The state cannot be reached, or lacks events that were acknowledged.
    """

    member_id: str
    known: Known
    seen: Seen
    record: MemberRecord = field(default_factory=MemberRecord)
    marks: MemberMarks = field(default_factory=MemberMarks)
    behind: bool = False

    @property
    def kids(self) -> bool:
        """Whether it is a kids profile, or nothing is known that says otherwise."""
        return self.seen.limits.kids

    @property
    def at_us(self) -> int:
        """Moment of the request, by the home's clock."""
        return self.seen.at_us

    def listed(self, title_id: str) -> bool:
        """Whether it is on the list; an episode is where its series is."""
        title = self.seen.titles.position(self.seen.titles.unit(title_id))
        return title >= 0 and title in self.marks.my_list

    def thumb(self, title_id: str) -> str | None:
        """The last word on it, where that is "thumb_up" or "thumb_down"."""
        said = self.record.thumbs.get(title_id)
        return said.signal if said is not None and said.signal in (THUMB_UP, THUMB_DOWN) else None

    def share(self, title_id: str) -> float:
        """How much of a title in progress was watched, 0 to 1; 0 for one that is not."""
        title = self.seen.titles.position(title_id)
        found = (self.marks.in_progress == title).nonzero()[0]
        return float(self.marks.in_progress_share[found[0]]) if len(found) else 0.0

    def position_s(self, title_id: str) -> float:
        """Where to go on, in seconds from the start; 0 for a title that is finished or was not begun."""
        facts = self.seen.titles.facts(title_id)
        last = next((play for play in reversed(self.record.plays) if play.title_id == title_id), None)
        if last is None or facts is None:
            return 0.0
        reached_s = _reached_s(last)
        if facts.runtime_s is None:
            return reached_s
        return 0.0 if reached_s >= FINISHED_SHARE * facts.runtime_s else min(reached_s, facts.runtime_s)

    def to_play(self, title_id: str) -> str | None:
        """What plays when a title is asked for: of a series the episode in progress, else the next, else the
        first; a film itself. None where the member may see none of it.
        """
        titles = self.seen.titles
        episodes = [one for one in titles.episodes(title_id) if self.seen.permits(one)]
        if not episodes:
            return title_id if self.seen.permits(title_id) else None
        going = titles.ids(self.marks.in_progress.tolist())
        found = next((one for one in going if one in episodes), None)
        if found is not None:
            return found
        last = next((play for play in reversed(self.record.plays) if play.title_id in episodes), None)
        return episodes[0] if last is None else after(episodes, last.title_id) or episodes[0]

    def next_episode(self, title_id: str) -> str | None:
        """The episode that follows, if there is one that the member may see."""
        titles = self.seen.titles
        facts = titles.facts(title_id)
        if facts is None or facts.kind != EPISODE or facts.series_id is None:
            return None
        return after([one for one in titles.episodes(facts.series_id) if self.seen.permits(one)], title_id)


def after(episodes: list[str], title_id: str) -> str | None:
    """What follows in a list.

    Examples
    --------
    >>> after(["e1", "e2"], "e1"), after(["e1", "e2"], "e2"), after([], "e1")
    ('e2', None, None)
    """
    if title_id not in episodes:
        return None
    place = episodes.index(title_id) + 1
    return episodes[place] if place < len(episodes) else None


async def viewer(services: Services, titles: TitlesNow, member_id: str, context: Context) -> Viewer:
    """Read what the state says about a member; without it the strictest limits hold and nothing is marked.

    Raises
    ------
    StorageError
        Nothing is known about any title yet.
    """
    at_us = services.clock.now_us
    known, record = await services.off_loop(_read, services, member_id)
    seen = await titles.seen(known.limits(context), at_us)
    if record is None:
        return Viewer(member_id, known, seen, behind=True)
    marks = marks_of(record, seen.titles.table, at_us)
    behind = services.ingestor.degraded or not known.reached
    return Viewer(member_id, known, seen, record, marks, behind)


def _read(services: Services, member_id: str) -> tuple[Known, MemberRecord | None]:
    try:
        return look(services, member_id), services.store.record(member_id)
    except StorageError:
        return Known(), None


def _reached_s(play: Played) -> float:
    return float(play.position_s if play.position_s is not None else play.watch_s or 0.0)
