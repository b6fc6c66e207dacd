"""What one member watched, from the state that a server keeps: the same as `interactions_from_home` reads."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from weakref import ref

import numpy as np

from matinee.learn.reading import UNKNOWN_RUNTIME_S
from matinee.observe.member_state import TitleTable
from matinee.observe.state.record import MemberRecord, Played
from matinee.types import Index, Scores, Times


@dataclass(frozen=True, slots=True)
class MemberHistory:
    """One member's plays, oldest first.

    Attributes
    ----------
    title : ndarray of int32
        The series for an episode.
    at_us : ndarray of int64
    weight : ndarray of float32
        How much each was liked, 0 to 1; 0 for titles of which only is known that they were watched.
    territory : str or None
        Where the latest play was that says so.
    """

    title: Index
    at_us: Times
    weight: Scores
    territory: str | None


class _Latest(threading.local):
    """The last answer in a thread, while its record is held elsewhere."""

    record: ref[MemberRecord] | None = None
    titles: TitleTable | None = None
    history: MemberHistory | None = None

    def of(self, record: MemberRecord, titles: TitleTable) -> MemberHistory | None:
        """The answer for these two, if they were asked about last."""
        same = self.record is not None and self.record() is record and self.titles is titles
        return self.history if same else None

    def keep(self, record: MemberRecord, titles: TitleTable, history: MemberHistory) -> None:
        """Remember an answer, and forget it as soon as nobody has the record any more."""
        self.titles, self.history = titles, history
        self.record = ref(record, self.forget)

    def forget(self, of: ref[MemberRecord]) -> None:
        """Nobody has the record any more."""
        if self.record is of:
            self.record = self.titles = self.history = None


_LATEST = _Latest()


def history_of(record: MemberRecord, titles: TitleTable) -> MemberHistory:
    """Plays of a record that the catalogue knows.

    Titles of plays that fell out of the record stand first, at the time of the earliest play that is kept.
    Events that carry a time after now count too: they have happened, by a clock that is fast.

    Records are never changed, only replaced: the next who asks in this thread about the same one (the images
    of a page, after its rows) gets the same answer.
    """
    found = _LATEST.of(record, titles)
    if found is None:
        found = _read(record, titles)
        _LATEST.keep(record, titles, found)
    return found


def _read(record: MemberRecord, titles: TitleTable) -> MemberHistory:
    position, unit, runtime_s = titles.position, titles.unit, titles.runtime_s
    kept: list[int] = []
    times: list[int] = []
    weights: list[float] = []
    first_us = record.plays[0].at_us if record.plays else 0
    for title_id in record.older:
        title = position.get(title_id, -1)
        if title >= 0:
            kept.append(unit[title])
            times.append(first_us)
            weights.append(0.0)
    for play in record.plays:
        title = position.get(play.title_id, -1)
        if title >= 0:
            kept.append(unit[title])
            times.append(play.at_us)
            weights.append(_liking(play, runtime_s[title]))
    return MemberHistory(
        np.array(kept, np.int32), np.array(times, np.int64), np.array(weights, np.float32), record.territory
    )


def latest_titles(record: MemberRecord, titles: TitleTable, n: int) -> Index:
    """The last `n` of `history_of(record, titles).title`, and nothing else that it finds out.

    Returns
    -------
    ndarray of int32
        The latest first.
    """
    known = _LATEST.of(record, titles)
    if known is not None:
        return known.title[::-1][:n]
    position, unit = titles.position, titles.unit
    kept: list[int] = []
    for names in ((play.title_id for play in reversed(record.plays)), reversed(record.older)):
        for title_id in names:
            if len(kept) == n:
                return np.array(kept, np.int32)
            title = position.get(title_id, -1)
            if title >= 0:
                kept.append(unit[title])
    return np.array(kept, np.int32)


def _liking(play: Played, runtime_s: float) -> float:
    """Rating by its scale, else the share of the runtime that was watched, else 1; 0 to 1."""
    if play.share is not None:
        return min(1.0, max(0.0, play.share))
    if play.watch_s is not None:
        return min(1.0, max(0.0, play.watch_s / (runtime_s or UNKNOWN_RUNTIME_S)))
    return 1.0
