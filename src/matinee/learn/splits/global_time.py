"""Global temporal split: learn before one moment T for everybody, predict what came after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from matinee.errors import InputError, unknown_name
from matinee.learn.interactions import Interactions
from matinee.learn.splits.queries import Queries
from matinee.types import Index, Mask, format_at

Form = Literal["window", "last", "first", "successive"]


@dataclass(frozen=True, slots=True)
class GlobalTime:
    """A split at one moment.

    Attributes
    ----------
    cut_us : int
        T. Events before it are for learning, events at or after it for testing.
    data : Interactions
        Everything, both sides of T.
    train : Interactions
        Events before T, of the members who have any (so rows differ from `data`); all titles of
        `data`, so that title indices agree.
    n_before : ndarray of int32, shape (n_members,)
        Events of each member of `data` before T.
    seen_title : ndarray of bool, shape (n_titles,)
        Titles with an event before T.
    """

    cut_us: int
    data: Interactions
    train: Interactions
    n_before: Index
    seen_title: Mask

    @property
    def warm(self) -> Index:
        """Members with events on both sides of T."""
        return np.flatnonzero((self.n_before > 0) & (self._n_after > 0)).astype(np.int32)

    @property
    def cold(self) -> Index:
        """Members whose first event is not before T."""
        return np.flatnonzero((self.n_before == 0) & (self._n_after > 0)).astype(np.int32)

    @property
    def _n_after(self) -> Index:
        return (self.data.histories.lengths - self.n_before).astype(np.int32)

    def queries(self, form: Form, members: Index | None = None) -> Queries:
        """Questions of one form, about `members` (default: the warm ones).

        Parameters
        ----------
        form : {"window", "last", "first", "successive"}
            `window`: from the history before T, all titles after T. `first`: from the history before T,
            the first event after it. `last`: from all earlier events, the last one. `successive`: each
            event after T from all events before it. Models learn from `train` in every form.
        members : ndarray of int32, optional
            Give `cold` for members without a history before T. Their first question is asked with an
            empty history.

        Raises
        ------
        InputError
            `form` is unknown.
        """
        member = self.warm if members is None else members
        before, total = self.n_before[member].astype(np.int64), self.data.histories.lengths[member]
        if form == "window":
            return Queries.build(self.data.histories, member, before, total)
        if form == "first":
            return Queries.build(self.data.histories, member, before, np.minimum(before + 1, total))
        if form == "last":
            return Queries.build(self.data.histories, member, np.maximum(before, total - 1), total)
        if form == "successive":
            after = total - before
            start = np.concatenate([[0], np.cumsum(after)])[:-1]
            known = np.repeat(before - start, after) + np.arange(after.sum())
            return Queries.build(self.data.histories, np.repeat(member, after), known, known + 1)
        raise InputError(unknown_name("GlobalTime.queries", "form", form, get_args(Form)))


def global_time(data: Interactions, cut: float | int = 0.8) -> GlobalTime:
    """Split at a moment, given as share of the events or as a time.

    Parameters
    ----------
    data : Interactions
    cut : float between 0 and 1, or int
        A float: T is the time of the event that stands at this share of all events in order of time.
        An int: T itself, in microseconds.

    Raises
    ------
    InputError
        The share is not between 0 and 1, or one side of T is empty.

    References
    ----------
    Gusak et al. (2025), Time to split: data splitting strategies for sequential recommenders, RecSys
    (the target forms last, first, successive and all).
    """
    at_us = data.histories.at_us
    if isinstance(cut, float):
        if not 0.0 < cut < 1.0:
            raise InputError(
                f"global_time: cut is {cut}, expected a share between 0 and 1 (float) or a time in "
                "microseconds (int). Give 0.8 to learn from the first 80 % of events."
            )
        cut_us = int(np.partition(at_us, int(cut * len(at_us)))[int(cut * len(at_us))]) if len(at_us) else 0
    else:
        cut_us = cut
    before = at_us < cut_us
    if not before.any() or before.all():
        raise InputError(
            f"global_time: cut is {format_at(cut_us)}, expected a time with events before and after it; "
            f"{int(before.sum())} of {len(at_us)} events are before it. Choose another cut."
        )
    member = data.histories.member_of_event()
    n_before = np.bincount(member[before], minlength=data.n_members).astype(np.int32)
    train = data.keep(before).take(np.flatnonzero(n_before > 0))
    seen = np.bincount(train.histories.title, minlength=data.n_titles) > 0
    return GlobalTime(cut_us, data, train, n_before, seen)
