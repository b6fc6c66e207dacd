"""What a model is asked in an evaluation, and what then happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matinee.learn.interactions import Histories
from matinee.types import Index, Mask, Times


@dataclass(frozen=True, slots=True)
class Queries:
    """Questions "given the first events of this member, what comes?", with the answers.

    Histories are cut out of the log when they are asked for, so a hundred thousand questions about
    long histories do not need a hundred thousand copies of them.

    Attributes
    ----------
    log : Histories
        Everything that happened, before and after the cut.
    member : ndarray of int32, shape (n_queries,)
        Row of `log`. A member may be asked about several times.
    known : ndarray of int64, shape (n_queries,)
        How many of the member's events may be seen: the first `known` ones.
    target_indptr : ndarray of int64, shape (n_queries + 1,)
        Query q owns the targets `target_indptr[q]:target_indptr[q + 1]`.
    target : ndarray of int32, shape (n_targets,)
        Titles that were watched: distinct inside a query, none of them in its history.
    n_repeats : int
        Targets left out because the title stands in the history already: seen titles are removed from
        every ranking, so no model could have named them.
    """

    log: Histories
    member: Index
    known: Times
    target_indptr: Times
    target: Index
    n_repeats: int = 0

    @staticmethod
    def build(log: Histories, member: Index, known: Times, last: Times) -> Queries:
        """Ask about each member after their first `known` events; targets are the next, up to `last`.

        `last` is exclusive. Repeated targets and targets that stand in the history are left out, and
        so are queries that then have no target.
        """
        lengths = last - known
        query = np.repeat(np.arange(len(member)), lengths)
        start = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        events = np.repeat(log.indptr[member] + known - start, lengths) + np.arange(lengths.sum())
        title = log.title[events]
        fresh = _first_watch(log)[events] >= np.repeat(log.indptr[member] + known, lengths)
        n_repeats = int((~fresh).sum())
        query, title = query[fresh], title[fresh]
        _, first = np.unique(query * np.int64(log.title.max(initial=0) + 1) + title, return_index=True)
        first.sort()
        query, title = query[first], title[first]
        counts = np.bincount(query, minlength=len(member))
        asked = counts > 0
        indptr = np.concatenate([[0], np.cumsum(counts[asked])]).astype(np.int64)
        return Queries(
            log, member[asked].astype(np.int32), known[asked].astype(np.int64), indptr, title, n_repeats
        )

    def __len__(self) -> int:
        return len(self.member)

    @property
    def n_targets(self) -> Times:
        """Targets per query."""
        return np.diff(self.target_indptr)

    def query_of_target(self) -> Times:
        """Query of each target."""
        return np.repeat(np.arange(len(self)), self.n_targets)

    @property
    def asked_us(self) -> Times:
        """When the event after the known ones happened: the moment at which a page would be asked for."""
        moments: Times = self.log.at_us[self.log.indptr[self.member] + self.known]
        return moments

    def histories(self, start: int = 0, stop: int | None = None) -> Histories:
        """What may be seen in the queries `start:stop`, one row per query."""
        member, known = self.member[start:stop], self.known[start:stop]
        indptr = np.concatenate([[0], np.cumsum(known)]).astype(np.int64)
        rows = np.repeat(self.log.indptr[member] - indptr[:-1], known) + np.arange(indptr[-1])
        return Histories(indptr, self.log.title[rows], self.log.at_us[rows])

    def batches(self, size: int = 512) -> Iterator[tuple[slice, Histories]]:
        """All queries in order, at most `size` at a time: which ones, and their histories."""
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield slice(start, stop), self.histories(start, stop)

    def take(self, queries: Mask | Index | Times) -> Queries:
        """Only some queries, by mask or position."""
        chosen = np.flatnonzero(queries) if queries.dtype == np.bool_ else np.asarray(queries, np.int64)
        counts = self.n_targets[chosen]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.repeat(self.target_indptr[chosen] - indptr[:-1], counts) + np.arange(indptr[-1])
        return Queries(
            self.log, self.member[chosen], self.known[chosen], indptr, self.target[rows], self.n_repeats
        )


def _first_watch(log: Histories) -> Times:
    """For each event, the position of the member's first event with the same title."""
    key = log.member_of_event().astype(np.int64) * np.int64(log.title.max(initial=0) + 1) + log.title
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    earliest: Times = first[inverse].astype(np.int64)
    return earliest
