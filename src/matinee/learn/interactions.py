"""Who watched what, in which order: the one table that every model learns from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from matinee.types import Ids, Index, Mask, Scores, Times


@dataclass(frozen=True, slots=True)
class Histories:
    """Titles watched by each member, oldest first, as a ragged array.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n_members + 1,)
        Member m owns the events `indptr[m]:indptr[m + 1]`.
    title : ndarray of int32, shape (n_events,)
        Index of the title.
    at_us : ndarray of int64, shape (n_events,)
        When.
    """

    indptr: Times
    title: Index
    at_us: Times

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> Times:
        """Events per member."""
        return np.diff(self.indptr)

    def of(self, member: int) -> Index:
        """Titles of one member, oldest first."""
        return self.title[self.indptr[member] : self.indptr[member + 1]]

    def take(self, members: Index | Times) -> Histories:
        """Histories of some members, in the order asked for."""
        lengths = self.lengths[members]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(self.indptr[members] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Histories(indptr, self.title[rows], self.at_us[rows])

    def keep(self, events: Mask) -> Histories:
        """Same members, only the events where `events` is true."""
        kept = np.concatenate([[0], np.cumsum(events)]).astype(np.int64)
        return Histories(kept[self.indptr], self.title[events], self.at_us[events])

    def drop_last(self, k: int = 1) -> Histories:
        """Same members without the last `k` events of each."""
        return self.keep(self.age() >= k)

    def age(self) -> Times:
        """Rank of recency of each event inside its member: 0 is the latest."""
        return np.repeat(self.indptr[1:], self.lengths) - 1 - np.arange(len(self.title))

    def member_of_event(self) -> Index:
        """Member index of each event."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)


@dataclass(frozen=True, slots=True)
class Interactions:
    """A viewing log with ids replaced by positions; sorted by (member, at_us, seq).

    Equal times keep the order of the file. Where a member watched a title several times all events are
    kept. When it comes from a home, `title_ids` is the catalogue's, so indices agree with `Catalogue`.

    Attributes
    ----------
    member_ids, title_ids : ndarray of object (str)
        Position -> id. Title ids may include titles that nobody watched.
    histories : Histories
        One row per member.
    weight : ndarray of float32, shape (n_events,)
        How much the member liked it, from rating or watch time; 1.0 where unknown.
    territory : ndarray of object, shape (n_members,), or None
        Where each member lives, if known.
    n_rejected : int
        Bad rows of its file that were left out when it was read; 0 for anything made from it.
    """

    member_ids: Ids
    title_ids: Ids
    histories: Histories
    weight: Scores
    territory: Ids | None = field(default=None)
    n_rejected: int = 0

    @property
    def n_members(self) -> int:
        """Number of members."""
        return len(self.member_ids)

    @property
    def n_titles(self) -> int:
        """Number of titles, watched or not."""
        return len(self.title_ids)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.histories.title)

    def keep(self, events: Mask) -> Interactions:
        """Same members and titles, only the events where `events` is true."""
        return Interactions(
            self.member_ids, self.title_ids, self.histories.keep(events), self.weight[events], self.territory
        )

    def take(self, members: Index | Times) -> Interactions:
        """Only some members, in the order asked for; all titles."""
        lengths = self.histories.lengths[members]
        start = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        rows = np.repeat(self.histories.indptr[members] - start, lengths) + np.arange(lengths.sum())
        return Interactions(
            self.member_ids[members],
            self.title_ids,
            self.histories.take(members),
            self.weight[rows],
            None if self.territory is None else self.territory[members],
        )

    @staticmethod
    def from_arrays(
        member: Ids,
        title: Ids,
        at_us: Times,
        *,
        weight: Scores | None = None,
        title_ids: Ids | None = None,
    ) -> Interactions:
        """Build from columns in file order; meant for tests and small data (ids are sorted as text)."""
        member_ids, m = np.unique(member.astype(str), return_inverse=True)
        if title_ids is None:
            names, t = np.unique(title.astype(str), return_inverse=True)
            title_ids = names.astype(object)
        else:
            position = {name: i for i, name in enumerate(title_ids)}
            t = np.array([position[name] for name in title], dtype=np.int32)
        order = np.lexsort((np.arange(len(m)), at_us, m))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(m, minlength=len(member_ids)))]).astype(np.int64)
        w = np.ones(len(m), np.float32) if weight is None else weight.astype(np.float32)
        histories = Histories(indptr, t[order].astype(np.int32), at_us[order].astype(np.int64))
        return Interactions(member_ids.astype(object), title_ids, histories, w[order])
